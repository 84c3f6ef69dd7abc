/* AWS Secrets Manager (docs/contract/secrets-stores.md#aws). */
#include "base/text.h"
#include "base/uuid.h"
#include "connector/credentials.h"
#include "connector/types.h"
#include "secrets/values.h"
#include "json/model.h"

#include <string.h>

#define SERVICE "secretsmanager"

static const char *configure(struct arena *a, struct secrets_store *s)
{
    const struct secrets_config *c = s->settings;
    if (!c->region_name)
        return NULL;
    bool key = c->aws_access_key_id && c->aws_secret_access_key;
    s->auth_method = key ? "secret-key" : "implicit";
    s->auth_config = json_keep(a, json_object_new_object());
    json_object_object_add(s->auth_config, "region", json_object_new_string(c->region_name));
    if (key) {
        json_object_object_add(s->auth_config, "aws_access_key_id", json_object_new_string(c->aws_access_key_id));
        json_object_object_add(s->auth_config, "aws_secret_access_key",
                               json_object_new_string(c->aws_secret_access_key));
    }
    return NULL;
}

static const char *sign_in(struct secrets_store *s)
{
    return aws_sign_in(&s->con, &s->expires_at);
}

/* What an error is about, by its name. */
static enum secret_outcome ask(struct values_op *op, const char *action, const char *body, struct json_object **out)
{
    struct fetched f = aws_json(&op->con, SERVICE, action, body);
    enum secret_outcome outcome = values_outcome(op, &f);
    struct json_object *o = json_tree(op->con.mem, f.body, f.len);
    const char *type = member_str(o, "__type"), *text = member_str(o, "message");
    text = text ? text : member_str(o, "Message");
    *out = o;
    if (outcome == SECRET_OK || !type)
        return outcome;
    op->unauthorized = op->unauthorized || strstr(type, "ExpiredToken") || strstr(type, "UnrecognizedClient") ||
                       strstr(type, "InvalidSignature");
    bool leaving = strstr(type, "InvalidRequestException") && text &&
                   (strstr(text, "marked for deletion") || strstr(text, "marked deleted"));
    return leaving || strstr(type, "ResourceNotFoundException") ? SECRET_MISSING : SECRET_FAILED;
}

static const char *name_of(const struct values_op *op)
{
    return arena_printf(op->con.mem, "zenml/%s", op->id);
}

/* The labels as AWS has them: a list of keys and values. */
static struct json_object *tags(struct values_op *op)
{
    struct json_object *list = json_keep(op->con.mem, json_object_new_array());
    json_object_object_foreach(values_labels(op), key, value)
    {
        struct json_object *tag = json_object_new_object();
        json_object_object_add(tag, "Key", json_object_new_string(key));
        json_object_object_add(tag, "Value", json_object_get(value));
        json_object_array_add(list, tag);
    }
    return list;
}

static struct json_object *labels_of(struct values_op *op, struct json_object *described)
{
    struct json_object *list = member(described, "Tags"), *out = json_keep(op->con.mem, json_object_new_object());
    for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
        struct json_object *tag = json_object_array_get_idx(list, i);
        const char *key = member_str(tag, "Key"), *value = member_str(tag, "Value");
        if (key && value)
            json_object_object_add(out, key, json_object_new_string(value));
    }
    return out;
}

static enum secret_outcome get(struct values_op *op, struct json_object **values)
{
    struct json_object *value, *described;
    const char *body = VALUES_BODY(op->con.mem, {.name = "SecretId", .text = name_of(op)});
    enum secret_outcome outcome = ask(op, "GetSecretValue", body, &value);
    if (outcome == SECRET_OK)
        outcome = ask(op, "DescribeSecret", body, &described); /* GetSecretValue tells no tags */
    if (outcome == SECRET_OK)
        outcome = values_verify(op, labels_of(op, described));
    return outcome == SECRET_OK ? values_parse(op, member_str(value, "SecretString"), values) : outcome;
}

static const char *new_token(struct arena *a)
{
    char hex[UUID_HEX + 1];
    uuid_new(hex);
    return uuid_dashed(a, hex);
}

static enum secret_outcome create(struct values_op *op, const char *text)
{
    struct json_object *o;
    return ask(op, "CreateSecret",
               VALUES_BODY(op->con.mem, {.name = "Name", .text = name_of(op)},
                           {.name = "ClientRequestToken", .text = new_token(op->con.mem)},
                           {.name = "SecretString", .text = text}, {.name = "Tags", .object = tags(op)}),
               &o);
}

static enum secret_outcome update(struct values_op *op, const char *text)
{
    struct json_object *o;
    enum secret_outcome outcome = ask(op, "PutSecretValue",
                                      VALUES_BODY(op->con.mem, {.name = "SecretId", .text = name_of(op)},
                                                  {.name = "ClientRequestToken", .text = new_token(op->con.mem)},
                                                  {.name = "SecretString", .text = text}),
                                      &o);
    if (outcome != SECRET_OK)
        return outcome;
    return ask(
        op, "TagResource",
        VALUES_BODY(op->con.mem, {.name = "SecretId", .text = name_of(op)}, {.name = "Tags", .object = tags(op)}), &o);
}

static enum secret_outcome put(struct values_op *op, struct json_object *values, bool fresh)
{
    const char *text = json_text(op->con.mem, values, true);
    enum secret_outcome outcome = fresh ? SECRET_MISSING : update(op, text);
    if (outcome == SECRET_MISSING)
        outcome = create(op, text);
    return outcome == SECRET_MISSING ? SECRET_FAILED : outcome;
}

/* At once: by default AWS keeps what has been deleted for a month, and its name with it. */
static enum secret_outcome remove_values(struct values_op *op)
{
    struct json_object *o, *now = json_keep(op->con.mem, json_object_new_boolean(true));
    return ask(op, "DeleteSecret",
               VALUES_BODY(op->con.mem, {.name = "SecretId", .text = name_of(op)},
                           {.name = "ForceDeleteWithoutRecovery", .object = now}),
               &o);
}

const struct values_kind values_aws = {
    .name = "aws",
    .type = &connector_aws,
    .configure = configure,
    .sign_in = sign_in,
    .get = get,
    .put = put,
    .remove = remove_values,
};
