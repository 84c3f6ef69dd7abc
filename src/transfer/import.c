#include "base/config.h"
#include "base/lookup.h"
#include "base/text.h"
#include "base/uuid.h"
#include "secrets/secrets.h"
#include "transfer/transfer.h"
#include "json/write.h"

#include <ctype.h>
#include <mysqld_error.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* What has become of an id of the file. */
struct mapped {
    char to[UUID_HEX + 1]; /* its id here */
    bool here;             /* the row is here already: nothing is added */
    bool other;            /* what is here is not this row but takes its place: nothing of this one is added to it */
};

enum { TAKEN_SHOWN = 5 };

struct importing {
    struct transfer *t;
    FILE *from;
    const char *workspace; /* hex */
    struct lookup *ids;    /* of the file: struct mapped */
    struct lookup *tables; /* struct table, by name */
    bool renamed;          /* some id is another one here */
    uint64_t lines;        /* read so far */
    char *text;            /* the line in hand */
    size_t room;
    struct arena mem; /* of it */
    uint64_t taken;   /* rows whose names others have */
    struct buf taken_names;
};

struct table {
    const struct transfer_kind *kind;
    struct db_rows columns;
};

static const char *trouble(struct importing *i)
{
    return arena_printf(i->t->m.mem, "line %llu: %s", (unsigned long long)i->lines, migrate_trouble(&i->t->m));
}

__attribute__((format(printf, 2, 3))) static const char *wrong(struct importing *i, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(i->t->m.mem, fmt, ap);
    va_end(ap);
    return arena_printf(i->t->m.mem, "line %llu of the file: %s", (unsigned long long)i->lines, text);
}

static const char *query(struct importing *i, struct db_rows *out, const char *sql, const struct db_param *params,
                         size_t count)
{
    return db_run(i->t->m.db, &i->mem, out, sql, params, count) == DB_OK ? NULL : trouble(i);
}

/* Lines ------------------------------------------------------------------------------------------------------------ */

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *v = NULL;
    return from && json_object_is_type(from, json_type_object) && json_object_object_get_ex(from, name, &v) ? v : NULL;
}

static const char *text_of(struct json_object *v)
{
    return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

/* The next line as an object; NULL in *out at the end of the file. */
static const char *next_line(struct importing *i, struct json_object **out)
{
    arena_reset(&i->mem);
    *out = NULL;
    ssize_t len = getline(&i->text, &i->room, i->from);
    if (len < 0)
        return NULL;
    i->lines++;
    *out = json_tree(&i->mem, i->text, (size_t)len);
    return json_object_is_type(*out, json_type_object) ? NULL : wrong(i, "no object of JSON");
}

static const char *read_header(struct importing *i, struct json_object **out)
{
    const char *problem = next_line(i, out);
    struct json_object *form = member(*out, "kanso_export");
    if (problem || !form)
        return "this is no file of `kansoctl export`";
    if (json_object_get_int64(form) != TRANSFER_FORM)
        return "the file was written by a later Kanso, in a form that this one does not know: use that one";
    if (!streq(text_of(member(*out, "zenml")), SCHEMA_VERSION))
        return "the file is not of ZenML " SCHEMA_VERSION;
    return NULL;
}

/* Each row of the file, after its header: `call` gets its table and the object. The last line has to be there. */
static const char *each_row(struct importing *i,
                            const char *(*call)(struct importing *, const struct table *, struct json_object *))
{
    struct json_object *line, *rows = NULL;
    uint64_t count = 0;
    rewind(i->from);
    i->lines = 0;
    const char *problem = read_header(i, &line);
    while (!problem && !(problem = next_line(i, &line)) && line) {
        const char *name = text_of(member(line, "table"));
        const struct table *table = name ? lookup_get(i->tables, name) : NULL;
        rows = member(line, "rows");
        if (rows && json_object_get_int64(rows) == (int64_t)count && !name)
            break;
        if (!table || !json_object_is_type(member(line, "row"), json_type_object))
            return wrong(i, "no row of a table that is known here");
        problem = call(i, table, member(line, "row"));
        count++;
    }
    return problem ? problem : rows && line ? NULL : "the file is not whole: its last line is missing";
}

/* Tables ----------------------------------------------------------------------------------------------------------- */

static const char *load_tables(struct importing *i)
{
    const char *problem = NULL;
    i->tables = lookup_new(i->t->m.mem);
    for (const struct transfer_kind *k = transfer_kinds; !problem && k->table; k++) {
        struct table *t = arena_alloc(i->t->m.mem, sizeof *t);
        t->kind = k;
        problem = transfer_columns(i->t, k->table, &t->columns);
        lookup_add(i->tables, k->table, t);
    }
    return problem;
}

static const struct db_value *column_of(const struct table *t, const char *name)
{
    for (size_t i = 0; i < t->columns.count; i++)
        if (streq(db_row(&t->columns, i)[TRANSFER_COLUMN].s, name))
            return db_row(&t->columns, i);
    return NULL;
}

/* Ids -------------------------------------------------------------------------------------------------------------- */

static struct mapped *mapping(const struct importing *i, const char *id)
{
    return id && strlen(id) == UUID_HEX ? lookup_get(i->ids, id) : NULL;
}

static void map(struct importing *i, const char *id, const char *to, bool here, bool other)
{
    struct mapped *m = arena_alloc(i->t->m.mem, sizeof *m);
    memcpy(m->to, to, UUID_HEX);
    m->here = here;
    m->other = other;
    i->renamed |= !streq(id, m->to);
    lookup_put(i->ids, arena_strdup(i->t->m.mem, id), m);
}

/* What an id becomes in this workspace when it is another's: always the same. */
static void renew(const struct importing *i, const char *id, char out[UUID_HEX + 1])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char both[2 * UUID_HEX];
    memcpy(both, id, UUID_HEX);
    memcpy(both + UUID_HEX, i->workspace, UUID_HEX);
    SHA256((const unsigned char *)both, sizeof both, digest);
    static const char digits[] = "0123456789abcdef";
    for (int k = 0; k < UUID_HEX; k++)
        out[k] = digits[digest[k / 2] >> (k % 2 ? 0 : 4) & 15];
    out[12] = '4'; /* a random one, as far as clients can tell */
    out[16] = digits[8 | (digest[8] >> 4 & 3)];
    out[UUID_HEX] = '\0';
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Reads an id at the beginning of a text, with dashes or without; returns its length there, 0 when there is none. */
static size_t id_at(const char *s, size_t left, char hex[UUID_HEX + 1])
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    size_t n = 0, at = 0;
    bool dashed = left > 8 && s[8] == '-';
    for (; n < UUID_HEX && at < left; at++) {
        if (dashed && shape[at] == '-' && s[at] == '-')
            continue;
        if (!isdigit((unsigned char)s[at]) && !(s[at] >= 'a' && s[at] <= 'f'))
            return 0;
        hex[n++] = s[at];
    }
    hex[n] = '\0';
    return n == UUID_HEX && (at == left || !is_word(s[at])) ? at : 0;
}

