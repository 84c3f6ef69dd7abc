/* Buckets of S3, and of what speaks its language (MinIO and others). */
#include "artifact/bucket.h"
#include "base/config.h"
#include "base/text.h"
#include "connector/call.h"
#include "connector/credentials.h"
#include "json/model.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#define DEFAULT_REGION "us-east-1"

struct opened {
    struct sigv4_key key; /* its region is where the bucket is believed to be */
    const char *endpoint; /* without a slash at its end; NULL: Amazon's own, by the region */
    const char *style;    /* "path", "virtual"; anything else: as it fits */
};

/* An attribute that is an object; the CLI may have stored it as JSON text. */
static struct json_object *object_setting(const struct bucket *b, const char *name)
{
    struct json_object *v = member(b->config, name);
    const char *text = bucket_setting(b->config, name);
    if (text)
        v = json_tree(b->mem, text, strlen(text));
    return json_object_is_type(v, json_type_object) ? v : NULL;
}

/* What this server may do by itself, where an administrator allows that. */
static const char *own_key(struct bucket *b, const char *region, struct sigv4_key *key)
{
    struct json_object *settings = json_keep(b->mem, json_object_new_object());
    struct connection con;
    if (!config.implicit_auth_methods)
        return "it has no credentials: neither key and secret, nor an authentication secret, nor a service connector";
    json_object_object_add(settings, "region", json_object_new_string(region ? region : DEFAULT_REGION));
    const char *problem = bucket_connect(b, &connector_aws, "implicit", settings, &con);
    return problem ? problem : aws_bucket_key(&con, b->root, key);
}

static const char *find_key(struct bucket *b, const char *region, struct sigv4_key *key)
{
    if (b->connection)
        return aws_bucket_key(b->connection, b->root, key);
    if (b->secret) {
        key->id = bucket_setting(b->secret, "aws_access_key_id");
        key->secret = bucket_setting(b->secret, "aws_secret_access_key");
        key->session = bucket_setting(b->secret, "aws_session_token");
        return key->id && key->secret ? NULL
                                      : "its authentication secret lacks aws_access_key_id or aws_secret_access_key";
    }
    key->id = bucket_setting(b->config, "key");
    key->secret = bucket_setting(b->config, "secret");
    key->session = bucket_setting(b->config, "token");
    return key->id && key->secret ? NULL : own_key(b, region, key);
}

/* What may stand in a host's name and in the scope of a signature. */
static bool is_region(const char *s)
{
    size_t len = 0;
    while (islower((unsigned char)s[len]) || isdigit((unsigned char)s[len]) || s[len] == '-')
        len++;
    return len && !s[len];
}

static const char *open_s3(struct bucket *b)
{
    struct opened *x = arena_alloc(b->mem, sizeof *x);
    struct json_object *client = object_setting(b, "client_kwargs"), *more = object_setting(b, "config_kwargs");
    const char *given = bucket_setting(client, "region_name"), *other = bucket_setting(more, "region_name");
    const char *problem = find_key(b, given ? given : other, &x->key);
    /* in this order: as told, the connector's, as told elsewhere */
    if (given || !x->key.region)
        x->key.region = given ? given : other ? other : DEFAULT_REGION;
    x->key.service = "s3";
    x->endpoint = bucket_setting(client, "endpoint_url");
    x->style = bucket_setting(member(more, "s3"), "addressing_style");
    b->tls.insecure =
        json_object_is_type(member(client, "verify"), json_type_boolean) && !member_bool(client, "verify");
    b->access = x;
    if (!problem && !is_region(x->key.region))
        problem = "its region is none";
    if (!problem && x->endpoint && !starts_with(x->endpoint, "http://") && !starts_with(x->endpoint, "https://"))
        problem = "its endpoint_url is no URL of http or https";
    return problem;
}

/* The URL under which the bucket is, without a slash at its end. With an endpoint of one's own the bucket is in the
 * path unless it is wished in the host; at Amazon's it is in the host unless certificates would not fit. */
