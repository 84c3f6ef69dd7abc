#include "model/secret.h"

#include "audit/audit.h"
#include "base/config.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "resource/filter.h"
#include "resource/sql.h"
#include "secrets/secrets.h"
#include "secrets/stores.h"

#include <string.h>

static const char *const SCOPES[] = {"workspace", "user", NULL};
static const struct type T_SCOPE = {.kind = K_ENUM, .label = "str-enum[SecretScope]", .words = SCOPES};
static const struct type T_VALUES = {.kind = K_MAP, .item = &T_PASSWORD, .item_null = true};

/* The values are decoded where one secret is asked for, and hang on its row; elsewhere they stay where they are. */
static void show_values(const struct cell *at, struct jw *w)
{
    const struct ctx *c = view_ctx(at->view);
    jw_open(w, '{');
    if (at->row->data) {
        json_object_object_foreach(at->row->data, key, value)
        {
            jw_key(w, key);
            if (c->auth->no_secret_values)
                jw_null(w);
            else
                jw_value(w, value);
        }
    }
    jw_close(w, '}');
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    {.name = "scope", .section = S_BODY, .filter = F_STRING, .type = &T_SCOPE},
    {.name = "values", .section = S_BODY, .show = show_values, .schema = "{password?}~"},
    {.name = "stored", .col = "values"},
    COL_WORKSPACE,
    COL_NAME,
};

static const struct field fields[] = {
    IN_OWNED,
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"scope", &T_SCOPE, "\"workspace\"", 0, UPD},
    {"values", &T_VALUES, "{}", 0, UPD | HOOK},
};
static const struct model body = MODEL("secret", fields);

static const struct field update_query[] = {{"patch_values", &T_BOOL, "false", 0, NUL}};
const struct model SECRET_UPDATE_QUERY = MODEL("secret update", update_query);

static const struct field backup_query[] = {{"ignore_errors", &T_BOOL, "true", 0, 0},
                                            {"delete_secrets", &T_BOOL, "false", 0, 0}};
const struct model SECRET_BACKUP_QUERY = MODEL("secrets backup", backup_query);
static const struct field restore_query[] = {{"ignore_errors", &T_BOOL, "false", 0, 0},
                                             {"delete_secrets", &T_BOOL, "false", 0, 0}};
const struct model SECRET_RESTORE_QUERY = MODEL("secrets restore", restore_query);

/* Names are taken per workspace, or per workspace and user. */
static const struct unique *key_of(const char *scope)
{
    static const struct unique workspace = {.columns = {"name", "scope", "workspace_id"}, .error = EX_ENTITY_EXISTS};
    static const struct unique user = {.columns = {"name", "scope", "workspace_id", "user_id"},
                                       .error = EX_ENTITY_EXISTS};
    return streq(scope, "user") ? &user : &workspace;
}

/* Stores ---------------------------------------------------------------------------------------------------------- */

int secret_server(struct ctx *c, const char **id)
{
    static char known[UUID_HEX + 1];
    if (!*known) {
        const char *found;
        TRY(sql_value_run(c, &found, "SELECT id FROM server_settings LIMIT 1", NULL, 0));
        if (!found)
            return fail(c, EX_RUNTIME, "The database has no server settings: run kansoctl migrate");
        memcpy(known, found, sizeof known);
    }
    *id = known;
    return OK;
}

/* What this request has had to do with the stores. */
static int stores_of(struct ctx *c, struct secrets **out)
{
    if (!c->secrets) {
        struct secrets *s = arena_alloc(c->mem, sizeof *s);
        *s = (struct secrets){.mem = c->mem};
        if (secrets_outside())
            TRY(secret_server(c, &s->server));
        c->secrets = s;
    }
    *out = c->secrets;
    return OK;
}

int secret_refuse(struct ctx *c, enum secret_outcome outcome, const char *problem)
{
    if (outcome == SECRET_OK)
        return OK;
    enum exception e = outcome == SECRET_NO_STORE  ? EX_NOT_IMPLEMENTED
                       : outcome == SECRET_MISSING ? EX_KEY
                                                   : EX_RUNTIME;
    return fail(c, e, "%s", problem);
}

