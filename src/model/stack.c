#include "model/handlers.h"

#include "base/lookup.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/component.h"
#include "model/connector.h"
#include "model/onboarding.h"
#include "resource/stored.h"

#include <ctype.h>
#include <string.h>

enum { SLOT_COMPONENTS = SLOT_FIRST };

static bool has_type(struct view *v, const struct link *link, const char *type)
{
    const struct row *part = view_find(v, &resource_component, link->id);
    return part && streq(row_str(part, "type"), type);
}

/* One component of each type: the last of its type. */
static void show_components(const struct cell *at, struct jw *w)
{
    jw_open(w, '{');
    for (const struct link *link = at->row->links[SLOT_COMPONENTS]; link; link = link->next) {
        const struct row *part = view_find(at->view, &resource_component, link->id);
        const struct link *later = link->next;
        while (part && later && !has_type(at->view, later, row_str(part, "type")))
            later = later->next;
        if (!part || later)
            continue;
        jw_key_open(w, row_str(part, "type"), '[');
        view_write(at->view, w, part, D_BODY);
        jw_close(w, ']');
    }
    jw_close(w, '}');
}

/* There is no column for it. */
static void show_nothing(const struct cell *at, struct jw *w)
{
    (void)at;
    jw_str(w, "");
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    COL_USER,
    COL_WORKSPACE,
    {.name = "components", .section = S_META, .show = show_components, .schema = "{[ComponentResponse]}"},
    {.name = "description", .section = S_META, .show = show_nothing, .filter = F_REFUSED, .schema = "string<255?=\"\""},
    {.name = "stack_spec_path", .section = S_META},
    {.name = "labels", .enc = E_B64, .section = S_META, .flags = C_JSON_NULL},
    COL_NAME,
};

static const struct filter filters[] = {
    {"component_id", F_ID, "x.component_id", OF_ROW("stack_composition x", "stack_id = t.id")},
};

static int load(struct view *v, struct row **rows, size_t count)
{
    size_t n;
    struct row **whole = view_rows_with(v, rows, count, D_META, &n);
    return view_children(v, whole, n, SLOT_COMPONENTS, &resource_component,
                         "stack_composition x STRAIGHT_JOIN stack_component t ON t.id = x.component_id", "x.stack_id",
                         "x.stack_id, x.component_id");
}

/* The body -------------------------------------------------------------------------------------------------------- */

static const struct field part_fields[] = {
    {"flavor", &T_STRING, NULL, 0, REQ},
    {"service_connector_index", &T_INT, NULL, 0, NUL},
    {"service_connector_resource_id", &T_STRING, NULL, 0, NUL},
    {"configuration", &T_MAP_ANY, "{}", 0, 0},
};
static const struct model part_info = MODEL("ComponentInfo", part_fields);
static const struct type T_PART_INFO = {.kind = K_MODEL, .label = "ComponentInfo", .model = &part_info};
static const struct type *const part_forms[] = {&T_UUID, &T_PART_INFO, NULL};
static const struct type T_PART = {.kind = K_UNION, .any = part_forms};
static const struct type T_PART_LIST = {.kind = K_LIST, .item = &T_PART};
static const struct type T_PARTS = {.kind = K_MAP, .key = &T_COMPONENT_TYPE, .item = &T_PART_LIST};
static const struct type T_PART_IDS = {.kind = K_MAP, .key = &T_COMPONENT_TYPE, .item = &T_UUIDS};

static const struct type T_CONNECTOR_INFO = {
    .kind = K_MODEL, .label = "ServiceConnectorInfo", .model = &CONNECTOR_INFO};
static const struct type *const connector_forms[] = {&T_UUID, &T_CONNECTOR_INFO, NULL};
static const struct type T_CONNECTOR = {.kind = K_UNION, .any = connector_forms};
static const struct type T_CONNECTORS = {.kind = K_LIST, .item = &T_CONNECTOR};

static const struct field fields[] = {
    {"user", &T_UUID, NULL, 0, NUL},
    {"workspace", &T_UUID, NULL, 0, NUL},
    {"name", &T_STRING, NULL, 255, REQ | UPD},
    {"description", &T_STRING, "\"\"", 255, UPD | HOOK},
    {"stack_spec_path", &T_STRING, NULL, 0, NUL | UPD},
    {"components", &T_PARTS, NULL, 0, REQ | HOOK},
    {"components", &T_PART_IDS, NULL, 0, UPD_ONLY | HOOK},
    {"labels", &T_MAP_ANY, NULL, 0, NUL | UPD},
    {"service_connectors", &T_CONNECTORS, "[]", 0, HOOK},
};

