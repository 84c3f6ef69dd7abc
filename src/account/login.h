/* Ways in and out: POST /login, GET /logout, GET /api_token (docs/contract/auth.md#sign-in, #cookie, #api-token). */
#ifndef KANSO_ACCOUNT_LOGIN_H
#define KANSO_ACCOUNT_LOGIN_H

#include "http/route.h"

extern const struct model LOGIN_FORM, API_TOKEN_QUERY;

int login(struct ctx *c);
int logout(struct ctx *c);

/* A token for a pipeline or schedule, made from the caller's; it never outlives that one. */
int api_token(struct ctx *c);

#endif
