/* A run's security context, resolved against the database: who acts, which secrets are there. */
#ifndef KANSO_SECURITY_RUN_H
#define KANSO_SECURITY_RUN_H

#include "db/db.h"
#include "security/security.h"

/* What the secrets store knows of a secret. */
enum sec_found {
    SEC_EXISTS,
    SEC_NO_SECRET,  /* none of that name that the acting user may mean */
    SEC_NO_KEY,     /* the secret is there, the key in it is not */
    SEC_UNREADABLE, /* the secret is there; its keys cannot be read, e.g. for want of the
                       encryption key, or because another store has them */
};

/* A secret that a run asks for. No value of it is kept. */
struct sec_need {
    const struct sec_secret *secret;
    const char *purpose; /* NULL for a secret of the context, else whose client secret it is */
    enum sec_found found;
    const char *id;    /* of the secret found: 32 hex digits; else NULL */
    const char *scope; /* likewise: "user" or "workspace" */
};

struct sec_run {
    const char *id, *name; /* id: 36 characters */
    const char *workspace;
    const char *user_id, *user; /* NULL when the user is gone */
    bool service_account;
    const struct sec_context *context; /* NULL when the run has none */
    const struct sec_need *needs;
    size_t count;
};

/*
 * Resolves a run (32 hex digits). NULL, or what went wrong: no such run, a stored context that is
 * refused, a database that fails. The number of statements is one, and one for each secret.
 */
const char *sec_load_run(struct db *db, struct arena *a, const char *run, struct sec_run *out);

#endif