/* A component points at one of the connectors of the same body. */
static void check_indexes(struct check *k, struct json_object *v)
{
    struct json_object *connectors = member(v, "service_connectors");
    int64_t count = connectors ? (int64_t)json_object_array_length(connectors) : 0;
    if (k->mode != CHECK_CREATE)
        return;
    json_object_object_foreach(member(v, "components"), type, list)
    {
        (void)type;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
            struct json_object *index = member(json_object_array_get_idx(list, i), "service_connector_index");
            if (index && (json_object_get_int64(index) < 0 || json_object_get_int64(index) >= count)) {
                check_problem(k, NULL, "value_error", v, NULL,
                              "Value error, service connector index %lld is out of range",
                              (long long)json_object_get_int64(index));
                return;
            }
        }
    }
}

const struct model STACK_BODY = MODEL("stack", fields, .after = check_indexes);

/* The text that a value is; NULL: it is none. */
static const char *text_of(struct json_object *v)
{
    return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

/* Components of a stack ------------------------------------------------------------------------------------------- */

/* The ids (hex) in the lists of a map, each once; objects among them are left out. */
static const char **ids_in(struct ctx *c, struct json_object *map, size_t *count)
{
    struct lookup *seen = lookup_new(c->mem);
    const char **ids = NULL;
    size_t room = 0;
    *count = 0;
    json_object_object_foreach(map, type, list)
    {
        (void)type;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
            const char *id = uuid_hex(c->mem, text_of(json_object_array_get_idx(list, i)));
            if (!id || !lookup_add(seen, id, id))
                continue;
            ids = arena_grow(c->mem, ids, *count, &room, sizeof *ids);
            ids[(*count)++] = id;
        }
    }
    return ids;
}

/* Reads (id, type, flavor) of components; 404 for one that does not exist. */
static int find_components(struct ctx *c, const char **ids, size_t count, struct db_rows *found)
{
    TRY(sql_in(c, found, "SELECT id, type, flavor FROM stack_component WHERE id IN %s", ids, count, NULL, 0));
    return references_found(c, &resource_component, ids, count, found);
}

static int link_components(struct ctx *c, const char *stack, const char **ids, size_t count)
{
    struct sql_values links = {.room = count};
    for (size_t i = 0; i < count; i++)
        sql_add_row(c->mem, &links, SQL_PARAMS(p_text(stack), p_text(ids[i])));
    TRY(references_lock_all(c, &resource_component, ids, count));
    return sql_insert(c, "INSERT INTO stack_composition (stack_id, component_id) VALUES", &links, "");
}

/* Updates and deletes --------------------------------------------------------------------------------------------- */

static int protect_default(struct write *w)
{
    if (streq(row_str(w->old, "name"), "default"))
        return fail(w->c, EX_ILLEGAL_OPERATION, "The default stack can be neither changed nor deleted");
    return OK;
}

static int before_update(struct write *w)
{
    struct json_object *parts = member(w->body, "components");
    struct db_rows found;
    size_t count;
    if (parts) {
        const char **ids = ids_in(w->c, parts, &count);
        TRY(find_components(w->c, ids, count, &found));
    }
    TRY(protect_default(w));
    if (member_given(w->body, "description"))
        return fail(w->c, EX_VALUE, "Stacks keep no description");
    return OK;
}

static int after_update(struct write *w)
{
    struct json_object *parts = member(w->body, "components");
    size_t count = 0;
    if (!member_given(w->body, "components"))
        return OK;
    const char **ids = parts ? ids_in(w->c, parts, &count) : NULL;
    TRY(sql(w->c, NULL, "DELETE FROM stack_composition WHERE stack_id = ?", p_text(w->id)));
    return link_components(w->c, w->id, ids, count);
}

