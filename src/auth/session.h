/*
 * Sessions that can be ended, with KANSO_STRICT: a token names the row of kanso_session that it was given with (its jti
 * claim), and is good as long as that row is there and the account still has the password that it had then. Tokens made
 * from it for pipelines end with it. Otherwise tokens are good until they expire, as the contract has it (auth.md
 * section 4), and these functions do nothing.
 */
#ifndef KANSO_AUTH_SESSION_H
#define KANSO_AUTH_SESSION_H

#include "auth/token.h"

/* Opens a session for a token that is about to be given; t->session gets its id. `password` is the hash that was
 * compared with what the user gave, NULL when he came in otherwise. 401 when the account has changed since. */
int session_open(struct ctx *c, struct token *t, const char *password);

/* Ends one session, all of an account, or all that an API key or device has opened. Ids are hex. */
int session_end(struct ctx *c, const char *id);
int session_end_account(struct ctx *c, const char *account);
int session_end_via(struct ctx *c, const char *key_or_device);

/* What an account must meet besides `t.id = ?` (its parameter is the session's id); NULL when it must not. */
const char *session_condition(void);

#endif
