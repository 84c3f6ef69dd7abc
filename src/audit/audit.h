/*
 * The audit log (KANSO_AUDIT): who did what to which object, from where, with which credential, and what came of it, as
 * rows of kanso_audit (docs/operations/audit.md).
 *
 * Nobody calls this for a single route. Dispatch begins the record of each request and concludes it; the engine tells
 * of the objects that it writes and, right before COMMIT, has their rows written into the transaction that changes them
 * (struct recorder). Handlers that write a table by themselves note that with audit_changed(); those who find out who
 * somebody is, with audit_actor(). Where nothing is recorded, c->audit is NULL, and all of these do nothing.
 *
 * Names and ids go into the log, and the names of members that were changed: never a value.
 */
#ifndef KANSO_AUDIT_AUDIT_H
#define KANSO_AUDIT_AUDIT_H

#include "resource/resource.h"

/* How many rows an hour there may be, about, of those that nobody has proved to be: failed sign-ins above all. What
 * comes on top is counted in one row for each operation and status. */
enum { AUDIT_STRANGERS = 500 };

/* Who asks. Texts are of the arena, or static. */
struct actor {
    const char *kind;          /* user, service_account, event_source, server */
    const char *id, *name;     /* of the account: hex; or NULL */
    const char *credential;    /* what it was proved with: session, token, api_key, ...; or of whose behalf a job is */
    const char *credential_id; /* hex, or NULL */
};

/* Begins the record of a request whose route is known. Does nothing unless KANSO_AUDIT is set. */
void audit_request(struct ctx *c);

/* The same for a job: only what it changes is recorded, by whoever it runs as. */
void audit_job(struct ctx *c, const char *kind, const char *credential, const char *credential_id);

/* The same for a command of kansoctl, such as "user add": only what it changes is recorded, by the name of the user of
 * the system. */
void audit_command(struct ctx *c, const char *name);

/* A row has been written within the open transaction. The id is hex; `name` may be NULL. */
void audit_changed(struct ctx *c, const struct resource *r, const char *id, const char *name, enum change change);

/* The same where no description of the type is at hand: its name. */
void audit_changed_row(struct ctx *c, const char *type, const char *id, const char *name, enum change change);

/* The same for many rows. */
void audit_changed_all(struct ctx *c, const struct resource *r, const char *const *ids, size_t count,
                       enum change change);

/* It is known who asks, though not by c->auth: somebody has signed in, a delivery is signed. */
void audit_actor(struct ctx *c, const struct actor *who);

/* The same for the account of that id (hex), whose name is looked up where it is recorded. */
int audit_account(struct ctx *c, const char *id, const char *credential, const char *credential_id);

/* A secret is tried: its refusal is recorded though nobody knows who asks. audit_untried(): it was none. */
void audit_tried(struct ctx *c);
void audit_untried(struct ctx *c);

/* The object that the request is about, where neither the route nor the answer tells. `id` and `name` may be NULL. */
void audit_about(struct ctx *c, const struct resource *r, const char *id, const char *name);

/* For a change that is a single statement: a transaction for it and its record, where it is recorded; otherwise the
 * statement needs none. */
int audit_begin_single(struct ctx *c);
int audit_commit_single(struct ctx *c);

/* Records what came of the request, when no change has told yet. A request that went well is refused with 503 when that
 * cannot be recorded; of one that was refused anyway only the log tells. Returns OK or FAILED. */
int audit_conclude(struct ctx *c, int rc);

/* What an operator has done with kansoctl past all of that, as a row within the open transaction, or by itself.
 * `operation` is the command, such as "kansoctl user reset-password"; type, id (hex), name and effect (created,
 * updated, deleted) may be NULL. Does nothing unless KANSO_AUDIT is set. */
enum db_status audit_operator(struct db *db, struct arena *a, const char *operation, const char *object_type,
                              const char *object_id, const char *object_name, const char *effect);

/* Deletes some of the rows that are older than KANSO_AUDIT_DAYS; *more: there may be others. */
enum db_status audit_sweep(struct db *db, struct arena *a, bool *more);

#endif