/* A text in which each id of the file that is another one here has become that. */
static const char *follow(struct importing *i, const char *s, size_t *len)
{
    struct buf out = {0};
    char hex[UUID_HEX + 1];
    bool changed = false;
    for (size_t at = 0, id; i->renamed && at < *len; at += id ? id : 1) {
        id = at && is_word(s[at - 1]) ? 0 : id_at(s + at, *len - at, hex);
        const struct mapped *m = id ? mapping(i, hex) : NULL;
        if (m && id == UUID_HEX)
            buf_adds(&out, m->to);
        else if (m)
            buf_adds(&out, uuid_dashed(&i->mem, m->to));
        else
            buf_add(&out, s + at, id ? id : 1);
        changed |= m && !streq(hex, m->to);
    }
    if (changed) {
        s = arena_strndup(&i->mem, out.data, out.len);
        *len = out.len;
    }
    buf_free(&out);
    return s;
}

/* Columns of bytes hold JSON in base64 (docs/contract/schema.md#encodings), which may mention ids as well. */
static const char *follow_base64(struct importing *i, const char *s, size_t *len)
{
    size_t plain_len, was;
    const char *plain = i->renamed ? base64_decode(&i->mem, s, *len, &plain_len) : NULL;
    if (!plain)
        return follow(i, s, len);
    was = plain_len;
    const char *after = follow(i, plain, &plain_len);
    if (after == plain && was == plain_len)
        return s;
    const char *text = base64_encode(&i->mem, after, plain_len);
    *len = strlen(text);
    return text;
}

/* Values ----------------------------------------------------------------------------------------------------------- */

/* The id of a user by what the file calls him; NULL when he is not here. */
static const char *find_user(struct importing *i, const char *name, bool service_account, const char **id)
{
    struct db_rows r = {0};
    struct db_param p[] = {p_text(name), p_int(service_account)};
    const char *problem =
        query(i, &r, "SELECT id FROM user WHERE name = ? AND is_service_account = ? ORDER BY created LIMIT 1", p, 2);
    *id = !problem && r.count ? r.values->s : NULL;
    return problem;
}

