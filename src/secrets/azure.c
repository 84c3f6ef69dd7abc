/* Azure Key Vault (docs/contract/secrets-stores.md#azure). */
#include "base/text.h"
#include "base/timestamp.h"
#include "connector/call.h"
#include "connector/credentials.h"
#include "connector/types.h"
#include "secrets/values.h"

#include <string.h>
#include <unistd.h>

#define VAULTS  "vault.azure.net"
#define VERSION "api-version=7.4"

enum { NAME_MIN = 3, NAME_MAX = 24, CONFLICT = 409, PAUSE_US = 200000 };

static const char *configure(struct arena *a, struct secrets_store *s)
{
    const struct secrets_config *c = s->settings;
    const char *name = c->key_vault_name;
    if (!name)
        return values_lacks(a, s, "KEY_VAULT_NAME");
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
    if (name[len] || len < NAME_MIN || len > NAME_MAX) /* it becomes a part of a host's name */
        return arena_printf(a, "%sKEY_VAULT_NAME is '%s'; expected 3 to 24 letters, digits and dashes", s->prefix,
                            name);
    if (!c->azure_client_id || !c->azure_client_secret || !c->azure_tenant_id)
        return NULL;
    s->auth_method = "service-principal";
    s->auth_config = json_keep(a, json_object_new_object());
    json_object_object_add(s->auth_config, "client_id", json_object_new_string(c->azure_client_id));
    json_object_object_add(s->auth_config, "client_secret", json_object_new_string(c->azure_client_secret));
    json_object_object_add(s->auth_config, "tenant_id", json_object_new_string(c->azure_tenant_id));
    return NULL;
}

static const char *sign_in(struct secrets_store *s)
{
    return azure_token(&s->con, VAULTS, &s->token); /* when it ends, refusals tell */
}

/* `kind` is secrets or deletedsecrets; `tail` follows the name. */
static struct fetched ask(struct values_op *op, const char *method, const char *kind, const char *tail,
                          const char *body)
{
    struct arena *a = op->con.mem;
    const char *host = arena_printf(a, "%s." VAULTS, op->store->settings->key_vault_name);
    const struct call c = {
        .method = method,
        .url = arena_printf(a, "%s/%s/zenml-%s%s?" VERSION, call_base(a, host), kind, op->id, tail),
        .headers = call_bearer(a, op->store->token, "Content-Type: application/json"),
        .body = body,
    };
    return call_send(&op->con, &c);
}

static enum secret_outcome get(struct values_op *op, struct json_object **values)
{
    struct fetched f = ask(op, "GET", "secrets", "", NULL);
    enum secret_outcome outcome = values_outcome(op, &f);
    struct json_object *o = json_tree(op->con.mem, f.body, f.len);
    if (outcome == SECRET_OK)
        outcome = values_verify(op, member(o, "tags"));
    return outcome == SECRET_OK ? values_parse(op, member_str(o, "value"), values) : outcome;
}

/* A name that has been deleted is not free for a while, but can be taken back: after a deletion that is to be undone,
 * or when backups are restored. Taking back goes on behind Azure's answer, so the writing is tried until it is good. */
static enum secret_outcome put(struct values_op *op, struct json_object *values, bool fresh)
{
    struct arena *a = op->con.mem;
    const char *body =
        VALUES_BODY(a, {.name = "value", .text = json_text(a, values, true)},
                    {.name = "tags", .object = values_labels(op)}, {.name = "contentType", .text = "application/json"});
    (void)fresh;
    struct fetched f = ask(op, "PUT", "secrets", "", body);
    while (f.failure == FETCH_OK && f.status == CONFLICT && monotonic_ms() < op->con.deadline) {
        ask(op, "POST", "deletedsecrets", "/recover", "");
        usleep(PAUSE_US);
        f = ask(op, "PUT", "secrets", "", body);
    }
    enum secret_outcome outcome = values_outcome(op, &f);
    return outcome == SECRET_MISSING ? SECRET_FAILED : outcome;
}

static enum secret_outcome remove_values(struct values_op *op)
{
    struct fetched f = ask(op, "DELETE", "secrets", "", NULL);
    return values_outcome(op, &f);
}

const struct values_kind values_azure = {
    .name = "azure",
    .type = &connector_azure,
    .configure = configure,
    .sign_in = sign_in,
    .get = get,
    .put = put,
    .remove = remove_values,
};
