#include "security/fields.h"

#include "base/text.h"

#include <string.h>

static const char *const mount_words[] = {"ANY", "ENV_VAR", "FILE", NULL};
static const char *const type_words[] = {"CLIENT_CREDENTIALS", NULL};

#define FIELD(s, member, ...)                                                                                          \
    {                                                                                                                  \
        .name = #member, .offset = offsetof(struct s, member), __VA_ARGS__                                             \
    }
#define TEXT(s, member, camel, how) FIELD(s, member, .json = camel, .kind = SEC_TEXT, .flags = how)
#define ENUM(s, member, camel, set) FIELD(s, member, .json = camel, .kind = SEC_ENUM, .words = set)
#define MESSAGE(s, member, camel, of, how)                                                                             \
    FIELD(s, member, .json = camel, .kind = SEC_MESSAGE, .model = &of, .flags = how)
#define LIST(s, member, camel, of) FIELD(s, member, .json = camel, .kind = SEC_LIST, .model = &of)
#define MODEL(s, title, table, ...)                                                                                    \
    {                                                                                                                  \
        .name = title, .size = sizeof(struct s), .fields = table, .count = ARRAY_LEN(table), __VA_ARGS__               \
    }

static const struct sec_field secret_fields[] = {
    TEXT(sec_secret, group, "group", SEC_NEEDED),
    TEXT(sec_secret, group_version, "groupVersion", SEC_NULLABLE),
    TEXT(sec_secret, key, "key", SEC_NULLABLE),
    ENUM(sec_secret, mount_requirement, "mountRequirement", mount_words),
    TEXT(sec_secret, env_var, "envVar", SEC_NULLABLE),
};

/* What a client keeps as its secret is the message itself, not flytekit's model of it. */
static const struct sec_model idl_secret = MODEL(sec_secret, "Secret", secret_fields, .idl = true);

static const struct sec_field client_fields[] = {
    TEXT(sec_oauth2_client, client_id, "clientId", 0),
    MESSAGE(sec_oauth2_client, client_secret, "clientSecret", idl_secret, 0),
};

static const struct sec_field identity_fields[] = {
    TEXT(sec_identity, iam_role, "iamRole", SEC_NULLABLE),
    TEXT(sec_identity, k8s_service_account, "k8sServiceAccount", SEC_NULLABLE),
    MESSAGE(sec_identity, oauth2_client, "oauth2Client", SEC_OAUTH2_CLIENT, SEC_NULLABLE),
    TEXT(sec_identity, execution_identity, "executionIdentity", SEC_NULLABLE),
};

static const struct sec_field token_fields[] = {
    TEXT(sec_token_request, name, "name", 0),
    ENUM(sec_token_request, type, "type", type_words),
    MESSAGE(sec_token_request, client, "client", SEC_OAUTH2_CLIENT, 0),
    TEXT(sec_token_request, idp_discovery_endpoint, "idpDiscoveryEndpoint", 0),
    TEXT(sec_token_request, token_endpoint, "tokenEndpoint", 0),
};

static const struct sec_field context_fields[] = {
    MESSAGE(sec_context, run_as, "runAs", SEC_IDENTITY, SEC_NULLABLE),
    LIST(sec_context, secrets, "secrets", SEC_SECRET),
    LIST(sec_context, tokens, "tokens", SEC_TOKEN_REQUEST),
};