static const char *user_value(struct importing *i, const struct table *t, const struct db_value *column,
                              struct json_object *v, struct db_param *out)
{
    const char *user = text_of(member(v, "user")), *bot = text_of(member(v, "service_account")), *id = NULL;
    const char *problem = user || bot ? find_user(i, user ? user : bot, bot, &id) : NULL;
    if (!problem && !id && i->t->user)
        problem = find_user(i, i->t->user, false, &id);
    if (!problem && !id && !streq(column[TRANSFER_NULLABLE].s, "YES"))
        return wrong(i,
                     "a row of %s needs its user '%s', who is not here: make that account first, or name another one "
                     "with --user",
                     t->kind->table,
                     user  ? user
                     : bot ? bot
                           : "");
    *out = p_text(id);
    return problem;
}

static const char *secret_value(struct importing *i, struct json_object *v, struct db_param *out)
{
    if (!json_object_is_type(v, json_type_object))
        return wrong(i, "the values of a secret are no object");
    const char *stored = secret_store(&i->mem, config.secrets.encryption_key, v);
    if (strlen(stored) > SECRET_STORED_MAX)
        return wrong(i, "the values of a secret are too long");
    *out = p_text(stored);
    return NULL;
}

static const char *bytes_value(struct importing *i, struct json_object *v, struct db_param *out)
{
    const char *text = text_of(member(v, "base64"));
    size_t len;
    const char *bytes = text ? base64_decode(&i->mem, text, strlen(text), &len) : NULL;
    if (!bytes)
        return wrong(i, "a value that is no text, number, null or base64");
    *out = p_textn(bytes, len);
    return NULL;
}

static const char *plain_value(struct importing *i, const struct db_value *column, struct json_object *v,
                               struct db_param *out)
{
    const char *type = column[TRANSFER_TYPE].s, *s = json_object_get_string(v);
    size_t len = (size_t)json_object_get_string_len(v);
    if (!json_object_is_type(v, json_type_string)) {
        *out = p_text(json_object_to_json_string(v)); /* a number */
        return NULL;
    }
    s = strstr(type, "blob") ? follow_base64(i, s, &len) : follow(i, s, &len);
    *out = p_textn(s, len);
    return NULL;
}

static const char *value_of(struct importing *i, const struct table *t, const char *name, struct json_object *v,
                            struct db_param *out)
{
    const struct db_value *column = column_of(t, name);
    *out = p_null();
    if (!column)
        return wrong(i, "table %s has no column '%s' here: the file is of a later Kanso", t->kind->table, name);
    if (transfer_is_user(name))
        return user_value(i, t, column, v, out);
    if (!v || (streq(name, "secret_id") && !mapping(i, text_of(v)))) /* nobody else's secret, and none that is gone */
        return NULL;
    if (streq(t->kind->table, "secret") && streq(name, "values"))
        return secret_value(i, v, out);
    if (json_object_is_type(v, json_type_object))
        return bytes_value(i, v, out);
    if (json_object_is_type(v, json_type_array) || json_object_is_type(v, json_type_boolean))
        return wrong(i, "a value that is no text, number, null or base64");
    return plain_value(i, column, v, out);
}

/* First: what is here already ----------------------------------------------------------------------------------------
 */

/* The ids of rows here that have the same values as this one in some columns; `user_id` of secrets counts where the
 * scope is a user's. */
static const char *find_same(struct importing *i, const struct table *t, struct json_object *row, const char *columns,
                             const char **id)
{
    struct db_rows r = {0};
    struct db_param params[6];
    struct buf sql = {0};
    size_t count = 0;
    const char *problem = NULL;
    bool of_user = streq(t->kind->table, "secret") && streq(text_of(member(row, "scope")), "user");
    const char *list = of_user ? "name scope workspace_id user_id" : columns;
    buf_addf(&sql, "SELECT id FROM `%s` WHERE ", t->kind->table);
    while (!problem && *list) {
        const char *name = arena_strndup(&i->mem, list, strcspn(list, " "));
        list += strlen(name);
        list += *list == ' ';
        buf_addf(&sql, "%s`%s` <=> ?", count ? " AND " : "", name);
        if (streq(name, "workspace_id"))
            params[count] = p_text(i->workspace);
        else
            problem = value_of(i, t, name, member(row, name), &params[count]);
        count++;
    }
    buf_adds(&sql, " ORDER BY created LIMIT 1");
    if (!problem)
        problem = query(i, &r, arena_strndup(&i->mem, sql.data, sql.len), params, count);
    buf_free(&sql);
    *id = !problem && r.count ? r.values->s : NULL;
    return problem;
}

