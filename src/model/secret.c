#include "model/secret.h"

#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "resource/audit.h"
#include "resource/filter.h"
#include "resource/sql.h"
#include "secrets/secrets.h"

#include <string.h>

static const char *const SCOPES[] = {"workspace", "user", NULL};
static const struct type T_SCOPE = {.kind = K_ENUM, .label = "str-enum[SecretScope]", .words = SCOPES};
static const struct type T_VALUES = {.kind = K_MAP, .item = &T_PASSWORD, .item_null = true};

/* The values are decoded where one secret is asked for, and hang on its row; elsewhere they stay where they are. */
static void show_values(struct view *v, const struct row *row, struct jw *w)
{
    const struct ctx *c = view_ctx(v);
    jw_open(w, '{');
    if (row->data) {
        json_object_object_foreach(row->data, key, value)
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
    IN_OWNER,
    IN_WORKSPACE,
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

static int need_store(struct ctx *c)
{
    if (streq(config.secrets.type, "none"))
        return fail(c, EX_NOT_IMPLEMENTED, "This server keeps no secrets: ZENML_SECRETS_STORE_TYPE is none");
    return OK;
}

/* Assigns the stored form of the values. */
static int store_values(struct write *w, struct json_object *values)
{
    const char *stored = secret_store(w->c->mem, config.secrets.encryption_key, values);
    if (strlen(stored) > SECRET_STORED_MAX)
        return fail(w->c, EX_VALUE,
                    "The values of the secret are too long: stored, they take %zu of at most %d characters",
                    strlen(stored), SECRET_STORED_MAX);
    write_set(w, "values", p_text(stored));
    return OK;
}

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

static int begin_create(struct write *w)
{
    TRY(need_store(w->c));
    TRY(write_unique_key(w, key_of(write_get(w, "scope"))));
    return store_values(w, merge(w->c->mem, NULL, member(w->body, "values")));
}

static int end_create(struct write *w)
{
    return write_release_key(w, key_of(write_get(w, "scope")));
}

static struct json_object *values_of(struct ctx *c, const struct row *row)
{
    struct db_value stored = row_value(row, "stored");
    return stored.s ? secret_values(c->mem, config.secrets.encryption_key, stored.s, stored.len) : NULL;
}

static int unreadable(struct ctx *c, const char *id)
{
    char text[UUID_TEXT + 1];
    uuid_write(id, text);
    return fail(c, EX_KEY, "The values of the secret %s are missing, or were stored with another key", text);
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

static int scope(struct ctx *c, struct filter_query *f)
{
    if (config.strict)
        filter_scope(f, "(t.scope <> 'user' OR t.user_id = ?)", SQL_PARAMS(p_text(c->auth->user_id)));
    return OK;
}

static int begin_update(struct write *w)
{
    struct json_object *changes = member(w->body, "values"), *old;
    TRY(need_store(w->c));
    TRY(own_only(w));
    old = values_of(w->c, w->old);
    if (!old)
        return unreadable(w->c, w->id);
    if (!changes)
        return OK;
    return store_values(w, merge(w->c->mem, member_bool(w->c->query, "patch_values") ? old : NULL, changes));
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
    .before_delete = own_only,
    .before_create = begin_create,
    .after_create = end_create,
    .before_update = begin_update,
    .after_update = end_update,
};

/* Handlers ------------------------------------------------------------------------------------------------------- */

static int load_secret(struct view *v, const char *id, unsigned detail, struct row **out)
{
    struct ctx *c = view_ctx(v);
    TRY(view_row(v, &resource_secret, detail | D_ALL, id, out));
    return is_hidden(c, *out) ? no_such_row(c, EX_KEY, &resource_secret, id) : OK;
}

static int respond_secret(struct ctx *c, const char *id, unsigned detail)
{
    struct view *v = view_new(c);
    struct row *row = NULL;
    TRY(need_store(c));
    TRY(load_secret(v, id, detail, &row));
    if (!row)
        return OK;
    row->data = values_of(c, row);
    if (!row->data)
        return unreadable(c, id);
    TRY(view_load(v));
    struct jw w = respond_json(c);
    view_write(v, &w, row, detail);
    return OK;
}

int secret_get(struct ctx *c)
{
    return respond_secret(c, c->param[0], member_bool(c->query, "hydrate") ? D_META : D_BODY);
}

int secret_create(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_secret, .body = c->body};
    TRY(write_create(&w));
    return respond_secret(c, w.id, D_META);
}

int secret_update(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_secret, .body = c->body};
    TRY(write_update(&w, c->param[0]));
    return respond_secret(c, w.id, D_META);
}

int secret_no_backup(struct ctx *c)
{
    return fail(c, EX_NOT_IMPLEMENTED, "This server has no backup secrets store");
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
    TRY(store_values(&w, values));
    TRY(write_unique_key(&w, key));
    TRY(write_insert(&w));
    return write_release_key(&w, key);
}

int secret_read_row(struct ctx *c, const char *id, struct json_object **values)
{
    struct db_rows rows;
    TRY(sql(c, &rows, "SELECT `values` FROM secret WHERE id = ?", p_text(id)));
    const struct db_value *stored = rows.count ? db_row(&rows, 0) : NULL;
    *values = stored && stored->s ? secret_values(c->mem, config.secrets.encryption_key, stored->s, stored->len) : NULL;
    return OK;
}

int secret_update_row(struct ctx *c, const char *id, struct json_object *values)
{
    struct write w = {.c = c, .res = &resource_secret};
    TRY(need_store(c));
    TRY(write_lock(&w, id));
    TRY(store_values(&w, values));
    return write_flush_update(&w);
}

int secret_delete_row(struct ctx *c, const char *id)
{
    TRY(sql(c, NULL, "DELETE FROM secret WHERE id = ?", p_text(id)));
    audit_changed(c, &resource_secret, id, NULL, DELETED);
    return OK;
}