static int refuse(struct ctx *c, enum secret_outcome outcome)
{
    return secret_refuse(c, outcome, c->secrets->problem);
}

static int need_store(struct ctx *c)
{
    if (secrets_has(STORE_PRIMARY) || secrets_has(STORE_BACKUP))
        return OK;
    return fail(c, EX_NOT_IMPLEMENTED, "This server keeps no secrets: ZENML_SECRETS_STORE_TYPE is none");
}

int secret_read(struct ctx *c, const char *id, struct span column, struct json_object **values)
{
    struct secrets *s;
    bool restore;
    *values = NULL;
    TRY(stores_of(c, &s));
    enum secret_outcome outcome = secrets_get(s, id, column, values, &restore);
    if (outcome == SECRET_MISSING)
        return OK;
    if (restore && secrets_in_column(STORE_PRIMARY))
        TRY(sql(c, NULL, "UPDATE secret SET `values` = ? WHERE id = ?", p_text(secrets_column(c->mem, *values)),
                p_text(id)));
    return refuse(c, outcome);
}

/* A change of values outside of the database, made right before the COMMIT of the row's change. */
struct change_of_values {
    struct commit_step step;
    char id[UUID_HEX + 1];
    struct span column;
    struct json_object *values; /* to be written; NULL: removed */
    struct json_object *old;    /* what was there; NULL: nothing */
};

static int apply_put(struct ctx *c, struct commit_step *step)
{
    struct change_of_values *v = (struct change_of_values *)step;
    return refuse(c, secrets_put(c->secrets, v->id, v->values, !v->old));
}

/* Nobody finds values that have no row, so where it is not known whether the row is there, they stay. */
static void undo_put(struct ctx *c, struct commit_step *step, bool unknown)
{
    struct change_of_values *v = (struct change_of_values *)step;
    enum secret_outcome outcome = SECRET_OK;
    if (v->old && !unknown)
        outcome = secrets_put(c->secrets, v->id, v->old, false);
    else if (!unknown)
        outcome = secrets_remove(c->secrets, v->id);
    if (outcome != SECRET_OK)
        log_error("secret %s: a change could not be undone: %s", v->id, c->secrets->problem);
}

static int apply_removal(struct ctx *c, struct commit_step *step)
{
    struct change_of_values *v = (struct change_of_values *)step;
    bool restore;
    secrets_get(c->secrets, v->id, v->column, &v->old, &restore);
    return refuse(c, secrets_remove(c->secrets, v->id));
}

static void undo_removal(struct ctx *c, struct commit_step *step, bool unknown)
{
    struct change_of_values *v = (struct change_of_values *)step;
    (void)unknown;
    if (v->old && secrets_put(c->secrets, v->id, v->old, true) != SECRET_OK)
        log_error("secret %s: its values could not be put back: %s", v->id, c->secrets->problem);
}

static int remove_values(struct ctx *c, const char *id, struct span column)
{
    struct secrets *s;
    if (!secrets_outside())
        return OK;
    struct change_of_values *v = arena_alloc(c->mem, sizeof *v);
    *v = (struct change_of_values){.step = {.apply = apply_removal, .undo = undo_removal, .destroys = true},
                                   .column = column};
    memcpy(v->id, id, sizeof v->id);
    sql_at_commit(c, &v->step);
    return stores_of(c, &s);
}

/* Assigns the stored form of the values, where the column is a store, and has them written elsewhere at the end of the
 * transaction. `old`: what they replace; NULL for a new secret. */
static int store_values(struct write *w, struct json_object *values, struct json_object *old)
{
    struct secrets *s;
    const char *stored = secrets_column(w->c->mem, values);
    if (stored && strlen(stored) > SECRET_STORED_MAX)
        return fail(w->c, EX_VALUE,
                    "The values of the secret are too long: stored, they take %zu of at most %d characters",
                    strlen(stored), SECRET_STORED_MAX);
    if (stored)
        write_set(w, "values", p_text(stored));
    if (!secrets_outside())
        return OK;
    struct change_of_values *v = arena_alloc(w->c->mem, sizeof *v);
    *v = (struct change_of_values){.step = {.apply = apply_put, .undo = undo_put}, .values = values, .old = old};
    memcpy(v->id, w->id, sizeof v->id);
    sql_at_commit(w->c, &v->step);
    return stores_of(w->c, &s);
}