const struct resource resource_stack = {
    .name = "stack",
    .label = "stack",
    .title = "Stack",
    .table = "stack",
    COLUMNS(columns),
    FILTERS(filters),
    .body = &STACK_BODY,
    .flags = X_WORKSPACE | X_UPDATE_NULLS,
    .rank = RANK_STACK,
    .unique = {.columns = {"name", "workspace_id"}, .error = EX_STACK_EXISTS, .on_update = true},
    .load = load,
    .before_update = before_update,
    .after_update = after_update,
    .before_delete = protect_default,
};

/* Creation -------------------------------------------------------------------------------------------------------- */

/* A connector that the stack names or makes. */
struct used_connector {
    const char *id, *type, *resource_id;
    struct json_object *resource_types;
    bool instances;
};

struct building {
    struct ctx *c;
    const char *name, *workspace;
    struct json_object *labels;
    struct db_rows existing; /* components that the body names */
    struct used_connector *connectors;
    const char **ids; /* of the components, in order */
    size_t count;
    bool permanent; /* orchestrators on virtual machines need credentials that do not expire */
    bool remote;    /* some orchestrator runs elsewhere */
};

/* The name of the stack, with four letters more where that is taken. `text` looks for a name in a workspace, and for a
 * type unless that is NULL. */
static int free_name(struct building *b, const char *text, const char *type, const char **name)
{
    struct db_rows taken;
    char letters[5];
    *name = b->name;
    for (;;) {
        const struct db_param p[] = {p_text(*name), p_text(b->workspace), p_text(type)};
        TRY(sql_run(b->c, &taken, text, p, type ? 3 : 2));
        if (taken.count == 0)
            return OK;
        random_letters(letters, 4);
        char *lower = arena_printf(b->c->mem, "%s-%s", b->name, letters);
        for (char *at = lower; *at; at++)
            *at = (char)tolower((unsigned char)*at);
        *name = lower;
    }
}

static struct json_object *new_body(struct building *b, const char *name)
{
    struct json_object *body = json_keep(b->c->mem, json_object_new_object());
    json_object_object_add(body, "name", json_object_new_string(name));
    json_object_object_add(body, "user", json_object_new_string(b->c->auth->user_id));
    json_object_object_add(body, "workspace", json_object_new_string(b->workspace));
    return body;
}

/* Labels of a connector are texts. */
static struct json_object *labels_as_text(struct json_object *labels)
{
    struct json_object *out = json_object_new_object();
    json_object_object_foreach(labels, key, v)
        json_object_object_add(out, key, json_object_new_string(v ? json_object_get_string(v) : "None"));
    return out;
}

static int make_connector(struct building *b, struct json_object *info, const char **id)
{
    const char *name;
    TRY(free_name(b, "SELECT id FROM service_connector WHERE name = ? AND workspace_id = ? LIMIT 1", NULL, &name));
    struct json_object *body = new_body(b, name), *configuration = member(info, "configuration");
    json_object_object_add(configuration, "generate_temporary_tokens", json_object_new_boolean(!b->permanent));
    json_object_object_add(body, "connector_type", json_object_get(member(info, "type")));
    json_object_object_add(body, "auth_method", json_object_get(member(info, "auth_method")));
    json_object_object_add(body, "description", json_object_new_string(""));
    json_object_object_add(body, "resource_types", json_object_new_array());
    json_object_object_add(body, "supports_instances", json_object_new_boolean(false));
    json_object_object_add(body, "configuration", json_object_get(configuration));
    json_object_object_add(body, "secrets", json_object_new_object());
    json_object_object_add(body, "labels", labels_as_text(b->labels));
    struct write w = {.c = b->c, .res = &resource_connector, .body = body};
    TRY(connector_check(&w));
    TRY(write_create_within(&w));
    *id = arena_strdup(b->c->mem, w.id);
    return OK;
}

/* Credentials that expire are of no use to orchestrators on virtual machines. */
static int make_permanent(struct building *b, const char *id, struct json_object *configuration)
{
    static const char key[] = "generate_temporary_tokens";
    struct write w = {.c = b->c, .res = &resource_connector};
    if (!b->permanent ||
        (member_given(configuration, key) && member(configuration, key) && !member_bool(configuration, key)))
        return OK;
    if (!configuration)
        configuration = json_keep(b->c->mem, json_object_new_object());
    json_object_object_add(configuration, key, json_object_new_boolean(false));
    memcpy(w.id, id, sizeof w.id);
    write_set(&w, "configuration",
              encode_value(b->c->mem, resource_column(&resource_connector, "configuration"), configuration));
    return write_flush_update(&w);
}

