/* HashiCorp Vault, its KV engine version 2 (docs/contract/secrets-stores.md#hashicorp). */
#include "base/log.h"
#include "base/text.h"
#include "connector/call.h"
#include "secrets/values.h"

#include <string.h>

/* Where the reference keeps secrets, whatever MOUNT_POINT says. */
#define ENGINE "secret"

static const char VALUES[] = "zenml_secret_values", METADATA[] = "zenml_secret_metadata";

static const char *token_of(const struct secrets_store *s)
{
    return s->settings->vault_token ? s->settings->vault_token : config.vault_token;
}

static bool is_header(const char *text)
{
    return !text[strcspn(text, "\r\n")];
}

static const char *configure(struct arena *a, struct secrets_store *s)
{
    const char *address = s->settings->vault_addr, *namespace = s->settings->vault_namespace;
    if (!address)
        return values_lacks(a, s, "VAULT_ADDR");
    if (!starts_with(address, "http://") && !starts_with(address, "https://"))
        return arena_printf(a, "%sVAULT_ADDR is no URL that begins with http:// or https://", s->prefix);
    if (!token_of(s))
        return values_lacks(a, s, "VAULT_TOKEN");
    if (!is_header(token_of(s)))
        return arena_printf(a, "%sVAULT_TOKEN holds a line break", s->prefix);
    return namespace && !is_header(namespace) ? arena_printf(a, "%sVAULT_NAMESPACE holds a line break", s->prefix)
                                              : NULL;
}

static const char *sign_in(struct secrets_store *s)
{
    s->token = token_of(s);
    return NULL;
}

static struct fetched ask(struct values_op *op, const char *method, const char *path, const char *body)
{
    struct arena *a = op->con.mem;
    const char *address = op->store->settings->vault_addr, *namespace = op->store->settings->vault_namespace;
    size_t len = strlen(address);
    while (len && address[len - 1] == '/')
        len--;
    const char *const headers[] = {
        arena_printf(a, "X-Vault-Token: %s", op->store->token),
        "X-Vault-Request: true",
        "Content-Type: application/json",
        namespace ? arena_printf(a, "X-Vault-Namespace: %s", namespace) : NULL,
        NULL,
    };
    const struct call c = {
        .method = method,
        .url = arena_printf(a, "%.*s/v1/" ENGINE "/%s", (int)len, address, path),
        .headers = headers,
        .body = body,
    };
    return call_send(&op->con, &c);
}

static struct fetched ask_secret(struct values_op *op, const char *method, const char *what, const char *body)
{
    return ask(op, method, arena_printf(op->con.mem, "%s/zenml/%s", what, op->id), body);
}

static enum secret_outcome get(struct values_op *op, struct json_object **values)
{
    struct fetched f = ask_secret(op, "GET", "data", NULL);
    enum secret_outcome outcome = values_outcome(op, &f);
    struct json_object *data = member(member(json_tree(op->con.mem, f.body, f.len), "data"), "data");
    if (outcome == SECRET_OK)
        outcome = values_verify(op, member(data, METADATA));
    if (outcome != SECRET_OK)
        return outcome;
    const char *text = member(data, VALUES) ? json_text(op->con.mem, member(data, VALUES), false) : NULL;
    return values_parse(op, text, values);
}

/* How many versions the engine keeps is a setting of the engine, which the reference makes when it starts. A token that
 * may not do that can still keep secrets. */
static void limit_versions(struct values_op *op)
{
    if (op->store->prepared)
        return;
    const char *body =
        arena_printf(op->con.mem, "{\"max_versions\":%lld}", (long long)op->store->settings->max_versions);
    struct fetched f = ask(op, "POST", "config", body);
    const char *problem = call_problem(&op->con, &f);
    if (problem)
        log_warn("the number of versions that Vault keeps could not be set: %s", problem);
    op->store->prepared = true;
}

static enum secret_outcome put(struct values_op *op, struct json_object *values, bool fresh)
{
    struct arena *a = op->con.mem;
    limit_versions(op);
    const char *data =
        VALUES_BODY(a, {.name = VALUES, .object = values}, {.name = METADATA, .object = values_labels(op)});
    const char *body = arena_printf(a, "{\"options\":{%s},\"data\":%s}", fresh ? "\"cas\":0" : "", data);
    struct fetched f = ask_secret(op, "POST", "data", body);
    enum secret_outcome outcome = values_outcome(op, &f);
    return outcome == SECRET_MISSING ? SECRET_FAILED : outcome;
}

static enum secret_outcome remove_values(struct values_op *op)
{
    struct fetched f = ask_secret(op, "DELETE", "metadata", NULL);
    return values_outcome(op, &f);
}

const struct values_kind values_hashicorp = {
    .name = "hashicorp",
    .configure = configure,
    .sign_in = sign_in,
    .get = get,
    .put = put,
    .remove = remove_values,
};
