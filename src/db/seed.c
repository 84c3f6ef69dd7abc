#include "db/seed.h"

#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "db/embedded.h"
#include "json/schema.h"
#include "json/write.h"

#include <string.h>
#include <strings.h>

/* Base64 of the JSON texts `{}` and `null`, as the reference stores an empty configuration and absent labels. */
#define EMPTY_OBJECT "e30="
#define JSON_NULL    "bnVsbA=="

static struct db_param now_param(struct arena *a)
{
    char stamp[STAMP_LEN + 1];
    stamp_now(stamp);
    return p_text(arena_strdup(a, stamp));
}

static const char *new_id(struct arena *a)
{
    char id[UUID_HEX + 1];
    uuid_new(id);
    return arena_strdup(a, id);
}

/* Settings ------------------------------------------------------------------------------------------------------- */

enum db_status seed_settings(struct db *db, struct arena *a, const struct seed_settings *with, bool *active)
{
    struct db_rows r;
    enum db_status s = db_run(db, a, &r, "SELECT active FROM server_settings LIMIT 1", NULL, 0);
    if (s != DB_OK)
        return s;
    *active = r.count && !streq(r.values->s, "0");
    if (r.count)
        return DB_OK;
    struct db_param now = now_param(a);
    struct db_param p[] = {p_text(with->server_id ? with->server_id : new_id(a)),
                           p_text(with->server_name),
                           p_int(with->analytics),
                           p_int(with->announcements),
                           p_int(with->updates),
                           now,
                           now};
    return db_run(db, a, NULL,
                  "INSERT INTO server_settings (id, server_name, logo_url, active, enable_analytics, "
                  "display_announcements, display_updates, onboarding_state, last_user_activity, updated) "
                  "VALUES (?, ?, NULL, 0, ?, ?, ?, NULL, ?, ?)",
                  p, ARRAY_LEN(p));
}

/* Workspace and stack -------------------------------------------------------------------------------------------- */

static enum db_status insert_component(struct db *db, struct arena *a, const char *workspace_id, const char *stack_id,
                                       const char *type)
{
    struct db_param now = now_param(a);
    struct db_param id = p_text(new_id(a));
    struct db_param p[] = {id, now, now, p_text(type), p_text(workspace_id)};
    enum db_status s =
        db_run(db, a, NULL,
               "INSERT INTO stack_component (id, created, updated, name, type, flavor, configuration, "
               "labels, component_spec_path, workspace_id, user_id, connector_id, connector_resource_id) "
               "VALUES (?, ?, ?, 'default', ?, 'local', '" EMPTY_OBJECT "', '" JSON_NULL "', NULL, ?, "
               "NULL, NULL, NULL)",
               p, ARRAY_LEN(p));
    struct db_param link[] = {p_text(stack_id), id};
    return s != DB_OK ? s
                      : db_run(db, a, NULL, "INSERT INTO stack_composition (stack_id, component_id) VALUES (?, ?)",
                               link, ARRAY_LEN(link));
}

enum db_status seed_default_stack(struct db *db, struct arena *a, const char *workspace_id)
{
    struct db_param now = now_param(a);
    const char *id = new_id(a);
    struct db_param p[] = {p_text(id), now, now, p_text(workspace_id)};
    enum db_status s = db_run(db, a, NULL,
                              "INSERT INTO stack (id, created, updated, name, stack_spec_path, labels, workspace_id, "
                              "user_id) VALUES (?, ?, ?, 'default', NULL, '" EMPTY_OBJECT "', ?, NULL)",
                              p, ARRAY_LEN(p));
    if (s == DB_OK)
        s = insert_component(db, a, workspace_id, id, "orchestrator");
    return s == DB_OK ? insert_component(db, a, workspace_id, id, "artifact_store") : s;
}

enum db_status seed_workspace(struct db *db, struct arena *a, const char *name)
{
    struct db_rows r;
    struct db_param by_name = p_text(name);
    enum db_status s = db_run(db, a, &r, "SELECT id FROM workspace WHERE name = ? LIMIT 1", &by_name, 1);
    if (s != DB_OK || r.count)
        return s;
    struct db_param now = now_param(a);
    const char *id = new_id(a);
    struct db_param p[] = {p_text(id), now, now, by_name};
    s = db_run(db, a, NULL, "INSERT INTO workspace (id, created, updated, name, description) VALUES (?, ?, ?, ?, '')",
               p, ARRAY_LEN(p));
    return s == DB_OK ? seed_default_stack(db, a, id) : s;
}

/* The first user ------------------------------------------------------------------------------------------------- */

static enum db_status insert_admin(struct db *db, struct arena *a, const char *name, const char *password_hash)
{
    struct db_param now = now_param(a);
    struct db_param p[] = {p_text(new_id(a)), now, now, p_text(name), p_text(password_hash)};
    return db_run(db, a, NULL,
                  "INSERT INTO `user` (id, created, updated, name, is_service_account, full_name, description, email, "
                  "active, password, activation_token, email_opted_in, external_user_id, is_admin, user_metadata) "
                  "VALUES (?, ?, ?, ?, 0, '', NULL, NULL, 1, ?, NULL, NULL, NULL, 1, NULL)",
                  p, ARRAY_LEN(p));
}

enum db_status seed_activation(struct db *db, struct arena *a, const char *user, const char *password_hash, bool *made)
{
    *made = false;
    struct db_param now = now_param(a);
    enum db_status s = db_run(db, a, NULL, "UPDATE server_settings SET active = 1, updated = ?", &now, 1);
    if (s != DB_OK || !user)
        return s;
    struct db_rows r;
    struct db_param name = p_text(user);
    s = db_run(db, a, &r, "SELECT id FROM `user` WHERE name = ? AND is_service_account = 0", &name, 1);
    if (s != DB_OK || r.count)
        return s;
    *made = true;
    return insert_admin(db, a, user, password_hash);
}