static int use_connector(struct building *b, const char *id, bool made, struct used_connector *out)
{
    struct db_rows found;
    TRY(sql(
        b->c, &found,
        "SELECT connector_type, resource_id, supports_instances, resource_types, configuration FROM service_connector "
        "WHERE id = ?",
        p_text(id)));
    if (found.count == 0)
        return no_such_row(b->c, EX_KEY, &resource_connector, id);
    struct db_value *v = db_row(&found, 0);
    struct origin of = {"service_connector", id, "resource_types"};
    *out = (struct used_connector){.id = id,
                                   .type = v[0].s,
                                   .resource_id = v[1].s,
                                   .instances = *v[2].s != '0',
                                   .resource_types =
                                       stored_base64_tree(b->c->mem, value_span(&v[3]), json_type_array, of)};
    if (made || connector_type_find(out->type))
        return OK;
    of.member = "configuration";
    return make_permanent(b, id, stored_base64_tree(b->c->mem, value_span(&v[4]), json_type_object, of));
}

static int make_connectors(struct building *b, struct json_object *list)
{
    size_t count = json_object_array_length(list);
    b->connectors = arena_array(b->c->mem, count + 1, sizeof *b->connectors);
    for (size_t i = 0; i < count; i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        bool made = json_object_is_type(v, json_type_object);
        const char *id = uuid_hex(b->c->mem, text_of(v));
        if (made)
            TRY(make_connector(b, v, &id));
        TRY(id ? use_connector(b, id, made, &b->connectors[i])
               : fail(b->c, EX_VALUE, "A service connector is neither an id nor a description of a new one"));
    }
    return OK;
}

/* Ties a new component to a connector that its flavor can use. */
static int connect_component(struct building *b, struct json_object *info, const struct flavor *f,
                             struct json_object *body)
{
    struct json_object *index = member(info, "service_connector_index");
    const char *flavor = member_str(info, "flavor"), *id = member_str(info, "service_connector_resource_id");
    if (!index)
        return OK;
    const struct used_connector *u = &b->connectors[json_object_get_int64(index)];
    const char *attribute = f->connector_id_attribute;
    struct json_object *configuration = member(info, "configuration");
    struct json_object *value = attribute ? member(configuration, attribute) : NULL;
    const char *configured = value ? json_object_get_string(value) : NULL;
    if (!f->connector_resource_type || !*f->connector_resource_type)
        return fail(b->c, EX_VALUE, "The flavor '%s' uses no service connectors", flavor);
    const char *problem = connector_satisfies(b->c->mem, u->type, u->resource_types, configuration, f->connector_type,
                                              f->connector_resource_type, attribute);
    if (problem)
        return fail(b->c, EX_VALUE, "The service connector does not fit the flavor '%s': %s", flavor, problem);
    if (!id || !*id)
        id = configured;
    if (!id || !*id)
        id = u->resource_id;
    if ((!id || !*id) && u->instances)
        return fail(b->c, EX_VALUE,
                    "The service connector reaches several resources of the type %s: say which one is meant",
                    f->connector_resource_type);
    json_object_object_add(body, "connector", json_object_new_string(u->id));
    if (id)
        json_object_object_add(body, "connector_resource_id", json_object_new_string(id));
    return OK;
}

static int make_component(struct building *b, const char *type, struct json_object *info, const char **id)
{
    struct flavor *f;
    const char *name, *flavor = member_str(info, "flavor");
    TRY(flavor_find(b->c, EX_VALUE, flavor, type, &f));
    TRY(component_check_config(b->c, f, flavor, type, member(info, "configuration")));
    TRY(free_name(b, "SELECT id FROM stack_component WHERE name = ? AND workspace_id = ? AND type = ? LIMIT 1", type,
                  &name));
    struct json_object *body = new_body(b, name);
    json_object_object_add(body, "type", json_object_new_string(type));
    json_object_object_add(body, "flavor", json_object_new_string(flavor));
    json_object_object_add(body, "configuration", json_object_get(member(info, "configuration")));
    json_object_object_add(body, "labels", json_object_get(b->labels));
    struct write w = {.c = b->c, .res = &resource_component, .body = body};
    TRY(connect_component(b, info, f, body));
    TRY(write_create_within(&w));
    *id = arena_strdup(b->c->mem, w.id);
    b->remote = b->remote || (streq(type, "orchestrator") && orchestrator_is_remote(flavor));
    return OK;
}