/* Writing --------------------------------------------------------------------------------------------------------- */

/* A copy of `old` with the changes made: a null removes its key. */
static struct json_object *merge(struct arena *a, struct json_object *old, struct json_object *changes)
{
    struct json_object *out = json_keep(a, json_object_new_object());
    if (old) {
        json_object_object_foreach(old, name, kept) json_object_object_add(out, name, json_object_get(kept));
    }
    json_object_object_foreach(changes, key, value)
    {
        if (value)
            json_object_object_add(out, key, json_object_get(value));
        else
            json_object_object_del(out, key);
    }
    return out;
}

/* w->data: where the handler wants the values that the secret has then. */
static int begin_create(struct write *w)
{
    struct json_object *values = merge(w->c->mem, NULL, member(w->body, "values"));
    TRY(write_unique_key(w, key_of(write_get(w, "scope"))));
    TRY(need_store(w->c));
    *(struct json_object **)w->data = values;
    return store_values(w, values, NULL);
}

static int end_create(struct write *w)
{
    return write_release_key(w, key_of(write_get(w, "scope")));
}

/* The values of a row; 404 when they are missing. */
static int read_values(struct ctx *c, const struct row *row, struct json_object **values)
{
    TRY(secret_read(c, row->id, row_span(row, "stored"), values));
    return *values ? OK
                   : fail(c, EX_KEY, "The values of the secret %s are missing, or were stored with another key",
                          uuid_dashed(c->mem, row->id));
}

/* With KANSO_STRICT a secret of the scope `user` is there for its owner only. */
static bool is_hidden(const struct ctx *c, const struct row *row)
{
    return config.strict && streq(row_str(row, "scope"), "user") && !streq(row_str(row, "user"), c->auth->user_id);
}

static int own_only(struct write *w)
{
    return is_hidden(w->c, w->old) ? no_such_row(w->c, EX_KEY, w->res, w->id) : OK;
}

static int begin_delete(struct write *w)
{
    TRY(own_only(w));
    TRY(need_store(w->c));
    return remove_values(w->c, w->id, row_span(w->old, "stored"));
}

static int scope(struct ctx *c, struct filter_query *f)
{
    if (config.strict)
        filter_scope(f, "(t.scope <> 'user' OR t.user_id = ?)", SQL_PARAMS(p_text(c->auth->user_id)));
    return OK;
}

/* The values are read under the lock of the row: two who patch them at once do so one after the other, and nobody else
 * waits for that lock. */
static int begin_update(struct write *w)
{
    struct json_object *changes = member(w->body, "values"), *old, *values;
    TRY(own_only(w));
    TRY(read_values(w->c, w->old, &old));
    *(struct json_object **)w->data = old;
    if (!changes)
        return OK;
    values = merge(w->c->mem, member_bool(w->c->query, "patch_values") ? old : NULL, changes);
    *(struct json_object **)w->data = values;
    return store_values(w, values, old);
}

/* Behind the UPDATE, when name and scope are known; finding another one undoes it. */
static int end_update(struct write *w)
{
    const char *name = write_get(w, "name"), *scope = write_get(w, "scope");
    bool renamed = name && !streq(name, row_str(w->old, "name")),
         moved = scope && !streq(scope, row_str(w->old, "scope"));
    if (!renamed && !moved)
        return OK;
    const struct unique *key = key_of(scope ? scope : row_str(w->old, "scope"));
    TRY(write_unique_key(w, key));
    return write_release_key(w, key);
}

const struct resource resource_secret = {
    .name = "secret",
    .label = "secret",
    .title = "Secret",
    .table = "secret",
    COLUMNS(columns),
    .body = &body,
    .flags = X_WORKSPACE | X_OWNER | X_UPDATE_NULLS,
    .rank = RANK_SECRET,
    .scope = scope,
    .before_delete = begin_delete,
    .before_create = begin_create,
    .after_create = end_create,
    .before_update = begin_update,
    .after_update = end_update,
};

/* Handlers ------------------------------------------------------------------------------------------------------- */

