/* The identity of this server, from the one row of server_settings. */
#ifndef KANSO_AUTH_SERVER_H
#define KANSO_AUTH_SERVER_H

#include "http/context.h"

/* The server's id as hex; read once per process, and with it the signing key unless one is configured. FAILED when the
 * database was never initialised. */
int server_id_of(struct ctx *c, const char **hex);

/* The name of the session cookie. */
const char *cookie_name(struct ctx *c, const char *server_id);

#endif
