/* Sign-in by another server, which knows the users (scheme EXTERNAL; docs/contract/auth.md#external). */
#ifndef KANSO_ACCOUNT_EXTERNAL_H
#define KANSO_ACCOUNT_EXTERNAL_H

#include "http/context.h"

/* The token of the external session: its cookie, else the Authorization header; NULL when there is neither. */
const char *external_token(struct ctx *c);

/* Asks the external authenticator who a token belongs to, begins the transaction of the sign-in, and makes or updates
 * that user in it; `id` gets the user's id. */
int external_login(struct ctx *c, const char *token, char id[33]);

#endif