/* Whether a row that is here belongs where this one is to go. */
static const char *belongs(struct importing *i, const struct table *t, struct json_object *row, const char *scope,
                           bool *same)
{
    struct db_param should = p_text(i->workspace);
    const char *problem = NULL;
    *same = true;
    if (t->kind->scope)
        problem = value_of(i, t, t->kind->scope, member(row, t->kind->scope), &should);
    else if (!column_of(t, "workspace_id"))
        return NULL;
    *same = streq(scope, should.s);
    return problem;
}

/* Looks for the row by its own id and by that which it would get here: *id is the one to go by, *here whether it is. */
static const char *find_id(struct importing *i, const struct table *t, struct json_object *row, const char *old,
                           char id[UUID_HEX + 1], bool *here)
{
    struct db_rows r = {0};
    const char *scope = t->kind->scope ? t->kind->scope : column_of(t, "workspace_id") ? "workspace_id" : "id";
    renew(i, old, id);
    struct db_param p[] = {p_text(old), p_text(arena_strdup(&i->mem, id))};
    const char *problem = query(
        i, &r, arena_printf(&i->mem, "SELECT id, `%s` FROM `%s` WHERE id IN (?, ?)", scope, t->kind->table), p, 2);
    *here = false;
    bool other = false;
    for (size_t k = 0; !problem && k < r.count && !*here; k++) {
        const struct db_value *v = db_row(&r, k);
        problem = belongs(i, t, row, v[1].s, here);
        if (*here)
            memcpy(id, v[0].s, UUID_HEX + 1);
        other |= !*here && streq(v[0].s, old);
    }
    if (!*here && !other)
        memcpy(id, old, UUID_HEX + 1);
    return problem;
}

static const char *note_taken(struct importing *i, const struct table *t, struct json_object *row)
{
    const char *name = text_of(member(row, "name"));
    if (i->taken++ < TAKEN_SHOWN)
        buf_addf(&i->taken_names, "%s%s %s", i->taken > 1 ? ", " : "", t->kind->table,
                 name ? name : text_of(member(row, "id")));
    return NULL;
}

static const char *look(struct importing *i, const struct table *t, struct json_object *row)
{
    const char *old = text_of(member(row, "id")), *same = NULL, *problem;
    char id[UUID_HEX + 1], given[UUID_HEX + 1];
    bool here;
    if (t->kind->link)
        return NULL;
    if (!old || !uuid_read(old, strlen(old), given) || !streq(old, given) || mapping(i, old))
        return wrong(i, "a row needs an id of 32 hex digits that no other one has");
    problem = find_id(i, t, row, old, id, &here);
    if (!problem && !here && t->kind->same)
        problem = find_same(i, t, row, t->kind->same, &same);
    if (problem)
        return problem;
    map(i, old, same ? same : id, here || same, same);
    if (!here && t->kind->taken)
        problem = find_same(i, t, row, t->kind->taken, &same);
    return problem || !same || !t->kind->taken ? problem : note_taken(i, t, row);
}

/* Then: adding
 * --------------------------------------------------------------------------------------------------------- */

/* Whether a row that has no id is here already. */
static const char *find_link(struct importing *i, const struct table *t, struct json_object *row, bool *here)
{
    struct db_rows r = {0};
    struct buf sql = {0};
    struct db_param *params = arena_array(&i->mem, t->columns.count, sizeof *params);
    const char *problem = NULL;
    buf_addf(&sql, "SELECT 1 FROM `%s` WHERE ", t->kind->table);
    for (size_t k = 0; !problem && k < t->columns.count; k++) {
        const char *name = db_row(&t->columns, k)[TRANSFER_COLUMN].s;
        problem = value_of(i, t, name, member(row, name), &params[k]);
        buf_addf(&sql, "%s`%s` <=> ?", k ? " AND " : "", name);
    }
    if (!problem)
        problem = query(i, &r, arena_strndup(&i->mem, sql.data, sql.len), params, t->columns.count);
    buf_free(&sql);
    *here = !problem && r.count;
    return problem;
}

/* Whether this row is not to be added: it is here, or belongs to something that another one stands for. */
static bool is_known(struct importing *i, const struct table *t, struct json_object *row)
{
    const struct transfer_kind *k = t->kind;
    const char *owner_column = k->link ? db_row(&t->columns, 0)[TRANSFER_COLUMN].s : k->scope;
    const struct mapped *own = k->link ? NULL : mapping(i, text_of(member(row, "id")));
    const struct mapped *owner = owner_column ? mapping(i, text_of(member(row, owner_column))) : NULL;
    return (own && own->here) || (owner && owner->other && (k->link || streq(k->table, "tag_resource")));
}

