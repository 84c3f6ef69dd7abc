/* Google Cloud Secret Manager (docs/contract/secrets-stores.md#gcp). */
#include "base/file.h"
#include "base/text.h"
#include "connector/call.h"
#include "connector/credentials.h"
#include "connector/types.h"
#include "secrets/values.h"

#include <string.h>

#define HOST "secretmanager.googleapis.com"

enum { KEY_FILE_MAX = 64 * 1024 };

static const char *configure(struct arena *a, struct secrets_store *s)
{
    const char *id = s->settings->project_id, *file = config.google_credentials;
    if (!id)
        return NULL;
    s->auth_method = file ? "service-account" : "implicit";
    s->auth_config = json_keep(a, json_object_new_object());
    json_object_object_add(s->auth_config, "project_id", json_object_new_string(id));
    if (!file)
        return NULL;
    const char *problem = NULL, *key = file_text(a, file, KEY_FILE_MAX, &problem);
    if (!key)
        return arena_printf(a, "GOOGLE_APPLICATION_CREDENTIALS: %s", problem);
    json_object_object_add(s->auth_config, "service_account_json", json_object_new_string(key));
    return NULL;
}

static const char *sign_in(struct secrets_store *s)
{
    return gcp_token(&s->con, &s->token, &s->expires_at);
}

static const char *project(const struct values_op *op)
{
    return member_str(op->store->auth_config, "project_id");
}

static const char *name_of(const struct values_op *op)
{
    return arena_printf(op->con.mem, "zenml-%s", op->id);
}

/* `tail` is what follows the project's secrets: "/NAME...", or a query. */
static enum secret_outcome ask(struct values_op *op, const char *method, const char *tail, const char *body,
                               struct json_object **out)
{
    struct arena *a = op->con.mem;
    const char *escaped = percent_encode(a, project(op));
    const struct call c = {
        .method = method,
        .url = arena_printf(a, "%s/v1/projects/%s/secrets%s", call_base(a, HOST), escaped, tail),
        .headers = call_bearer(a, op->store->token, "Content-Type: application/json"),
        .body = body,
    };
    struct fetched f = call_send(&op->con, &c);
    *out = json_tree(a, f.body, f.len);
    return values_outcome(op, &f);
}

static enum secret_outcome get(struct values_op *op, struct json_object **values)
{
    struct arena *a = op->con.mem;
    struct json_object *secret, *version;
    enum secret_outcome outcome = ask(op, "GET", arena_printf(a, "/%s", name_of(op)), NULL, &secret);
    if (outcome == SECRET_OK)
        outcome = ask(op, "GET", arena_printf(a, "/%s/versions/latest:access", name_of(op)), NULL, &version);
    if (outcome == SECRET_OK)
        outcome = values_verify(op, member(secret, "labels"));
    if (outcome != SECRET_OK)
        return outcome;
    const char *data = member_str(member(version, "payload"), "data");
    return values_parse(op, data ? base64_any(a, data) : NULL, values);
}

static enum secret_outcome add_version(struct values_op *op, struct json_object *values)
{
    struct arena *a = op->con.mem;
    struct json_object *o;
    const char *text = json_text(a, values, true);
    const char *body = arena_printf(a, "{\"payload\":{\"data\":\"%s\"}}", base64_encode(a, text, strlen(text)));
    return ask(op, "POST", arena_printf(a, "/%s:addVersion", name_of(op)), body, &o);
}

static enum secret_outcome remove_values(struct values_op *op)
{
    struct json_object *o;
    return ask(op, "DELETE", arena_printf(op->con.mem, "/%s", name_of(op)), NULL, &o);
}

static enum secret_outcome create(struct values_op *op, struct json_object *values)
{
    struct arena *a = op->con.mem;
    struct json_object *o;
    const char *body =
        arena_printf(a, "{\"replication\":{\"automatic\":{}},\"labels\":%s}", json_text(a, values_labels(op), false));
    enum secret_outcome outcome = ask(op, "POST", arena_printf(a, "?secretId=%s", name_of(op)), body, &o);
    if (outcome != SECRET_OK)
        return outcome;
    outcome = add_version(op, values);
    if (outcome == SECRET_OK)
        return SECRET_OK;
    const char *problem = op->problem;
    remove_values(op); /* without a version it holds nothing */
    op->problem = problem;
    return outcome;
}

static enum secret_outcome update(struct values_op *op, struct json_object *values)
{
    struct arena *a = op->con.mem;
    struct json_object *o;
    const char *body = arena_printf(a, "{\"labels\":%s}", json_text(a, values_labels(op), false));
    enum secret_outcome outcome = ask(op, "PATCH", arena_printf(a, "/%s?updateMask=labels", name_of(op)), body, &o);
    return outcome == SECRET_OK ? add_version(op, values) : outcome;
}

static enum secret_outcome put(struct values_op *op, struct json_object *values, bool fresh)
{
    enum secret_outcome outcome = fresh ? SECRET_MISSING : update(op, values);
    if (outcome == SECRET_MISSING)
        outcome = create(op, values);
    return outcome == SECRET_MISSING ? SECRET_FAILED : outcome;
}

const struct values_kind values_gcp = {
    .name = "gcp",
    .type = &connector_gcp,
    .needs = "project_id",
    .configure = configure,
    .sign_in = sign_in,
    .get = get,
    .put = put,
    .remove = remove_values,
};
