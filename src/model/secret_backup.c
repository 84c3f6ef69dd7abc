/* All secrets from the store to the backup store, or back (docs/contract/secrets-stores.md#backup-and-restore). */
#include "model/secret.h"

#include "base/uuid.h"
#include "resource/sql.h"
#include "secrets/stores.h"

/* What is done with each secret. */
struct transfer {
    enum which_store from, to;
    bool ignore_errors, move;
    struct secrets stores;
    const char *id; /* of the secret in hand, hex */
};

static int write_column(struct ctx *c, const char *id, const char *stored)
{
    return sql(c, NULL, "UPDATE secret SET `values` = ? WHERE id = ?", stored ? p_text(stored) : p_null(), p_text(id));
}

/* Copies the values, and with `move` removes them where they were. */
static int transfer_values(struct ctx *c, struct transfer *t, struct span column, enum secret_outcome *outcome)
{
    struct secrets *s = &t->stores;
    struct json_object *values;
    *outcome = secrets_get_from(s, t->from, t->id, column, &values);
    if (*outcome == SECRET_OK)
        *outcome = secrets_put_to(s, t->to, t->id, values, false);
    if (*outcome == SECRET_OK && secrets_in_column(t->to))
        TRY(write_column(c, t->id, secrets_column(c->mem, values)));
    if (*outcome != SECRET_OK || !t->move)
        return OK;
    *outcome = secrets_remove_from(s, t->from, t->id);
    return *outcome == SECRET_OK && secrets_in_column(t->from) ? write_column(c, t->id, NULL) : OK;
}

/* One secret, in a transaction of its own: its row is locked meanwhile, so that nobody changes values that are under
 * way. One that is gone by then needs nothing. */
static int transfer_one(struct ctx *c, struct transfer *t, enum secret_outcome *outcome)
{
    struct db_rows rows;
    *outcome = SECRET_OK;
    TRY(sql_begin(c));
    TRY(sql(c, &rows, "SELECT `values` FROM secret WHERE id = ? FOR UPDATE", p_text(t->id)));
    if (rows.count)
        TRY(transfer_values(c, t, value_span(db_row(&rows, 0)), outcome));
    return sql_commit(c);
}

/* With memory that is given back behind each secret, so that all of them take no more than the largest. */
static int transfer_within(struct ctx *c, struct arena *scratch, struct transfer *t, enum secret_outcome *outcome)
{
    struct arena *whole = c->mem;
    c->mem = t->stores.mem = scratch;
    int rc = transfer_one(c, t, outcome);
    c->mem = t->stores.mem = whole;
    return rc;
}

/* Errors of single secrets may be ignored; a store that does not answer is none of those. */
static bool ends_here(const struct transfer *t, enum secret_outcome outcome)
{
    return outcome != SECRET_OK && (!t->ignore_errors || t->stores.silent[t->from] || t->stores.silent[t->to]);
}

static int transfer_all(struct ctx *c, struct transfer *t)
{
    struct arena scratch = {0};
    struct db_rows ids;
    int rc = OK;
    TRY(sql0(c, &ids, "SELECT id FROM secret ORDER BY created, kanso_order"));
    for (size_t i = 0; i < ids.count && rc == OK; i++) {
        enum secret_outcome outcome;
        t->id = db_row(&ids, i)[0].s;
        rc = transfer_within(c, &scratch, t, &outcome);
        if (rc == OK && ends_here(t, outcome)) {
            t->stores.problem = arena_strdup(c->mem, t->stores.problem);
            rc = secret_refuse(c, outcome,
                               arena_printf(c->mem, "secret %s: %s", uuid_dashed(c->mem, t->id), t->stores.problem));
        }
        arena_reset(&scratch);
    }
    arena_free(&scratch);
    return rc;
}

static int transfer(struct ctx *c, enum which_store from, enum which_store to)
{
    struct transfer t = {.from = from,
                         .to = to,
                         .ignore_errors = member_bool(c->query, "ignore_errors"),
                         .move = member_bool(c->query, "delete_secrets")};
    if (!secrets_has(STORE_BACKUP))
        return fail(c, EX_NOT_IMPLEMENTED, "This server has no backup secrets store");
    TRY(secret_server(c, &t.stores.server));
    TRY(transfer_all(c, &t));
    return respond_null(c);
}

int secrets_backup(struct ctx *c)
{
    return transfer(c, STORE_PRIMARY, STORE_BACKUP);
}

int secrets_restore(struct ctx *c)
{
    return transfer(c, STORE_BACKUP, STORE_PRIMARY);
}
