/*
 * Rate limits for what guesses secrets (contract/auth.md section 11): tries per minute and per day, by client address.
 * They are counted in the database and so hold across workers and hosts. Off unless ZENML_SERVER_RATE_LIMIT_ENABLED.
 */
#ifndef KANSO_AUTH_LIMIT_H
#define KANSO_AUTH_LIMIT_H

#include "http/context.h"

enum limiter { LIMIT_LOGIN, LIMIT_PASSWORD_CHANGE };

/* Counts a try, which is kept whatever becomes of the request; answers 429 beyond the limit. Not to be called within a
 * transaction. */
int limit_count(struct ctx *c, enum limiter which);

/* Takes the latest try back: it was none. */
int limit_uncount(struct ctx *c, enum limiter which);

/* Forgives the tries of this client: one has succeeded. */
int limit_forgive(struct ctx *c, enum limiter which);

#endif
