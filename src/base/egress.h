/*
 * Which servers may be called with addresses that users have chosen, so that this server is no way into the network it
 * stands in: KANSO_EGRESS.
 *
 * A rule is a list of host names (*.example.org: those below one), addresses and networks, separated by commas or
 * blanks. NULL or an empty one: everything. Link-local addresses and those at which clouds keep the credentials of
 * their machines are refused whatever the rule says of host names, unless the caller opens them, or an address or
 * network of the rule names them.
 */
#ifndef KANSO_BASE_EGRESS_H
#define KANSO_BASE_EGRESS_H

#include <stdbool.h>

bool egress_valid(const char *rule);

/* Whether a connection may be made to `address`, which the name `host` of a URL has been resolved to. */
bool egress_allowed(const char *rule, bool local, const char *host, const char *address);

#endif
