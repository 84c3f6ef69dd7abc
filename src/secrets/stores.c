#include "secrets/stores.h"

#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "connector/call.h"
#include "secrets/secrets.h"
#include "secrets/values.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

/* Credentials are exchanged for new ones this long before they end. */
enum { SKEW_SECONDS = 300 };

static struct secrets_store stores[] = {
    [STORE_PRIMARY] = {.title = "secrets store", .prefix = "ZENML_SECRETS_STORE_", .settings = &config.secrets},
    [STORE_BACKUP] = {.title = "backup secrets store",
                      .prefix = "ZENML_BACKUP_SECRETS_STORE_",
                      .settings = &config.backup_secrets},
};

/* Configuration --------------------------------------------------------------------------------------------------- */

static const struct values_kind *const kinds[] = {&values_aws, &values_gcp, &values_azure, &values_hashicorp};

static bool is_type(const struct secrets_store *s, const char *type)
{
    return streq(s->settings->type, type);
}

const char *values_lacks(struct arena *a, const struct secrets_store *s, const char *variable)
{
    return arena_printf(a, "%s%s is not set, which the %s of type %s needs", s->prefix, variable, s->title,
                        s->settings->type);
}

static const char *choose(struct arena *a, struct secrets_store *s)
{
    const char *type = s->settings->type;
    s->kind = NULL;
    if (!type || streq(type, "sql") || streq(type, "none"))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (streq(kinds[i]->name, type))
            s->kind = kinds[i];
    if (s->kind)
        return NULL;
    const char *why = streq(type, "custom") ? " (a Python class cannot be loaded here)"
                      : streq(type, "rest") ? " (a server keeps secrets itself; ZenML 0.66 has no such store either)"
                                            : "";
    return arena_printf(a, "%sTYPE is '%s'; expected sql, aws, gcp, azure, hashicorp or none%s", s->prefix, type, why);
}

/* Variables that the types sql and hashicorp have no use for, and that say nothing good when they are set. */
static const struct {
    const char *name;
    size_t offset;
    const char *type;
} OWN_VARIABLES[] = {
#define OWN(name, member, type)                                                                                        \
    {                                                                                                                  \
        name, offsetof(struct secrets_config, member), type                                                            \
    }
    OWN("ENCRYPTION_KEY", encryption_key, "sql"),
    OWN("AUTH_METHOD", auth_method, ""),
    OWN("AUTH_CONFIG", auth_config, ""),
    OWN("REGION_NAME", region_name, ""),
    OWN("AWS_ACCESS_KEY_ID", aws_access_key_id, ""),
    OWN("AWS_SECRET_ACCESS_KEY", aws_secret_access_key, ""),
    OWN("PROJECT_ID", project_id, ""),
    OWN("KEY_VAULT_NAME", key_vault_name, ""),
    OWN("AZURE_CLIENT_ID", azure_client_id, ""),
    OWN("AZURE_CLIENT_SECRET", azure_client_secret, ""),
    OWN("AZURE_TENANT_ID", azure_tenant_id, ""),
    OWN("VAULT_ADDR", vault_addr, "hashicorp"),
    OWN("VAULT_TOKEN", vault_token, "hashicorp"),
    OWN("VAULT_NAMESPACE", vault_namespace, "hashicorp"),
    OWN("MOUNT_POINT", mount_point, "hashicorp"),
};

static const char *check_foreign(struct arena *a, const struct secrets_store *s)
{
    const char *type = s->settings->type;
    if (type && !streq(type, "sql") && !streq(type, "hashicorp"))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(OWN_VARIABLES); i++) {
        const char *set = *(const char *const *)((const char *)s->settings + OWN_VARIABLES[i].offset);
        if (!set || streq(OWN_VARIABLES[i].type, type))
            continue;
        return type ? arena_printf(a, "%s%s is set, which the %s of type %s does not take", s->prefix,
                                   OWN_VARIABLES[i].name, s->title, type)
                    : arena_printf(a, "%s%s is set, but not %sTYPE", s->prefix, OWN_VARIABLES[i].name, s->prefix);
    }
    return NULL;
}