static void note_existing(struct building *b, const char *id)
{
    for (size_t i = 0; i < b->existing.count; i++) {
        const struct db_value *v = db_row(&b->existing, i);
        if (streq(v[0].s, id) && streq(v[1].s, "orchestrator") && orchestrator_is_remote(v[2].s))
            b->remote = true;
    }
}

/* Every component of the body is found or made; the last of each list makes part of the stack. */
static int make_components(struct building *b, struct json_object *parts)
{
    b->ids = arena_array(b->c->mem, (size_t)json_object_object_length(parts) + 1, sizeof *b->ids);
    json_object_object_foreach(parts, type, list)
    {
        const char *id = NULL;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
            struct json_object *v = json_object_array_get_idx(list, i);
            if (json_object_is_type(v, json_type_object))
                TRY(make_component(b, type, v, &id));
            else
                id = uuid_hex(b->c->mem, text_of(v));
        }
        bool twice = false; /* one component under two types is there once */
        for (size_t i = 0; i < b->count; i++)
            twice = twice || streq(b->ids[i], id);
        if (id && !twice) {
            note_existing(b, id);
            b->ids[b->count++] = id;
        }
    }
    return b->count ? OK : fail(b->c, EX_VALUE, "A stack needs at least one component");
}

/* Orchestrators on virtual machines, existing or to be made. */
static bool is_on_vm(const struct building *b, struct json_object *orchestrators)
{
    bool vm = false;
    for (size_t i = 0; i < json_object_array_length(orchestrators); i++) {
        struct json_object *v = json_object_array_get_idx(orchestrators, i);
        const char *flavor = member_str(v, "flavor"), *id = uuid_hex(b->c->mem, text_of(v));
        for (size_t k = 0; id && k < b->existing.count; k++)
            if (streq(db_row(&b->existing, k)[0].s, id))
                flavor = db_row(&b->existing, k)[2].s;
        vm = flavor && starts_with(flavor, "vm_"); /* the last one decides */
    }
    return vm;
}

static int insert_stack(struct building *b, struct write *w)
{
    static const char *const remote[] = {STEP_REMOTE_STACK, NULL};
    struct ctx *c = b->c;
    write_set(w, "name", p_text(b->name));
    write_set(w, "workspace_id", p_text(b->workspace));
    write_set(w, "user_id", p_text(c->auth->user_id));
    write_set(w, "stack_spec_path", p_text(member_str(c->body, "stack_spec_path")));
    write_set(w, "labels", encode_value(c->mem, resource_column(&resource_stack, "labels"), b->labels));
    TRY(write_add(w));
    TRY(link_components(c, w->id, b->ids, b->count));
    return b->remote ? onboarding_add(c, remote) : OK;
}

static int check_body(struct building *b)
{
    struct json_object *parts = member(b->c->body, "components");
    size_t count;
    const char **ids = ids_in(b->c, parts, &count);
    TRY(find_components(b->c, ids, count, &b->existing));
    if (!*b->name || strpbrk(b->name, "\t\n\r\v\f"))
        return fail(b->c, EX_VALUE, "The name '%s' of a stack must not be empty or hold tabs or line breaks", b->name);
    if (!member(parts, "orchestrator"))
        return fail(b->c, EX_KEY, "A stack needs an orchestrator");
    b->permanent = is_on_vm(b, member(parts, "orchestrator"));
    return OK;
}

int stack_create(struct ctx *c)
{
    char workspace[UUID_HEX + 1];
    struct building b = {
        .c = c, .name = member_str(c->body, "name"), .workspace = workspace, .labels = member(c->body, "labels")};
    struct write w = {.c = c, .res = &resource_stack};
    if (!b.labels)
        b.labels = json_keep(c->mem, json_object_new_object());
    TRY(path_within(c, workspace));
    TRY(check_body(&b));
    TRY(sql_begin(c));
    TRY(make_connectors(&b, member(c->body, "service_connectors")));
    TRY(make_components(&b, member(c->body, "components")));
    TRY(insert_stack(&b, &w));
    TRY(sql_commit(c));
    return respond_row(c, &resource_stack, w.id, D_META);
}