static const char *insert_failed(struct importing *i, const struct table *t)
{
    unsigned number = db_errno(i->t->m.db);
    if (number == ER_NO_REFERENCED_ROW_2 || number == ER_NO_REFERENCED_ROW)
        return wrong(i, "a row of %s refers to something that is neither in the file nor here (%s)", t->kind->table,
                     db_error(i->t->m.db));
    return trouble(i);
}

/* Rows go to one workspace and use what is of it: a file reaches into no other one, whose ids it may know. */
static const char *check_reach(struct importing *i, const struct table *t, struct json_object *row)
{
    const char *connector = text_of(member(row, "connector_id"));
    if (json_object_object_get_ex(row, "workspace_id", NULL))
        return wrong(i, "a row of %s names a workspace: all rows go to that of the file, or of --workspace",
                     t->kind->table);
    if (connector && !mapping(i, connector))
        return wrong(i, "a row of %s refers to a service connector that is not in the file", t->kind->table);
    return NULL;
}

static const char *add(struct importing *i, const struct table *t, struct json_object *row)
{
    struct buf sql = {0}, places = {0};
    size_t count = 0;
    const char *problem = check_reach(i, t, row);
    bool here = is_known(i, t, row);
    if (!problem && !here && t->kind->link)
        problem = find_link(i, t, row, &here);
    if (problem || here) {
        i->t->known++;
        return problem;
    }
    struct db_param *params = arena_array(&i->mem, (size_t)json_object_object_length(row) + 1, sizeof *params);
    buf_addf(&sql, "INSERT INTO `%s` (", t->kind->table);
    json_object_object_foreach(row, name, v)
    {
        if (!problem)
            problem = value_of(i, t, name, v, &params[count]);
        buf_addf(&sql, "%s`%s`", count ? ", " : "", name);
        buf_adds(&places, count++ ? ", ?" : "?");
    }
    if (column_of(t, "workspace_id")) {
        params[count++] = p_text(i->workspace);
        buf_adds(&sql, ", `workspace_id`");
        buf_adds(&places, ", ?");
    }
    buf_addf(&sql, ") VALUES (%s)", places.data ? places.data : "");
    if (!problem &&
        db_run(i->t->m.db, &i->mem, NULL, arena_strndup(&i->mem, sql.data, sql.len), params, count) != DB_OK)
        problem = insert_failed(i, t);
    i->t->written += !problem;
    buf_free(&sql);
    buf_free(&places);
    return problem;
}

/* All of it -------------------------------------------------------------------------------------------------------- */

static const char *begin(struct importing *i)
{
    struct transfer *t = i->t;
    struct json_object *header;
    const char *problem = read_header(i, &header);
    if (problem)
        return problem;
    struct json_object *workspace = member(header, "workspace");
    const char *id = text_of(member(workspace, "id"));
    if (!t->workspace)
        t->workspace = arena_strdup(t->m.mem, text_of(member(workspace, "name")));
    if (!t->workspace || !id || strlen(id) != UUID_HEX)
        return "the file does not say which workspace it is of";
    if (json_object_get_boolean(member(header, "secrets")) && config.secrets.type && !streq(config.secrets.type, "sql"))
        return "the file has secrets, and this server keeps them elsewhere (ZENML_SECRETS_STORE_TYPE): export without "
               "--secrets";
    problem = transfer_workspace(t, t->workspace, &i->workspace);
    if (!problem)
        problem = load_tables(i);
    if (!problem)
        map(i, id, i->workspace, true, false);
    return problem;
}

static const char *refuse_taken(struct importing *i)
{
    if (!i->taken)
        return NULL;
    return arena_printf(i->t->m.mem, "%llu rows have names that others have here, so nothing was imported: %s%s",
                        (unsigned long long)i->taken, i->taken_names.data, i->taken > TAKEN_SHOWN ? ", ..." : "");
}

const char *transfer_import(struct transfer *t, FILE *from)
{
    struct importing i = {.t = t, .from = from, .ids = lookup_new(t->m.mem)};
    const char *problem = begin(&i);
    if (!problem && db_begin(t->m.db) != DB_OK)
        problem = trouble(&i);
    if (!problem)
        problem = each_row(&i, look);
    if (!problem)
        problem = refuse_taken(&i);
    if (!problem)
        problem = each_row(&i, add);
    if (!problem && t->record && t->record(t) != DB_OK)
        problem = trouble(&i);
    if (!problem && db_commit(t->m.db) != DB_OK)
        problem = trouble(&i);
    db_rollback(t->m.db);
    free(i.text);
    buf_free(&i.taken_names);
    arena_free(&i.mem);
    return problem;
}