/* A connection with the store's credentials, in memory of `a`. Returns NULL or a problem. */
static const char *connect(struct arena *a, const struct secrets_store *s, struct connection *con)
{
    const char *text = s->auth_config ? json_text(a, s->auth_config, false) : "{}";
    *con = (struct connection){
        .mem = a,
        .type = s->kind->type,
        .auth_method = s->auth_method,
        .resource_types = json_keep(a, json_object_new_array()),
        .config = json_tree(a, text, strlen(text)), /* opening makes it complete: each connection has its own */
        .expiration = -1,
        .skew = -1,
        .own = true,
    };
    return s->kind->type ? connection_open(con) : NULL;
}

static const char *read_auth(struct arena *a, struct secrets_store *s)
{
    const char *text = s->settings->auth_config ? s->settings->auth_config : "{}";
    if (!s->auth_method)
        s->auth_method = s->settings->auth_method;
    if (!s->auth_method)
        return values_lacks(a, s, "AUTH_METHOD");
    if (!s->auth_config)
        s->auth_config = json_tree(a, text, strlen(text));
    return json_object_is_type(s->auth_config, json_type_object)
               ? NULL
               : arena_printf(a, "%sAUTH_CONFIG is not a JSON object", s->prefix);
}

static const char *configure(struct arena *a, struct secrets_store *s)
{
    struct connection con;
    const char *problem = choose(a, s);
    s->auth_method = NULL;
    s->auth_config = NULL;
    if (!problem)
        problem = check_foreign(a, s);
    if (problem || !s->kind)
        return problem;
    problem = s->kind->configure(a, s);
    if (problem || !s->kind->type)
        return problem;
    problem = read_auth(a, s);
    if (problem)
        return problem;
    problem = connect(a, s, &con);
    if (!problem && s->kind->needs && !member_str(s->auth_config, s->kind->needs))
        problem = arena_printf(a, "the attribute '%s' is missing", s->kind->needs);
    return problem ? arena_printf(a, "%sAUTH_METHOD, %sAUTH_CONFIG: %s", s->prefix, s->prefix, problem) : NULL;
}

const char *secrets_configure(struct arena *a)
{
    const char *problem = configure(a, &stores[STORE_PRIMARY]);
    if (!problem)
        problem = configure(a, &stores[STORE_BACKUP]);
    if (!problem && is_type(&stores[STORE_PRIMARY], "sql") && is_type(&stores[STORE_BACKUP], "sql"))
        return "ZENML_BACKUP_SECRETS_STORE_TYPE is 'sql', and so is the secrets store: both would be the same column";
    return problem;
}

bool secrets_has(enum which_store which)
{
    return stores[which].kind || secrets_in_column(which);
}

bool secrets_outside(void)
{
    return stores[STORE_PRIMARY].kind || stores[STORE_BACKUP].kind;
}

bool secrets_in_column(enum which_store which)
{
    return is_type(&stores[which], "sql");
}

/* For the kinds of stores ----------------------------------------------------------------------------------------- */

enum secret_outcome values_outcome(struct values_op *op, const struct fetched *f)
{
    op->problem = call_problem(&op->con, f);
    op->unreachable = f->failure != FETCH_OK;
    op->unauthorized = f->failure == FETCH_OK && (f->status == 401 || f->status == 403);
    if (!op->problem)
        return SECRET_OK;
    return f->failure == FETCH_OK && f->status == 404 ? SECRET_MISSING : SECRET_FAILED;
}

static const char LABEL[] = "zenml", LABEL_ID[] = "zenml_secret_id";

struct json_object *values_labels(struct values_op *op)
{
    struct json_object *o = json_keep(op->con.mem, json_object_new_object());
    json_object_object_add(o, LABEL, json_object_new_string(op->server));
    json_object_object_add(o, LABEL_ID, json_object_new_string(op->id));
    return o;
}

