/* Network addresses: lists of addresses and networks, such as KANSO_TRUSTED_PROXIES. */
#ifndef KANSO_BASE_ADDRESS_H
#define KANSO_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `list` holds nothing but addresses and networks ("10.0.0.0/8, ::1"), separated by commas or blanks; "unix:"
 * counts as the address of whoever comes by a Unix socket. */
bool address_list_valid(const char *list);

/* Whether an address stands in the list or in one of its networks; an IPv4 address is also found in its IPv6 form
 * (::ffff:a.b.c.d). False for text that is no address. */
bool address_listed(const char *list, const char *address);

/* The address in "address[:port]" or "[address][:port]", as some proxies write them: moves *text to its beginning and
 * returns its length. IPv6 without brackets has no port; text that is none of these is left as it is. */
size_t address_without_port(const char **text, size_t len);

/* The text of the network that one client has to itself: of an IPv6 address its /64, an IPv4 address itself (also in
 * its IPv6 form). Text that is no address stays as it is, but for its length. */
enum { ADDRESS_NETWORK_MAX = 65 };
void address_network(const char *address, char out[ADDRESS_NETWORK_MAX]);

#endif
