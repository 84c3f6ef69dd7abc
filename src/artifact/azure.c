/* Containers of Azure's storage accounts. */
#include "artifact/bucket.h"
#include "base/config.h"
#include "base/text.h"
#include "connector/call.h"
#include "connector/credentials.h"
#include "json/model.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <time.h>

#define VERSION "2021-08-06"

/* One of key, signature and token. */
struct opened {
    const char *account;
    const char *base;      /* URL of the account, without a slash at its end */
    const char *key;       /* of the account, in base64 */
    const char *signature; /* a shared access signature: the query of a URL */
    const char *token;
};

/* The value of NAME=value; in a connection string; NULL when there is none. */
static const char *part(struct arena *a, const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = text; *at; at += strcspn(at, ";"), at += *at == ';')
        if (strncmp(at, name, len) == 0 && at[len] == '=' && at[len + 1] && at[len + 1] != ';')
            return arena_strndup(a, at + len + 1, strcspn(at + len + 1, ";"));
    return NULL;
}

static void read_connection_string(struct arena *a, const char *text, struct opened *x)
{
    const char *scheme = part(a, text, "DefaultEndpointsProtocol"), *suffix = part(a, text, "EndpointSuffix");
    x->account = part(a, text, "AccountName");
    x->key = part(a, text, "AccountKey");
    x->signature = part(a, text, "SharedAccessSignature");
    x->base = part(a, text, "BlobEndpoint");
    if (!x->base && x->account && suffix)
        x->base = arena_printf(a, "%s://%s.blob.%s", streq(scheme, "http") ? "http" : "https", x->account, suffix);
}

/* Asks for a token, by a method of connectors. */
static const char *get_token(const struct bucket *b, const char *method, struct json_object *settings,
                             const char **token)
{
    struct connection con;
    const char *problem = bucket_connect(b, &connector_azure, method, settings, &con);
    return problem ? problem : azure_storage_token(&con, token);
}

static const char *principal_token(const struct bucket *b, const char **token)
{
    static const char *const names[] = {"client_id", "client_secret", "tenant_id"};
    struct json_object *settings = json_keep(b->mem, json_object_new_object());
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_object_object_add(settings, names[i], json_object_get(member(b->secret, names[i])));
    return get_token(b, "service-principal", settings, token);
}

static const char *read_secret(struct bucket *b, struct opened *x)
{
    const char *text = bucket_setting(b->secret, "connection_string");
    if (text)
        read_connection_string(b->mem, text, x);
    if (!x->account)
        x->account = bucket_setting(b->secret, "account_name");
    if (!x->key)
        x->key = bucket_setting(b->secret, "account_key");
    if (!x->signature)
        x->signature = bucket_setting(b->secret, "sas_token");
    if (!x->key && !x->signature && bucket_setting(b->secret, "client_id"))
        return principal_token(b, &x->token);
    if (!x->key && !x->signature && x->base)
        return "its connection string has neither AccountKey nor SharedAccessSignature"; /* to wherever it says */
    if (!x->key && !x->signature && x->account && config.implicit_auth_methods)
        return get_token(b, "implicit", json_keep(b->mem, json_object_new_object()), &x->token);
    return x->key || x->signature ? NULL
                                  : "its authentication secret has neither connection_string nor account_key, "
                                    "sas_token or client_id";
}

/* What may stand in a host's name. */
static bool is_account(const char *s)
{
    size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return len && !s[len];
}

static const char *open_azure(struct bucket *b)
{
    struct opened *x = arena_alloc(b->mem, sizeof *x);
    const char *problem = "it has no credentials: neither an authentication secret nor a service connector";
    b->access = x;
    if (b->connection) {
        problem = azure_storage_account(b->connection, b->root, &x->account);
        if (!problem)
            problem = azure_storage_token(b->connection, &x->token);
    } else if (b->secret) {
        problem = read_secret(b, x);
    }
    if (problem)
        return problem;
    if (!x->base && (!x->account || !is_account(x->account)))
        return "its credentials name no storage account";
    if (x->key && !x->account)
        return "its connection string has no AccountName";
    if (x->signature && *x->signature == '?')
        x->signature++;
    if (!x->base)
        x->base = call_base(b->mem, arena_printf(b->mem, "%s.blob.core.windows.net", x->account));
    size_t len = strlen(x->base);
    while (len && x->base[len - 1] == '/')
        len--;
    x->base = arena_strndup(b->mem, x->base, len);
    return strstr(x->base, "://") ? NULL : "the BlobEndpoint of its connection string is no URL";
}