enum secret_outcome values_verify(struct values_op *op, struct json_object *labels)
{
    const char *server = member_str(labels, LABEL), *id = member_str(labels, LABEL_ID);
    char hex[UUID_HEX + 1], dashed[UUID_TEXT + 1];
    op->problem = "it is there, but is not marked as a secret of this server";
    if (!server || !id || !streq(server, op->server) || !uuid_read(id, strlen(id), hex))
        return SECRET_MISSING;
    uuid_write(hex, dashed);
    return streq(dashed, op->id) ? SECRET_OK : SECRET_MISSING;
}

enum secret_outcome values_parse(struct values_op *op, const char *text, struct json_object **values)
{
    *values = text ? json_tree(op->con.mem, text, strlen(text)) : NULL;
    if (secret_only_texts(*values))
        return SECRET_OK;
    op->problem = "what is stored is not a JSON object of texts";
    return SECRET_FAILED;
}

const char *values_body(struct arena *a, const struct values_member *members, size_t count)
{
    struct json_object *o = json_keep(a, json_object_new_object());
    for (size_t i = 0; i < count; i++)
        json_object_object_add(o, members[i].name,
                               members[i].object ? json_object_get(members[i].object)
                                                 : json_object_new_string(members[i].text));
    return json_text(a, o, false);
}

/* Operations ------------------------------------------------------------------------------------------------------ */

static void forget_connection(struct secrets_store *s)
{
    s->open = false;
    arena_reset(&s->arena);
}

/* Signs in, unless that has been done and holds for a while. */
static const char *sign_in(struct secrets_store *s, double deadline, bool *anew)
{
    if (s->open && s->expires_at && s->expires_at - SKEW_SECONDS < (int64_t)time(NULL))
        forget_connection(s);
    *anew = !s->open;
    if (s->open)
        return NULL;
    arena_reset(&s->arena);
    s->expires_at = 0;
    const char *problem = connect(&s->arena, s, &s->con);
    s->con.deadline = deadline;
    if (!problem)
        problem = s->kind->sign_in(s);
    s->open = !problem;
    return problem;
}

/* What an operation is about: `values` are those that are found, or those to be written. */
struct task {
    enum secret_outcome (*run)(struct values_op *op, struct task *t);
    struct json_object *values;
    bool fresh;
};

static enum secret_outcome run_get(struct values_op *op, struct task *t)
{
    return op->store->kind->get(op, &t->values);
}

static enum secret_outcome run_put(struct values_op *op, struct task *t)
{
    return op->store->kind->put(op, t->values, t->fresh);
}

static enum secret_outcome run_remove(struct values_op *op, struct task *t)
{
    (void)t;
    return op->store->kind->remove(op);
}

/* One try. With *again, credentials that have been good before are refused now: new ones may do. */
static enum secret_outcome try(struct secrets *s, struct values_op *op, double deadline, struct task *t, bool *again)
{
    bool anew;
    *again = false;
    op->problem = sign_in(op->store, deadline, &anew);
    if (op->problem) {
        op->problem = arena_strdup(s->mem, op->problem);
        op->unreachable = monotonic_ms() >= deadline;
        return SECRET_FAILED;
    }
    op->con = op->store->con;
    op->con.mem = s->mem;
    op->con.deadline = deadline;
    enum secret_outcome outcome = t->run(op, t);
    if (outcome == SECRET_FAILED && op->unauthorized) {
        forget_connection(op->store);
        *again = !anew;
    }
    return outcome;
}

static enum secret_outcome operate(struct secrets *s, enum which_store which, const char *id, struct task *t)
{
    struct secrets_store *store = &stores[which];
    double deadline = monotonic_ms() + STORE_MS;
    struct values_op op = {.store = store, .server = uuid_dashed(s->mem, s->server), .id = uuid_dashed(s->mem, id)};
    bool again;
    if (s->silent[which]) {
        s->problem = arena_printf(s->mem, "The %s (%s) does not answer", store->title, store->kind->name);
        return SECRET_FAILED;
    }
    enum secret_outcome outcome = try(s, &op, deadline, t, &again);
    if (again)
        outcome = try(s, &op, deadline, t, &again);
    s->silent[which] = outcome == SECRET_FAILED && op.unreachable;
    s->problem = outcome == SECRET_OK ? NULL
                                      : arena_printf(s->mem, "The %s (%s): %s", store->title, store->kind->name,
                                                     op.problem ? op.problem : "it has no such values");
    if (outcome == SECRET_FAILED)
        log_warn("secret %s: %s", op.id, s->problem);
    return outcome;
}