/* `values`: those that it has just been given; NULL: they are read. */
static int respond_secret(struct ctx *c, const char *id, unsigned detail, struct json_object *values)
{
    struct view *v = view_new(c);
    struct row *row = NULL;
    TRY(view_row(v, &resource_secret, detail | D_ALL, id, &row));
    if (is_hidden(c, row))
        return no_such_row(c, EX_KEY, &resource_secret, id);
    if (!values)
        TRY(read_values(c, row, &values));
    row->data = values;
    TRY(view_load(v));
    struct jw w = respond_json(c);
    view_write(v, &w, row, detail);
    return OK;
}

int secret_get(struct ctx *c)
{
    return respond_secret(c, c->param[0], member_bool(c->query, "hydrate") ? D_META : D_BODY, NULL);
}

int secret_create(struct ctx *c)
{
    struct json_object *values = NULL;
    struct write w = {.c = c, .res = &resource_secret, .body = c->body, .data = &values};
    TRY(write_create(&w));
    return respond_secret(c, w.id, D_META, values);
}

int secret_update(struct ctx *c)
{
    struct json_object *values = NULL;
    struct write w = {.c = c, .res = &resource_secret, .body = c->body, .data = &values};
    TRY(write_update(&w, c->param[0]));
    return respond_secret(c, w.id, D_META, values);
}

/* Secrets of other objects --------------------------------------------------------------------------------------- */

int secret_create_row(struct ctx *c, const char *name, const char *workspace, const char *user,
                      struct json_object *values, char id[33])
{
    struct write w = {.c = c, .res = &resource_secret};
    const struct unique *key = key_of("workspace");
    TRY(need_store(c));
    uuid_new(w.id);
    memcpy(id, w.id, sizeof w.id);
    write_set(&w, "name", p_text(name));
    write_set(&w, "scope", p_text("workspace"));
    write_set(&w, "workspace_id", p_text(workspace));
    write_set(&w, "user_id", p_text(user));
    TRY(store_values(&w, values, NULL));
    TRY(write_unique_key(&w, key));
    TRY(write_insert(&w));
    return write_release_key(&w, key);
}

static const char select_column[] = "SELECT `values` FROM secret WHERE id = ?";

int secret_read_row(struct ctx *c, const char *id, struct json_object **values)
{
    struct db_rows rows;
    *values = NULL;
    TRY(sql(c, &rows, select_column, p_text(id)));
    return rows.count ? secret_read(c, id, value_span(db_row(&rows, 0)), values) : OK;
}

int secret_update_row(struct ctx *c, const char *id, struct json_object *values)
{
    struct write w = {.c = c, .res = &resource_secret};
    struct json_object *old = NULL;
    TRY(need_store(c));
    TRY(write_lock(&w, id));
    if (secrets_outside())
        TRY(secret_read(c, id, row_span(w.old, "stored"), &old));
    TRY(store_values(&w, values, old));
    return write_flush_update(&w);
}

int secret_delete_row(struct ctx *c, const char *id)
{
    struct db_rows rows;
    if (secrets_outside()) {
        TRY(sql(c, &rows, select_column, p_text(id)));
        if (rows.count)
            TRY(remove_values(c, id, value_span(db_row(&rows, 0))));
    }
    TRY(sql(c, NULL, "DELETE FROM secret WHERE id = ?", p_text(id)));
    audit_changed(c, &resource_secret, id, NULL, DELETED);
    return OK;
}

int secrets_delete_within(struct ctx *c, const char *workspace)
{
    enum { MOST = 50 }; /* each takes calls on the store, one after the other */
    struct db_rows rows;
    if (!secrets_outside())
        return OK;
    TRY(sql(c, &rows, "SELECT id, `values` FROM secret WHERE workspace_id = ? LIMIT 51", p_text(workspace)));
    if (rows.count > MOST)
        return fail(c, EX_ILLEGAL_OPERATION,
                    "The workspace has more than %d secrets, whose values are outside of the database: delete them "
                    "before it",
                    MOST);
    for (size_t i = 0; i < rows.count; i++)
        TRY(remove_values(c, db_row(&rows, i)[0].s, value_span(&db_row(&rows, i)[1])));
    return OK;
}
