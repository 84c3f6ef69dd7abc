/* Who a request comes from (docs/contract/auth.md#caller, #schemes, #tokens). */
#ifndef KANSO_AUTH_AUTH_H
#define KANSO_AUTH_AUTH_H

#include "db/db.h"
#include "http/context.h"

/* Loads an account (user or service account) by id; auth->user_id stays NULL when there is none. */
int auth_load_account(struct ctx *c, const char *id, struct auth *auth, bool *active);

/* The token that comes with a request; false when there is none, or it is not good. Whether its account and session are
 * still there is not asked. */
struct token;
bool auth_token(struct ctx *c, const char *server_id, struct token *out);

/* Looks at the caller anew, who may have lost his rights since the request began; to be asked within a transaction that
 * holds his row. Composes the 401 when he is gone or inactive. */
int auth_confirm(struct ctx *c);

/* Finds out who calls, by the configured scheme, and fills c->auth; otherwise composes the 401. */
int authenticate(struct ctx *c);

/* Makes an account (hex id) the caller of work that no request asked for. 401 when it is gone or inactive. */
int authenticate_as(struct ctx *c, const char *id);

/* As authenticate(), for what only reads: where a token says who calls, the database is asked about him together with
 * the first statement of the handler, in one round trip if it can be; c->auth->confirm is set until then. */
int authenticate_deferred(struct ctx *c);

#endif