static enum secret_outcome nothing_there(struct secrets *s, enum which_store which)
{
    s->problem = which == STORE_PRIMARY ? "This server keeps no secrets: ZENML_SECRETS_STORE_TYPE is none"
                                        : "This server has no backup secrets store";
    return SECRET_NO_STORE;
}

enum secret_outcome secrets_get_from(struct secrets *s, enum which_store which, const char *id, struct span column,
                                     struct json_object **values)
{
    struct task t = {.run = run_get};
    enum secret_outcome outcome = SECRET_OK;
    if (stores[which].kind) {
        outcome = operate(s, which, id, &t);
    } else if (secrets_in_column(which)) {
        t.values =
            column.s ? secret_values(s->mem, stores[which].settings->encryption_key, column.s, column.len) : NULL;
        outcome = t.values ? SECRET_OK : SECRET_MISSING;
        s->problem = t.values ? NULL : "they are missing, or were stored with another key";
    } else {
        outcome = nothing_there(s, which);
    }
    *values = outcome == SECRET_OK ? t.values : NULL;
    return outcome;
}

enum secret_outcome secrets_put_to(struct secrets *s, enum which_store which, const char *id,
                                   struct json_object *values, bool fresh)
{
    struct task t = {.run = run_put, .values = values, .fresh = fresh};
    if (stores[which].kind)
        return operate(s, which, id, &t);
    return secrets_in_column(which) ? SECRET_OK : nothing_there(s, which);
}

enum secret_outcome secrets_remove_from(struct secrets *s, enum which_store which, const char *id)
{
    struct task t = {.run = run_remove};
    if (!stores[which].kind)
        return secrets_in_column(which) ? SECRET_OK : nothing_there(s, which);
    enum secret_outcome outcome = operate(s, which, id, &t);
    return outcome == SECRET_MISSING ? SECRET_OK : outcome;
}

/* Both stores ----------------------------------------------------------------------------------------------------- */

const char *secrets_column(struct arena *a, struct json_object *values)
{
    for (size_t i = 0; i < ARRAY_LEN(stores); i++)
        if (secrets_in_column((enum which_store)i))
            return secret_store(a, stores[i].settings->encryption_key, values);
    return NULL;
}

enum secret_outcome secrets_get(struct secrets *s, const char *id, struct span column, struct json_object **values,
                                bool *restore)
{
    enum secret_outcome first = secrets_get_from(s, STORE_PRIMARY, id, column, values);
    const char *problem = s->problem;
    *restore = false;
    if (first == SECRET_OK || !secrets_has(STORE_BACKUP))
        return first;
    if (secrets_get_from(s, STORE_BACKUP, id, column, values) != SECRET_OK) {
        s->problem = problem;
        return first;
    }
    *restore = first == SECRET_MISSING;
    if (*restore)
        secrets_put_to(s, STORE_PRIMARY, id, *values, true); /* else it is done by the next who reads them */
    return SECRET_OK;
}

enum secret_outcome secrets_put(struct secrets *s, const char *id, struct json_object *values, bool fresh)
{
    enum secret_outcome first = secrets_put_to(s, STORE_PRIMARY, id, values, fresh);
    const char *problem = s->problem;
    if (!secrets_has(STORE_BACKUP) || secrets_put_to(s, STORE_BACKUP, id, values, fresh) != SECRET_OK) {
        s->problem = problem;
        return first;
    }
    return SECRET_OK;
}

enum secret_outcome secrets_remove(struct secrets *s, const char *id)
{
    enum secret_outcome first = secrets_remove_from(s, STORE_PRIMARY, id);
    const char *problem = s->problem;
    if (!secrets_has(STORE_BACKUP) || secrets_remove_from(s, STORE_BACKUP, id) != SECRET_OK) {
        s->problem = problem;
        return first;
    }
    return SECRET_OK;
}
