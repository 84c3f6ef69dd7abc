/* Network addresses: lists of addresses and networks, such as KANSO_TRUSTED_PROXIES. */
#ifndef KANSO_BASE_ADDRESS_H
#define KANSO_BASE_ADDRESS_H

#include <stdbool.h>

/* Whether `list` holds nothing but addresses and networks ("10.0.0.0/8, ::1"), separated by commas or blanks. */
bool address_list_valid(const char *list);

/* Whether an address stands in the list or in one of its networks; an IPv4 address is also found in its IPv6 form
 * (::ffff:a.b.c.d). False for text that is no address. */
bool address_listed(const char *list, const char *address);

#endif