static const char *address(const struct bucket *b)
{
    const struct opened *x = b->access;
    const char *own = x->endpoint;
    if (own) {
        size_t len = strlen(own), scheme = (size_t)(strstr(own, "://") + 3 - own);
        while (len > scheme && own[len - 1] == '/')
            len--;
        return streq(x->style, "virtual")
                   ? arena_printf(b->mem, "%.*s%s.%.*s", (int)scheme, own, b->name, (int)(len - scheme), own + scheme)
                   : arena_printf(b->mem, "%.*s/%s", (int)len, own, b->name);
    }
    const char *tail = starts_with(x->key.region, "cn-") ? ".cn" : "";
    const char *host = arena_printf(b->mem, "s3.%s.amazonaws.com%s", x->key.region, tail);
    if (streq(x->style, "path") || strchr(b->name, '.'))
        return arena_printf(b->mem, "%s/%s", call_base(b->mem, host), b->name);
    return call_base(b->mem, arena_printf(b->mem, "%s.%s", b->name, host));
}

/* Signs a call on BUCKET/path?query. */
static void sign(const struct bucket *b, const char *path, const char *query, struct bucket_call *call)
{
    const struct opened *x = b->access;
    const char *base = address(b), *host = strstr(base, "://") + 3;
    size_t len = strcspn(host, "/");
    const struct sigv4_request r = {
        .method = "GET",
        .host = arena_strndup(b->mem, host, len),
        .path = arena_printf(b->mem, "%s/%s", host + len, path),
        .query = query,
        .now = (int64_t)time(NULL),
    };
    const char *const *headers = sigv4_headers(b->mem, &x->key, &r);
    call->url = arena_printf(b->mem, "%s/%s%s%s", base, path, *query ? "?" : "", query);
    for (size_t i = 0; headers[i] && i + 1 < ARRAY_LEN(call->headers); i++)
        call->headers[i] = headers[i];
}

static void object(const struct bucket *b, const char *key, const char *range, struct bucket_call *call)
{
    (void)range;
    sign(b, bucket_escape(b->mem, key, false), "", call);
}

static void list(const struct bucket *b, const char *prefix, const char *page, struct bucket_call *call)
{
    const char *query = page ? query_append(b->mem, "", "continuation-token", page) : "";
    query = query_append(b->mem, query, "delimiter", "/");
    query = query_append(b->mem, query, "list-type", "2");
    sign(b, "", query_append(b->mem, query, "prefix", prefix), call);
}

static const char *listed(const struct bucket *b, const char *body, size_t len, struct pieces *out)
{
    const char *at = body, *contents;
    (void)len;
    while ((contents = xml_next(b->mem, &at, "Contents"))) {
        const char *from = contents, *key = xml_next(b->mem, &from, "Key");
        from = contents;
        const char *size = xml_next(b->mem, &from, "Size");
        int64_t n;
        if (key && size && parse_int64(size, &n) && n >= 0)
            pieces_add(out, key, n);
    }
    at = body;
    return xml_next(b->mem, &at, "NextContinuationToken");
}

/* Amazon tells where a bucket is when it is asked in another region. */
static bool elsewhere(struct bucket *b, const struct fetched *answer)
{
    struct opened *x = b->access;
    const char *region = fetched_header(b->mem, answer, "x-amz-bucket-region");
    bool moved = answer->status == 301 || answer->status == 307 || answer->status == 400;
    if (x->endpoint || !moved || !region || !is_region(region) || streq(region, x->key.region))
        return false;
    x->key.region = region;
    return true;
}

const struct bucket_type bucket_s3 = {
    .flavor = "s3",
    .schemes = {"s3://"},
    .connector = "s3-bucket",
    .open = open_s3,
    .object = object,
    .list = list,
    .listed = listed,
    .elsewhere = elsewhere,
};