/* Flavors -------------------------------------------------------------------------------------------------------- */

/* Members of a row in flavors.json that are columns of the same name. */
static const char *const FLAVOR_TEXTS[] = {
    "source",   "integration", "connector_type", "connector_resource_type", "connector_resource_id_attr",
    "logo_url", "docs_url",    "sdk_docs_url"};

static struct db_param text_of(struct json_object *row, const char *name)
{
    return p_text(json_object_get_string(json_object_object_get(row, name)));
}

/* What there is already: `name`, `type`, `is_custom`, `id`, the texts and the schema of each flavor, oldest first. */
static enum db_status read_flavors(struct db *db, struct arena *a, struct db_rows *known)
{
    return db_run(db, a, known,
                  "SELECT name, type, is_custom, id, source, integration, connector_type, connector_resource_type, "
                  "connector_resource_id_attr, logo_url, docs_url, sdk_docs_url, config_schema FROM flavor "
                  "ORDER BY created, id",
                  NULL, 0);
}

enum { KNOWN_NAME, KNOWN_TYPE, KNOWN_CUSTOM, KNOWN_ID, KNOWN_TEXTS };

static const struct db_value *find_flavor(const struct db_rows *known, const char *name, const char *type)
{
    for (size_t i = 0; i < known->count; i++)
        if (strcasecmp(db_row(known, i)[KNOWN_NAME].s, name) == 0 && streq(db_row(known, i)[KNOWN_TYPE].s, type))
            return db_row(known, i);
    return NULL;
}

static bool up_to_date(const struct db_value *row, const struct db_param *texts, size_t count)
{
    bool same = streq(row[KNOWN_CUSTOM].s, "0");
    for (size_t i = 0; i < count && same; i++)
        same = streq(row[KNOWN_TEXTS + i].s, texts[i].s);
    return same;
}

/* The schema with a sentence about what it is for, at the place where clients expect it. */
static struct json_object *described(struct arena *a, struct json_object *schema, const char *type, const char *name)
{
    struct json_object *out = json_keep(a, json_object_new_object());
    char *kind = arena_strdup(a, type);
    for (char *p = strchr(kind, '_'); p; p = strchr(p, '_'))
        *p = ' ';
    json_object_object_foreach(schema, key, value)
    {
        if (streq(key, "properties"))
            json_object_object_add(
                out, "description",
                json_object_new_string(arena_printf(a, "Configuration of the flavor %s of the type %s.", name, kind)));
        json_object_object_add(out, key, json_object_get(value));
    }
    return out;
}

static enum db_status write_flavor(struct db *db, struct arena *a, struct json_object *row, const struct db_rows *known)
{
    enum { TEXTS = ARRAY_LEN(FLAVOR_TEXTS) };
    struct db_param p[TEXTS + 6];
    size_t n = 0;
    for (; n < TEXTS; n++)
        p[n] = text_of(row, FLAVOR_TEXTS[n]);
    struct db_param now = now_param(a), name = text_of(row, "name"), type = text_of(row, "type");
    struct json_object *schema = json_object_object_get(row, "config_schema");
    schema_label(a, schema);
    schema = described(a, schema, type.s, name.s);
    p[n++] = p_text(json_text(a, schema, true));
    const struct db_value *old = find_flavor(known, name.s, type.s);
    if (old && up_to_date(old, p, n))
        return DB_OK;
    p[n++] = now;
    if (old) {
        p[n++] = p_text(old[KNOWN_ID].s);
        return db_run(db, a, NULL,
                      "UPDATE flavor SET source = ?, integration = ?, connector_type = ?, "
                      "connector_resource_type = ?, connector_resource_id_attr = ?, logo_url = ?, docs_url = ?, "
                      "sdk_docs_url = ?, config_schema = ?, is_custom = 0, updated = ? WHERE id = ?",
                      p, n);
    }
    p[n++] = name;
    p[n++] = type;
    p[n++] = p_text(new_id(a));
    p[n++] = now;
    return db_run(
        db, a, NULL,
        "INSERT INTO flavor (source, integration, connector_type, connector_resource_type, "
        "connector_resource_id_attr, logo_url, docs_url, sdk_docs_url, config_schema, updated, name, type, id, "
        "created, workspace_id, user_id, is_custom) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, 0)",
        p, n);
}

enum db_status seed_flavors(struct db *db, struct arena *a)
{
    struct json_object *rows = json_tree(a, sql_flavors, strlen(sql_flavors));
    struct db_rows known;
    enum db_status s = read_flavors(db, a, &known);
    for (size_t i = 0; s == DB_OK && i < json_object_array_length(rows); i++)
        s = write_flavor(db, a, json_object_array_get_idx(rows, i), &known);
    return s;
}

enum db_status seed_has_flavors(struct db *db, struct arena *a, bool *has)
{
    struct db_rows r;
    enum db_status s = db_run(db, a, &r,
                              "SELECT COUNT(*), COUNT(CASE WHEN workspace_id IS NULL AND config_schema NOT LIKE "
                              "'%Config\", \"type\": \"object\"}' THEN 1 END) FROM flavor WHERE is_custom = 0",
                              NULL, 0);
    *has = s == DB_OK && !streq(r.values[0].s, "0") && streq(r.values[1].s, "0");
    return s;
}