/* ^[A-Z_][A-Z0-9_]*$ as Python matches it, where $ also stands before a last line end. */
static bool is_variable_name(struct span name)
{
    size_t n = name.len > 0 && name.s[name.len - 1] == '\n' ? name.len - 1 : name.len;
    for (size_t i = 0; i < n; i++) {
        char c = name.s[i];
        if (!(c >= 'A' && c <= 'Z') && c != '_' && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    return n > 0;
}

static const char *check_secret(struct arena *a, const void *object)
{
    const struct sec_secret *s = object;
    if (!s->group.s)
        return "Group is a required parameter";
    if (s->mount_requirement < SEC_MOUNT_ANY || s->mount_requirement > SEC_MOUNT_FILE)
        return arena_printf(a, "%d is not a valid Secret.MountType", (int)s->mount_requirement);
    if (s->env_var.s && !is_variable_name(s->env_var))
        return arena_printf(a, "Invalid environment variable name: %.*s", (int)s->env_var.len, s->env_var.s);
    return NULL;
}

const struct sec_model SEC_SECRET = MODEL(sec_secret, "Secret", secret_fields, .check = check_secret);
const struct sec_model SEC_OAUTH2_CLIENT = MODEL(sec_oauth2_client, "OAuth2Client", client_fields, .check = NULL);
const struct sec_model SEC_IDENTITY = MODEL(sec_identity, "Identity", identity_fields, .check = NULL);
const struct sec_model SEC_TOKEN_REQUEST = MODEL(sec_token_request, "OAuth2TokenRequest", token_fields, .check = NULL);
const struct sec_model SEC_CONTEXT = MODEL(sec_context, "SecurityContext", context_fields, .check = NULL);

const struct sec_model *sec_model_named(const char *name)
{
    static const struct sec_model *const all[] = {&SEC_SECRET, &SEC_OAUTH2_CLIENT, &SEC_IDENTITY, &SEC_TOKEN_REQUEST,
                                                  &SEC_CONTEXT};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (streq(all[i]->name, name))
            return all[i];
    return NULL;
}

const char *sec_model_name(const struct sec_model *model)
{
    return model->name;
}

void *sec_new(struct arena *a, const struct sec_model *model, const void *fields, const char **why)
{
    *why = model->check ? model->check(a, fields) : NULL;
    return *why ? NULL : arena_memdup(a, fields, model->size);
}

static bool text_equal(struct span x, struct span y, bool null_is_empty)
{
    return x.len == y.len && (null_is_empty || !x.s == !y.s) &&
           (x.len == 0 || (x.s && y.s && memcmp(x.s, y.s, x.len) == 0));
}

static bool object_equal(const struct sec_model *model, const void *x, const void *y)
{
    return x && y ? sec_equal(model, x, y) : x == y;
}

static bool list_equal(const struct sec_model *model, const struct sec_list *x, const struct sec_list *y)
{
    bool same = x->count == y->count && !x->items == !y->items;
    for (size_t i = 0; same && x->items && y->items && i < x->count; i++)
        same = object_equal(model, x->items[i], y->items[i]);
    return same;
}

bool sec_equal(const struct sec_model *model, const void *x, const void *y)
{
    bool same = true;
    for (const struct sec_field *f = model->fields; same && f < model->fields + model->count; f++) {
        switch (f->kind) {
        case SEC_TEXT:
            same = text_equal(*sec_text(f, x), *sec_text(f, y), model->idl);
            break;
        case SEC_ENUM:
            same = *sec_enum(f, x) == *sec_enum(f, y);
            break;
        case SEC_MESSAGE:
            same = object_equal(f->model, *sec_message(f, x), *sec_message(f, y));
            break;
        case SEC_LIST:
            same = list_equal(f->model, sec_list(f, x), sec_list(f, y));
            break;
        }
    }
    return same;
}

bool sec_is_set(const struct sec_field *f, const void *object)
{
    switch (f->kind) {
    case SEC_TEXT:
        return sec_text(f, object)->len > 0;
    case SEC_ENUM:
        return *sec_enum(f, object) != 0;
    case SEC_MESSAGE:
        return *sec_message(f, object) != NULL;
    case SEC_LIST:
        return sec_list(f, object)->count > 0;
    }
    return false;
}

bool sec_is_null(const struct sec_model *model, const void *object)
{
    const struct sec_context *c = object;
    return model == &SEC_CONTEXT && !c->run_as && !c->secrets.items && !c->tokens.items;
}

const char *sec_word(const struct sec_field *f, int32_t number)
{
    for (int32_t i = 0; f->words[i]; i++)
        if (i == number)
            return f->words[i];
    return NULL;
}

void sec_append(struct arena *a, struct sec_list *list, void *item)
{
    size_t n = list->count;
    if ((n & (n - 1)) == 0) { /* full: rooms are powers of two */
        void **items = arena_array(a, n ? 2 * n : 1, sizeof *items);
        if (n)
            memcpy(items, list->items, n * sizeof *items);
        list->items = items;
    }
    list->items[list->count++] = item;
}
