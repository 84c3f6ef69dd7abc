/*
 * Rate limits for what guesses secrets (docs/contract/auth.md#rate-limits): tries per minute and per day, by client
 * address; of an IPv6 address its /64 network counts, which is what one client has. They are counted in the database
 * and so hold across workers and hosts. Off unless ZENML_SERVER_RATE_LIMIT_ENABLED.
 *
 * `account` says whose secret is tried, by whatever the client calls it; NULL when it does not say. All tries from an
 * address count together, but a success forgives only those at the same account: whoever has an account cannot buy
 * tries at others' with it.
 */
#ifndef KANSO_AUTH_LIMIT_H
#define KANSO_AUTH_LIMIT_H

#include "http/context.h"

enum limiter { LIMIT_LOGIN, LIMIT_PASSWORD_CHANGE, LIMIT_ACTIVATION, LIMIT_DEVICE };

/* Counts a try, which is kept whatever becomes of the request; answers 429 beyond the limit. Not to be called within a
 * transaction. */
int limit_count(struct ctx *c, enum limiter which, const char *account);

/* Takes the latest try at the account back: it was none. */
int limit_uncount(struct ctx *c, enum limiter which, const char *account);

/* Forgives the tries of this client at the account: one has succeeded. */
int limit_reset(struct ctx *c, enum limiter which, const char *account);

#endif
