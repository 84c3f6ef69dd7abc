/* Buckets of Google Cloud Storage, by its JSON API. */
#include "artifact/bucket.h"
#include "base/config.h"
#include "base/text.h"
#include "connector/call.h"
#include "connector/credentials.h"
#include "json/model.h"

#include <string.h>

#define HOST "storage.googleapis.com"

/* The method of a connector that takes such a credentials file, and the attribute in which. */
static const struct {
    const char *type, *method, *attribute;
} FILES[] = {
    {"service_account", "service-account", "service_account_json"},
    {"authorized_user", "user-account", "user_account_json"},
    {"external_account", "external-account", "external_account_json"},
};

/* Opens a connection of the bucket's own. */
static const char *open_own(struct bucket *b, const char *method, const char *attribute, const char *file,
                            struct connection *con)
{
    struct json_object *settings = json_keep(b->mem, json_object_new_object());
    if (file)
        json_object_object_add(settings, attribute, json_object_new_string(file));
    if (!streq(method, "service-account")) /* whose file names the project itself */
        json_object_object_add(settings, "project_id", json_object_new_string("-"));
    return bucket_connect(b, &connector_gcp, method, settings, con);
}

/* The token of the authentication secret is a credentials file of Google. */
static const char *open_secret(struct bucket *b, struct connection *con)
{
    const char *file = bucket_setting(b->secret, "token");
    struct json_object *o = file ? json_tree(b->mem, file, strlen(file)) : NULL;
    const char *type = bucket_setting(o, "type");
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++)
        if (streq(type, FILES[i].type))
            return open_own(b, FILES[i].method, FILES[i].attribute, file, con);
    return "its authentication secret has no token that is a credentials file of Google (JSON)";
}

/* Without any credentials, what everybody may read can be read. */
static const char *open_gcs(struct bucket *b)
{
    struct connection own = {0}, *con = b->connection ? b->connection : &own;
    const char *token = NULL, *problem = NULL;
    if (b->secret && !b->connection)
        problem = open_secret(b, &own);
    else if (config.implicit_auth_methods && !b->connection)
        problem = open_own(b, "implicit", NULL, NULL, &own);
    else if (!b->connection)
        return NULL;
    if (!problem)
        problem = gcp_token(con, &token, NULL);
    b->access = (void *)(uintptr_t)token;
    return problem;
}

static void authorize(const struct bucket *b, struct bucket_call *call)
{
    if (b->access)
        call->headers[0] = arena_printf(b->mem, "Authorization: Bearer %s", (const char *)b->access);
}

static void object(const struct bucket *b, const char *key, const char *range, struct bucket_call *call)
{
    (void)range;
    call->url = arena_printf(b->mem, "%s/storage/v1/b/%s/o/%s?alt=media", call_base(b->mem, HOST), b->name,
                             bucket_escape(b->mem, key, true));
    authorize(b, call);
}

static void list(const struct bucket *b, const char *prefix, const char *page, struct bucket_call *call)
{
    const char *url = arena_printf(b->mem, "%s/storage/v1/b/%s/o?", call_base(b->mem, HOST), b->name);
    url = query_append(b->mem, url, "prefix", prefix);
    url = query_append(b->mem, url, "delimiter", "/");
    url = query_append(b->mem, url, "fields", "items(name,size),nextPageToken");
    call->url = page ? query_append(b->mem, url, "pageToken", page) : url;
    authorize(b, call);
}

static const char *listed(const struct bucket *b, const char *body, size_t len, struct pieces *out)
{
    struct json_object *o = json_tree(b->mem, body, len), *items = member(o, "items");
    size_t count = json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(items, i), *size = member(item, "size");
        const char *name = bucket_setting(item, "name");
        int64_t n = json_object_get_int64(size); /* a number in a text */
        if (name && size && n >= 0)
            pieces_add(out, name, n);
    }
    return bucket_setting(o, "nextPageToken");
}

const struct bucket_type bucket_gcs = {
    .flavor = "gcp",
    .schemes = {"gs://"},
    .connector = "gcs-bucket",
    .open = open_gcs,
    .object = object,
    .list = list,
    .listed = listed,
};