/* The header of a request signed with the account's key: what is signed are its Range, its headers x-ms-..., sorted,
 * and the resource, which is the path and `parameters`: "\nname:value" for each, sorted. */
static const char *shared_key(struct arena *a, const struct opened *x, const struct bucket_call *call,
                              const char *range, const char *parameters)
{
    const char *path = strchr(strstr(call->url, "://") + 3, '/'), *canonical = "";
    for (const char *const *h = call->headers; *h; h++) {
        size_t name = strcspn(*h, ":");
        canonical = arena_printf(a, "%s%.*s:%s\n", canonical, (int)name, *h, *h + name + 2);
    }
    const char *text = arena_printf(a, "GET\n\n\n\n\n\n\n\n\n\n\n%s\n%s/%s%.*s%s", range ? range : "", canonical,
                                    x->account, (int)strcspn(path, "?"), path, parameters);
    size_t len = 0;
    const char *key = base64_decode(a, x->key, strlen(x->key), &len);
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(EVP_sha256(), key ? key : "", (int)len, (const unsigned char *)text, strlen(text), sum, &size);
    return arena_printf(a, "Authorization: SharedKey %s:%s", x->account, base64_encode(a, sum, size));
}

/* Adds what opens the container. `parameters` are those of the URL as they are signed. */
static void authorize(const struct bucket *b, const char *range, const char *parameters, struct bucket_call *call)
{
    const struct opened *x = b->access;
    time_t now = time(NULL);
    struct tm tm;
    char date[40];
    size_t n = 0;
    gmtime_r(&now, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    call->headers[n++] = arena_printf(b->mem, "x-ms-date: %s", date);
    call->headers[n++] = "x-ms-version: " VERSION;
    if (x->token)
        call->headers[n] = arena_printf(b->mem, "Authorization: Bearer %s", x->token);
    else if (x->key)
        call->headers[n] = shared_key(b->mem, x, call, range, parameters);
    else
        call->url = arena_printf(b->mem, "%s%c%s", call->url, strchr(call->url, '?') ? '&' : '?', x->signature);
}

static void object(const struct bucket *b, const char *key, const char *range, struct bucket_call *call)
{
    const struct opened *x = b->access;
    call->url = arena_printf(b->mem, "%s/%s/%s", x->base, b->name, bucket_escape(b->mem, key, false));
    authorize(b, range, "", call);
}

static void list(const struct bucket *b, const char *prefix, const char *page, struct bucket_call *call)
{
    const struct opened *x = b->access;
    const char *url = arena_printf(b->mem, "%s/%s?comp=list&delimiter=%%2F", x->base, b->name), *marker = "";
    if (page) {
        url = query_append(b->mem, url, "marker", page);
        marker = arena_printf(b->mem, "\nmarker:%s", page);
    }
    url = query_append(b->mem, url, "prefix", prefix);
    call->url = arena_printf(b->mem, "%s&restype=container", url);
    authorize(b, NULL, arena_printf(b->mem, "\ncomp:list\ndelimiter:/%s\nprefix:%s\nrestype:container", marker, prefix),
              call);
}

static const char *listed(const struct bucket *b, const char *body, size_t len, struct pieces *out)
{
    const char *at = body, *blob;
    (void)len;
    while ((blob = xml_next(b->mem, &at, "Blob"))) {
        const char *from = blob, *name = xml_next(b->mem, &from, "Name");
        from = blob;
        const char *size = xml_next(b->mem, &from, "Content-Length");
        int64_t n;
        if (name && size && parse_int64(size, &n) && n >= 0)
            pieces_add(out, name, n);
    }
    const char *next = xml_next(b->mem, &at, "NextMarker");
    return next && *next ? next : NULL;
}

const struct bucket_type bucket_azure = {
    .flavor = "azure",
    .schemes = {"az://", "abfs://"},
    .connector = "blob-container",
    .open = open_azure,
    .object = object,
    .list = list,
    .listed = listed,
};
