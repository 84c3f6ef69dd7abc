/* Names and passwords (docs/contract/auth.md#passwords). */
#ifndef KANSO_AUTH_CREDENTIALS_H
#define KANSO_AUTH_CREDENTIALS_H

#include "http/context.h"

struct credentials {
    const char *user;    /* hex id, when they fit */
    const char *name;    /* his */
    const char *hash;    /* of the password that fits */
    const char *problem; /* why they do not, or NULL */
    bool unfit;          /* no password can look like this one: 422 instead of 401 */
};

/* Looks the user up by name or id and compares the password, which takes as long for a user who does not exist. With
 * `again`, for credentials that come with every request, what fitted lately is known without bcrypt, and everything
 * else is counted as a login (429). Returns OK (see out->problem), FAILED or RETRY. */
int check_credentials(struct ctx *c, const char *name, struct json_object *password, bool again,
                      struct credentials *out);

#endif
