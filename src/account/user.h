/* Users, and what they have in common with service accounts: one table (docs/contract/resources.md#accounts,
 * docs/contract/auth.md#users). */
#ifndef KANSO_ACCOUNT_USER_H
#define KANSO_ACCOUNT_USER_H

#include "model/model.h"

extern const struct model USER_UPDATE;

/* GET /users/{name or id}: a name finds users only, an id service accounts as well; others are for administrators. */
int user_get(struct ctx *c);
int user_create(struct ctx *c);
int user_update(struct ctx *c);
int user_delete(struct ctx *c);

/* PUT /users/{name or id}/activate, with the activation token instead of a login; /deactivate; /email-opt-in */
int user_activate(struct ctx *c);
int user_deactivate(struct ctx *c);
int user_email_opt_in(struct ctx *c);

/* GET and PUT /current-user */
int user_current(struct ctx *c);
int user_update_current(struct ctx *c);

/* Whether users are managed here, and not by the external authenticator. */
bool users_managed(void);

/* Answers a user (hex id); `token` is shown as activation token, or NULL. */
int respond_user(struct ctx *c, const char *id, unsigned detail, const char *token);

/* Makes an active administrator within the caller's transaction; the id goes to `id`. 409 when the name is taken. */
int user_create_admin(struct ctx *c, const char *name, const char *password_hash, char id[33]);

/*
 * What an operator does straight on the database: nobody calls (c->auth is NULL), and nobody is asked. Otherwise as the
 * requests: sessions end, an administrator stays, names are unique. c->param[0] is a user's id in hex; the body is
 * checked. The answer is the user.
 */
int user_add(struct ctx *c);          /* as user_create() */
int user_set_password(struct ctx *c); /* body: password. Ends the sessions of the user */
int user_set_active(
    struct ctx *c); /* body: active. Who is deactivated gets an activation token, see user_deactivate() */
int user_set_admin(struct ctx *c); /* body: is_admin */

/* Whom an external authenticator vouches for. */
struct external_user {
    const char *id;           /* hex */
    const char *email, *name; /* name: or NULL */
    bool is_admin;
};

/* Makes that user, or brings the one with this external id up to date, within a transaction. */
int user_from_external(struct ctx *c, const struct external_user *e, char id[33]);

/* Whether an account owns anything, which keeps it from being deleted. */
int account_owns(struct ctx *c, const char *id, bool *owns);

/* Within a transaction: fails when the account that is about to lose its rights is the last administrator. */
int keep_an_admin(struct ctx *c, const char *id, const char *what);

#endif
