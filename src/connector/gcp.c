/* Google Cloud: GCS buckets, GKE clusters, Artifact Registry (docs/contract/connectors.md#gcp). */
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "connector/credentials.h"
#include "connector/machine.h"
#include "connector/provider.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SCOPE    "https://www.googleapis.com/auth/cloud-platform"
#define JSON     "Content-Type: application/json"
#define AWS_KIND "urn:ietf:params:aws:token-type:aws4_request"

enum { TOKEN_SECONDS = 3600, SUBJECT_MAX = 64 * 1024 };

/* Configuration --------------------------------------------------------------------------------------------------- */

/* The three kinds of key files. */
static const struct key_file {
    const char *attribute, *type;
    const char *members[10];
} KEY_FILES[] = {
    {"user_account_json", "authorized_user", {"refresh_token", "client_secret", "client_id"}},
    {"service_account_json",
     "service_account",
     {"project_id", "private_key_id", "private_key", "client_email", "client_id", "auth_uri", "token_uri",
      "auth_provider_x509_cert_url", "client_x509_cert_url"}},
    {"external_account_json", "external_account", {"subject_token_type", "token_url"}},
};

/* The key file of a connection, which check() has seen; NULL when its method has none. */
static struct json_object *key_file(const struct connection *con)
{
    for (size_t i = 0; i < ARRAY_LEN(KEY_FILES); i++) {
        const char *text = member_str(con->config, KEY_FILES[i].attribute);
        if (text)
            return json_tree(con->mem, text, strlen(text));
    }
    return NULL;
}

static const char *check_file(struct connection *con, const struct key_file *k, struct json_object *given)
{
    const char *text = json_object_get_string(given);
    bool packed = text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")] == '\0';
    if (packed && *text)
        text = base64_any(con->mem, text);
    struct json_object *o = text ? json_tree(con->mem, text, strlen(text)) : NULL;
    if (!json_object_is_type(o, json_type_object))
        return arena_printf(con->mem, "the attribute '%s' is neither a JSON object nor the base64 of one",
                            k->attribute);
    if (!streq(member_str(o, "type"), k->type))
        return arena_printf(con->mem, "the type of '%s' is not '%s'", k->attribute, k->type);
    for (size_t i = 0; i < ARRAY_LEN(k->members) && k->members[i]; i++)
        if (!json_object_is_type(member(o, k->members[i]), json_type_string))
            return arena_printf(con->mem, "'%s' lacks the member '%s'", k->attribute, k->members[i]);
    json_object_object_add(con->config, k->attribute, json_object_new_string(text));
    return NULL;
}

static const char *check(struct connection *con)
{
    for (size_t i = 0; i < ARRAY_LEN(KEY_FILES); i++) {
        struct json_object *given = member(con->config, KEY_FILES[i].attribute);
        const char *problem = given ? check_file(con, &KEY_FILES[i], given) : NULL;
        if (problem)
            return problem;
    }
    return NULL;
}

static const char *project(const struct connection *con)
{
    const char *configured = member_str(con->config, "project_id");
    return configured ? configured : member_str(key_file(con), "project_id");
}

/* Names ----------------------------------------------------------------------------------------------------------- */

static const char *bucket_of(struct arena *a, const char *id)
{
    const char *name = starts_with(id, "gs://") ? id + 5 : id;
    size_t len = span_name(name, false, "_-");
    if (len < 3 || len > 63 || strchr("_-", name[0]) || strchr("_-", name[len - 1]) ||
        (name[len] && (name[len] != '/' || name == id)))
        return NULL;
    return arena_strndup(a, name, len);
}

/* A repository of Artifact Registry, or a project's part of the older registry, which has no location. */
struct repository {
    const char *location, *project, *name;
    const char *old; /* host and project of the older registry */
};

/* Takes a word of a path: what is before `end`. */
static const char *take(struct arena *a, const char **at, const char *end, const char *more)
{
    size_t len = span_name(*at, false, more);
    if (!len || strncmp(*at + len, end, strlen(end)) != 0)
        return NULL;
    const char *word = arena_strndup(a, *at, len);
    *at += len + strlen(end);
    return word;
}

static bool read_resource_name(struct arena *a, const char *at, struct repository *out)
{
    if (!starts_with(at, "projects/"))
        return false;
    at += strlen("projects/");
    return (out->project = take(a, &at, "/locations/", "-")) && (out->location = take(a, &at, "/repositories/", "-")) &&
           (out->name = take(a, &at, "", "-.")) && !*at;
}

static bool read_address(struct arena *a, const char *at, struct repository *out)
{
    static const char tail[] = "-docker.pkg.dev/";
    const char *found = strstr(at, tail), *rest;
    if (!found || found == at || span_name(at, false, "-") < (size_t)(found - at))
        return false;
    out->location = arena_strndup(a, at, (size_t)(found - at));
    rest = found + strlen(tail);
    return (out->project = take(a, &rest, "/", "-")) && (out->name = take(a, &rest, "", "-.")) &&
           (!*rest || (*rest == '/' && rest[1]));
}

static bool read_old_address(struct arena *a, const char *at, struct repository *out)
{
    static const char *const hosts[] = {"gcr.io/", "us.gcr.io/", "eu.gcr.io/", "asia.gcr.io/"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        size_t len = starts_with(at, hosts[i]) ? span_name(at + strlen(hosts[i]), false, "-") : 0;
        const char *rest = at + strlen(hosts[i]) + len;
        if (!len || (*rest && (*rest != '/' || !rest[1])))
            continue;
        out->old = arena_strndup(a, at, (size_t)(rest - at));
        return true;
    }
    return false;
}

static bool read_repository(const struct connection *con, const char *id, struct repository *out)
{
    const char *at = starts_with(id, "https://") ? id + 8 : id;
    *out = (struct repository){0};
    if (read_old_address(con->mem, at, out))
        return true;
    return (read_resource_name(con->mem, id, out) || read_address(con->mem, at, out)) &&
           streq(out->project, project(con));
}

static const char *repository_address(struct arena *a, const struct repository *r)
{
    return r->old ? r->old : arena_printf(a, "%s-docker.pkg.dev/%s/%s", r->location, r->project, r->name);
}

static const char *canonical_id(struct connection *con, const struct connector_resource *r, const char *id)
{
    struct repository found;
    if (is_resource(r, "gcs-bucket")) {
        const char *bucket = bucket_of(con->mem, id);
        return bucket ? arena_printf(con->mem, "gs://%s", bucket) : NULL;
    }
    if (is_resource(r, "docker-registry"))
        return read_repository(con, id, &found) ? repository_address(con->mem, &found) : NULL;
    if (is_resource(r, "kubernetes-cluster"))
        return *id && !strchr("_-", *id) && !id[span_name(id, false, "_-")] ? id : NULL;
    return id;
}

static const char *default_id(struct connection *con, const struct connector_resource *r, const char **refusal)
{
    (void)r;
    (void)refusal;
    return project(con);
}

/* Tokens ---------------------------------------------------------------------------------------------------------- */

struct session {
    const char *token;
    int64_t expires_at; /* 0: not known */
    const char *email;  /* of the service account; NULL: not one, or not known */
};

/* Asks a token server of a key file. */
static const char *ask_server(struct connection *con, const char *url, const char *form, struct session *s)
{
    static const char *const headers[] = {FORM_TYPE, NULL};
    const struct call c = {.method = "POST", .url = call_url(con->mem, url), .headers = headers, .body = form};
    const char *problem = ask_token(con, &c, &s->token, &s->expires_at);
    if (!problem && !s->expires_at)
        s->expires_at = seconds_from_now(TOKEN_SECONDS);
    return problem;
}

static const char *user_token(struct connection *con, struct json_object *key, struct session *s)
{
    const char *form = form_add(con->mem, "", "grant_type", "refresh_token");
    form = form_add(con->mem, form, "client_id", member_str(key, "client_id"));
    form = form_add(con->mem, form, "client_secret", member_str(key, "client_secret"));
    form = form_add(con->mem, form, "refresh_token", member_str(key, "refresh_token"));
    form = form_add(con->mem, form, "scope", SCOPE);
    return ask_server(con, "https://oauth2.googleapis.com/token", form, s);
}

/* What a service account claims with its own key; NULL when that is none. */
static const char *assertion(struct arena *a, struct json_object *key)
{
    const char *pem = member_str(key, "private_key"), *audience = member_str(key, "token_uri");
    long now = (long)time(NULL);
    jwt_t *jwt = NULL;
    if (jwt_new(&jwt) != 0)
        return NULL;
    jwt_add_grant(jwt, "iss", member_str(key, "client_email"));
    jwt_add_grant(jwt, "aud", audience);
    jwt_add_grant(jwt, "scope", SCOPE);
    jwt_add_grant_int(jwt, "iat", now);
    jwt_add_grant_int(jwt, "exp", now + TOKEN_SECONDS);
    jwt_add_header(jwt, "kid", member_str(key, "private_key_id"));
    bool good = jwt_set_alg(jwt, JWT_ALG_RS256, (const unsigned char *)pem, (int)strlen(pem)) == 0;
    char *text = good ? jwt_encode_str(jwt) : NULL;
    const char *out = arena_strdup(a, text);
    free(text);
    jwt_free(jwt);
    return out;
}

static const char *service_token(struct connection *con, struct json_object *key, struct session *s)
{
    const char *claim = assertion(con->mem, key);
    s->email = member_str(key, "client_email");
    if (!claim)
        return "the private key of the service account is not an RSA key in PEM";
    const char *form = form_add(con->mem, "", "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    return ask_server(con, member_str(key, "token_uri"), form_add(con->mem, form, "assertion", claim), s);
}

/* Exchanges the session for one of another service account, which it must be allowed to act as. */
static const char *impersonate(struct connection *con, const char *url, int64_t seconds, struct session *s)
{
    char stamp[STAMP_LEN + 1];
    struct json_object *o;
    const struct call c = {
        .method = "POST",
        .url = call_url(con->mem, url),
        .headers = call_bearer(con->mem, s->token, JSON),
        .body = arena_printf(con->mem, "{\"delegates\":null,\"scope\":[\"" SCOPE "\"],\"lifetime\":\"%llds\"}",
                             (long long)seconds),
    };
    const char *problem = call_json(con, &c, &o), *expires;
    if (problem)
        return problem;
    s->token = member_str(o, "accessToken");
    expires = member_str(o, "expireTime");
    s->expires_at = expires && stamp_parse(expires, strlen(expires), stamp) ? stamp_seconds(stamp) : 0;
    return s->token && s->expires_at ? NULL : "the answer holds no token";
}

static const char *impersonated_token(struct connection *con, struct json_object *key, struct session *s)
{
    const char *principal = member_str(con->config, "target_principal");
    const char *problem = service_token(con, key, s);
    if (problem)
        return problem;
    s->email = principal;
    return impersonate(con,
                       arena_printf(con->mem,
                                    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
                                    "%s:generateAccessToken",
                                    percent_encode(con->mem, principal)),
                       con->expiration, s);
}

/* What an external account proves itself with ------------------------------------------------------------------- */

/* Tokens that the platform has put there for this server; no other file is read, since what is in it leaves. */
static const char *subject_from_file(struct connection *con, const char *path, const char **out)
{
    static const char room[] = "/var/run/secrets/";
    const char *problem = NULL;
    if (!starts_with(path, room) || strstr(path, ".."))
        return "files of external accounts are read below /var/run/secrets/ only";
    *out = file_text(con->mem, path, SUBJECT_MAX, &problem);
    return *out ? NULL : arena_printf(con->mem, "the file of the external account cannot be read: %s", problem);
}

static const char *subject_from_url(struct connection *con, struct json_object *source, const char **out)
{
    struct json_object *headers = member(source, "headers");
    size_t count = json_object_is_type(headers, json_type_object) ? (size_t)json_object_object_length(headers) : 0;
    const char **lines = arena_array(con->mem, count + 1, sizeof *lines);
    size_t n = 0;
    if (count) {
        json_object_object_foreach(headers, name, value) lines[n++] =
            arena_printf(con->mem, "%s: %s", name, json_object_get_string(value));
    }
    const struct call c = {.method = "GET", .url = call_url(con->mem, member_str(source, "url")), .headers = lines};
    struct fetched got = call_send(con, &c);
    *out = got.body;
    return call_problem(con, &got);
}

static void add_pair(struct json_object *list, const char *line)
{
    struct json_object *o = json_object_new_object();
    size_t name = strcspn(line, ":");
    json_object_object_add(o, "key", json_object_new_string_len(line, (int)name));
    json_object_object_add(o, "value", json_object_new_string(line + name + 1 + strspn(line + name + 1, " ")));
    json_object_array_add(list, o);
}

/* Where AWS is asked who this server is: as the key file says, with the region in the place of {region}. */
static const char *verification_url(struct arena *a, struct json_object *key, const char *region)
{
    static const char hole[] = "{region}";
    const char *url = member_str(member(key, "credential_source"), "regional_cred_verification_url");
    const char *found = url ? strstr(url, hole) : NULL;
    if (!url)
        return arena_printf(a, "https://sts.%s.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15", region);
    return found ? arena_printf(a, "%.*s%s%s", (int)(found - url), url, region, found + strlen(hole)) : url;
}

/* A signed call on AWS, which Google makes to learn who this server is there. */
static const char *subject_from_aws(struct connection *con, struct json_object *key, const char **out)
{
    struct sigv4_key own;
    const char *region, *problem = machine_aws_region(con, &region);
    if (!problem)
        problem = machine_aws_key(con, region, &own);
    if (problem)
        return problem;
    own.region = region;
    own.service = "sts";
    const char *audience = member_str(key, "audience"), *url = verification_url(con->mem, key, region);
    const char *host = strstr(url, "://"), *query = strchr(url, '?');
    if (!host || !query)
        return "the regional_cred_verification_url of the external account is malformed";
    const char *const target[] = {arena_printf(con->mem, "x-goog-cloud-target-resource: %s", audience ? audience : ""),
                                  NULL};
    const struct sigv4_request r = {.method = "POST",
                                    .host = arena_strndup(con->mem, host + 3, strcspn(host + 3, "/?")),
                                    .path = "/",
                                    .query = query + 1,
                                    .headers = target,
                                    .now = (int64_t)time(NULL)};
    struct json_object *o = json_keep(con->mem, json_object_new_object()), *list = json_object_new_array();
    for (const char *const *h = sigv4_headers(con->mem, &own, &r); *h; h++)
        add_pair(list, *h);
    set_text(o, "url", url);
    set_text(o, "method", r.method);
    json_object_object_add(o, "headers", list);
    *out = percent_encode(con->mem, json_text(con->mem, o, false));
    return NULL;
}

static const char *subject(struct connection *con, struct json_object *key, const char **out)
{
    struct json_object *source = member(key, "credential_source"), *format = member(source, "format");
    const char *path = member_str(source, "file"), *problem;
    if (streq(member_str(key, "subject_token_type"), AWS_KIND))
        return subject_from_aws(con, key, out);
    if (path)
        problem = subject_from_file(con, path, out);
    else if (member_str(source, "url"))
        problem = subject_from_url(con, source, out);
    else
        return "the credential_source of the external account has neither a file nor a url";
    if (!problem && *out && streq(member_str(format, "type"), "json")) {
        const char *name = member_str(format, "subject_token_field_name");
        *out = member_str(json_tree(con->mem, *out, strlen(*out)), name ? name : "");
    }
    return problem || *out ? problem : "the source of the external account holds no token";
}

static const char *external_token(struct connection *con, struct json_object *key, struct session *s)
{
    const char *token, *as = member_str(key, "service_account_impersonation_url");
    const char *problem = subject(con, key, &token);
    if (problem)
        return problem;
    const char *form = form_add(con->mem, "", "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    form = form_add(con->mem, form, "audience", member_str(key, "audience"));
    form = form_add(con->mem, form, "scope", SCOPE);
    form = form_add(con->mem, form, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token");
    form = form_add(con->mem, form, "subject_token", token);
    form = form_add(con->mem, form, "subject_token_type", member_str(key, "subject_token_type"));
    problem = ask_server(con, member_str(key, "token_url"), form, s);
    return problem || !as ? problem : impersonate(con, as, TOKEN_SECONDS, s);
}

/* How a token is come by with a key file: by the method's name, or by the type in the file. */
static const struct way {
    const char *method, *type;
    const char *(*get)(struct connection *con, struct json_object *key, struct session *s);
} WAYS[] = {{"user-account", "authorized_user", user_token},
            {"service-account", "service_account", service_token},
            {"external-account", "external_account", external_token},
            {"impersonation", NULL, impersonated_token}};

/* The key file that the machine's environment names, or else the service account of the machine. */
static const char *own_token(struct connection *con, struct session *s)
{
    struct json_object *key;
    const char *problem = machine_google_key(con, &key);
    if (problem)
        return problem;
    if (!key)
        return machine_google_token(con, &s->token, &s->expires_at);
    for (size_t i = 0; i < ARRAY_LEN(WAYS); i++)
        if (WAYS[i].type && streq(WAYS[i].type, member_str(key, "type")))
            return WAYS[i].get(con, key, s);
    return "the file in GOOGLE_APPLICATION_CREDENTIALS is of a type that is not known";
}

static const char *authenticate(struct connection *con, struct session *s)
{
    const char *method = con->method->name, *problem = con->method->implicit ? connection_implicit(con) : NULL;
    if (problem)
        return problem;
    s->token = member_str(con->config, "token");
    s->expires_at = con->expires_at;
    s->email = member_str(con->config, "service_account_email");
    if (streq(method, "implicit"))
        problem = own_token(con, s);
    for (size_t i = 0; i < ARRAY_LEN(WAYS) && !problem; i++)
        if (streq(WAYS[i].method, method))
            problem = WAYS[i].get(con, key_file(con), s);
    return problem ? arena_printf(con->mem, "could not fetch a GCP OAuth2 token: %s", problem) : NULL;
}

/* One token serves all resources. */
static const char *open_session(struct connection *con, struct session **out)
{
    const char *problem = NULL;
    if (!con->state) {
        struct session *s = arena_alloc(con->mem, sizeof *s);
        problem = authenticate(con, s);
        if (!problem)
            con->state = s;
    }
    *out = con->state;
    return problem;
}

/* Verifying ------------------------------------------------------------------------------------------------------ */

static const char *ask(struct connection *con, const struct session *s, const char *host, const char *path,
                       struct json_object **out)
{
    const struct call c = {
        .method = "GET",
        .url = arena_printf(con->mem, "%s%s", call_base(con->mem, host), path),
        .headers = call_bearer(con->mem, s->token, NULL),
    };
    return call_json(con, &c, out);
}

/* Calls `each` with the items of a list, page by page. `path` ends where parameters are added. */
static const char *each_item(struct connection *con, const struct session *s, const char *host, const char *path,
                             const char *items, void (*each)(void *to, struct json_object *item), void *to)
{
    const char *token = NULL;
    for (int page = 0; page < PAGES_MAX; page++) {
        struct json_object *o;
        const char *with = token
                               ? query_append(con->mem, strchr(path, '?') ? path : arena_printf(con->mem, "%s?", path),
                                              "pageToken", token)
                               : path;
        const char *problem = ask(con, s, host, with, &o);
        if (problem)
            return problem;
        struct json_object *list = member_list(con->mem, o, items);
        for (size_t i = 0; i < json_object_array_length(list); i++)
            each(to, json_object_array_get_idx(list, i));
        token = member_str(o, "nextPageToken");
        if (!token || !*token)
            break;
    }
    return NULL;
}

static void add_bucket(void *to, struct json_object *item)
{
    struct texts *ids = to;
    if (member_str(item, "name"))
        texts_add(ids, arena_printf(ids->mem, "gs://%s", member_str(item, "name")));
}

static const char *buckets(struct connection *con, const struct session *s, const char *id, struct texts *ids)
{
    static const char host[] = "storage.googleapis.com";
    struct json_object *o;
    if (!id) {
        const char *path = query_append(con->mem, "/storage/v1/b?", "project", project(con));
        const char *problem = each_item(con, s, host, path, "items", add_bucket, ids);
        return problem ? arena_printf(con->mem, "failed to list GCS buckets: %s", problem) : NULL;
    }
    const char *name = bucket_of(con->mem, id);
    const char *problem = ask(con, s, host, arena_printf(con->mem, "/storage/v1/b/%s", name), &o);
    if (problem)
        return arena_printf(con->mem, "failed to fetch GCS bucket %s: %s", name, problem);
    texts_add(ids, id);
    return NULL;
}

#define REGISTRY_HOST "artifactregistry.googleapis.com"

static void add_location(void *to, struct json_object *item)
{
    if (member_str(item, "locationId"))
        texts_add(to, member_str(item, "locationId"));
}

static void add_repository(void *to, struct json_object *item)
{
    struct texts *ids = to;
    struct repository r = {0};
    const char *name = member_str(item, "name");
    if (streq(member_str(item, "format"), "DOCKER") && name && read_resource_name(ids->mem, name, &r))
        texts_add(ids, repository_address(ids->mem, &r));
}

/* The places of the older registry always count; what Artifact Registry does not tell is left out. */
static void list_registries(struct connection *con, const struct session *s, struct texts *ids)
{
    static const char *const places[] = {"", "us.", "eu.", "asia."};
    struct texts locations = {.mem = con->mem};
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        texts_add(ids, arena_printf(con->mem, "%sgcr.io/%s", places[i], project(con)));
    const char *path = arena_printf(con->mem, "/v1/projects/%s/locations", project(con));
    const char *problem = each_item(con, s, REGISTRY_HOST, path, "locations", add_location, &locations);
    for (size_t i = 0; i < locations.count && !problem; i++) {
        const char *of = arena_printf(con->mem, "%s/%s/repositories", path, locations.at[i]);
        problem = each_item(con, s, REGISTRY_HOST, of, "repositories", add_repository, ids);
    }
    if (problem)
        log_warn("repositories of Google Artifact Registry are not listed: %s", problem);
}

static const char *registries(struct connection *con, const struct session *s, const char *id, struct texts *ids)
{
    struct repository r;
    struct json_object *o;
    if (!id) {
        list_registries(con, s, ids);
        return NULL;
    }
    if (!read_repository(con, id, &r))
        return "the registry lies outside of the project";
    if (!r.old) {
        const char *path =
            arena_printf(con->mem, "/v1/projects/%s/locations/%s/repositories/%s", r.project, r.location, r.name);
        const char *problem = ask(con, s, REGISTRY_HOST, path, &o);
        if (problem)
            return arena_printf(con->mem, "failed to fetch the Google Artifact Registry '%s': %s", id, problem);
        if (!streq(member_str(o, "format"), "DOCKER"))
            return arena_printf(con->mem, "the Google Artifact Registry '%s' is not one for Docker", id);
    }
    texts_add(ids, id);
    return NULL;
}

static const char *list_clusters(struct connection *con, const struct session *s, struct json_object **list)
{
    struct json_object *o;
    const char *path = arena_printf(con->mem, "/v1/projects/%s/locations/-/clusters", project(con));
    const char *problem = ask(con, s, "container.googleapis.com", path, &o);
    *list = member_list(con->mem, problem ? NULL : o, "clusters");
    return problem ? arena_printf(con->mem, "failed to list GKE clusters: %s", problem) : NULL;
}

static const char *find_cluster(struct connection *con, const struct session *s, const char *name,
                                struct json_object **cluster)
{
    struct json_object *list;
    const char *problem = list_clusters(con, s, &list);
    *cluster = NULL;
    for (size_t i = 0; i < json_object_array_length(list); i++)
        if (streq(member_str(json_object_array_get_idx(list, i), "name"), name))
            *cluster = json_object_array_get_idx(list, i);
    return problem || *cluster ? problem
                               : arena_printf(con->mem, "the GKE cluster '%s' is not there or not accessible", name);
}

static const char *clusters(struct connection *con, const struct session *s, const char *id, struct texts *ids)
{
    struct json_object *list;
    const char *problem = id ? find_cluster(con, s, id, &list) : list_clusters(con, s, &list);
    if (id && !problem)
        texts_add(ids, id);
    if (id || problem)
        return problem;
    for (size_t i = 0; i < json_object_array_length(list); i++)
        if (member_str(json_object_array_get_idx(list, i), "name"))
            texts_add(ids, member_str(json_object_array_get_idx(list, i), "name"));
    return NULL;
}

static const char *verify(struct connection *con, const struct connector_resource *r, const char *id, struct texts *ids)
{
    struct session *s;
    const char *problem = open_session(con, &s);
    if (problem || !r)
        return problem;
    if (is_resource(r, "gcs-bucket"))
        return buckets(con, s, id, ids);
    if (is_resource(r, "docker-registry"))
        return registries(con, s, id, ids);
    if (is_resource(r, "kubernetes-cluster"))
        return clusters(con, s, id, ids);
    texts_add(ids, id);
    return NULL;
}

/* Clients -------------------------------------------------------------------------------------------------------- */

static const char *generic_client(struct connection *con, const struct session *s, struct connection *out)
{
    static const char *const keeping[] = {"user-account", "service-account", "external-account"};
    struct json_object *config_of = json_keep(con->mem, json_object_new_object());
    for (size_t i = 0; i < ARRAY_LEN(keeping); i++)
        if (streq(con->method->name, keeping[i]) && !member_bool(con->config, "generate_temporary_tokens")) {
            connection_renew(out, con->type, con->auth_method, con->config, 0);
            return NULL;
        }
    set_text(config_of, "project_id", project(con));
    set_text(config_of, "token", s->token);
    set_text(config_of, "service_account_email", s->email);
    connection_renew(out, con->type, "oauth2-token", config_of, s->expires_at);
    return NULL;
}

static const char *registry_client(struct connection *con, const char *id, const struct session *s,
                                   struct connection *out)
{
    struct json_object *config_of = json_keep(con->mem, json_object_new_object());
    set_text(config_of, "username", "oauth2accesstoken");
    set_text(config_of, "password", s->token);
    set_text(config_of, "registry", id);
    connection_renew(out, &connector_docker, "password", config_of, s->expires_at);
    return NULL;
}

static const char *cluster_client(struct connection *con, const char *id, const struct session *s,
                                  struct connection *out)
{
    struct json_object *cluster, *config_of = json_keep(con->mem, json_object_new_object());
    const char *problem = find_cluster(con, s, id, &cluster);
    if (problem)
        return problem;
    const char *endpoint = member_str(cluster, "endpoint");
    set_text(config_of, "cluster_name", arena_printf(con->mem, "gke_%s_%s", project(con), id));
    set_text(config_of, "server", arena_printf(con->mem, "https://%s", endpoint ? endpoint : ""));
    set_text(config_of, "certificate_authority", member_str(member(cluster, "masterAuth"), "clusterCaCertificate"));
    set_text(config_of, "token", s->token);
    connection_renew(out, &connector_kubernetes, "token", config_of, s->expires_at);
    return NULL;
}

static const char *client(struct connection *con, const struct connector_resource *r, const char *id,
                          struct connection *out)
{
    struct session *s;
    const char *problem = open_session(con, &s);
    if (problem)
        return problem;
    if (is_resource(r, "docker-registry"))
        return registry_client(con, id, s, out);
    if (is_resource(r, "kubernetes-cluster"))
        return cluster_client(con, id, s, out);
    return generic_client(con, s, out);
}

const char *gcp_token(struct connection *con, const char **token, int64_t *expires_at)
{
    struct session *s = NULL;
    const char *problem = open_session(con, &s);
    *token = problem ? NULL : s->token;
    if (expires_at)
        *expires_at = problem ? 0 : s->expires_at;
    return problem;
}

/* The type ------------------------------------------------------------------------------------------------------- */

#define TEMPORARY                                                                                                      \
    {                                                                                                                  \
        "generate_temporary_tokens", "Clients get temporary OAuth 2.0 tokens",                                         \
            "When it is off, clients get the key itself, which does not expire.", A_FLAG, A_DEFAULT_TRUE               \
    }
#define PROJECT                                                                                                        \
    {                                                                                                                  \
        "project_id", "ID of the project", NULL, A_TEXT, A_REQUIRED                                                    \
    }
#define SERVICE_KEY                                                                                                    \
    {                                                                                                                  \
        "service_account_json", "Key file of the service account (JSON or its base64)", NULL, A_TEXT,                  \
            A_SECRET | A_REQUIRED | A_DOCUMENT                                                                         \
    }

static const struct connector_attribute implicit_attributes[] = {PROJECT};
static const struct connector_config config_implicit =
    CONFIG("GCPBaseProjectIDConfig", "The server's own credentials.", implicit_attributes);

static const struct connector_attribute user_attributes[] = {
    {"user_account_json", "Credentials file of the user (JSON or its base64)", NULL, A_TEXT,
     A_SECRET | A_REQUIRED | A_DOCUMENT},
    TEMPORARY,
    PROJECT,
};
static const struct connector_config config_user =
    CONFIG("GCPUserAccountConfig", "The credentials of a user.", user_attributes);

static const struct connector_attribute service_attributes[] = {SERVICE_KEY, TEMPORARY};
static const struct connector_config config_service =
    CONFIG("GCPServiceAccountConfig", "The key of a service account.", service_attributes);

static const struct connector_attribute external_attributes[] = {
    {"external_account_json", "Configuration of the external account (JSON or its base64)", NULL, A_TEXT,
     A_SECRET | A_REQUIRED | A_DOCUMENT},
    TEMPORARY,
    PROJECT,
};
static const struct connector_config config_external =
    CONFIG("GCPExternalAccountConfig", "An identity that Google trusts another provider for.", external_attributes);

static const struct connector_attribute token_attributes[] = {
    {"token", "OAuth 2.0 token", NULL, A_TEXT, A_SECRET | A_REQUIRED},
    PROJECT,
    {"service_account_email", "Address of the service account", "Whose token it is; signed URLs need it.", A_TEXT, 0},
};
static const struct connector_config config_token =
    CONFIG("GCPOAuth2TokenConfig", "A temporary token.", token_attributes);

static const struct connector_attribute impersonation_attributes[] = {
    SERVICE_KEY,
    TEMPORARY,
    {"target_principal", "Address of the service account to act as", NULL, A_TEXT, A_REQUIRED},
};
static const struct connector_config config_impersonation =
    CONFIG("GCPServiceAccountImpersonationConfig", "The key of a service account, and another one that it may act as.",
           impersonation_attributes);

static const struct connector_method methods[] = {
    {
        .name = "implicit",
        .label = "GCP Implicit Authentication",
        .description = "Use the service account of the machine that this server runs on. Off unless an administrator "
                       "has allowed implicit methods.",
        .config = &config_implicit,
        .implicit = true,
    },
    {
        .name = "user-account",
        .label = "GCP User Account",
        .description = "Use the credentials of a user, as gcloud auth application-default login writes them.",
        .config = &config_user,
    },
    {
        .name = "service-account",
        .label = "GCP Service Account",
        .description = "Use the key file of a service account. Clients get temporary tokens made with it.",
        .config = &config_service,
    },
    {
        .name = "external-account",
        .label = "GCP External Account",
        .description = "Use workload identity federation: Google trusts who this server is at another provider. Off "
                       "unless an administrator has allowed implicit methods.",
        .config = &config_external,
        .implicit = true,
    },
    {
        .name = "oauth2-token",
        .label = "GCP Oauth 2.0 Token",
        .description = "Use a token that somebody has made. It has to be renewed by hand.",
        .config = &config_token,
    },
    {
        .name = "impersonation",
        .label = "GCP Service Account Impersonation",
        .description = "Act as another service account, for a limited time, with the key of one that may do so.",
        .config = &config_impersonation,
        .max_expiration = TOKEN_SECONDS,
        .default_expiration = TOKEN_SECONDS,
    },
};

static const struct connector_resource resources[] = {
    {
        .name = "gcp-generic",
        .label = "Generic GCP resource",
        .description = "Any service of Google Cloud, with credentials for the project. The project's ID is its name.",
        .logo_url = LOGO("connectors/gcp/gcp.png"),
        .emoji = ":blue_circle:",
    },
    {
        .name = "gcs-bucket",
        .label = "GCP GCS bucket",
        .description = "A bucket, named gs://bucket or bucket. Needs storage.buckets.list, storage.buckets.get and "
                       "the permissions on its objects.",
        .logo_url = LOGO("artifact_store/gcp.png"),
        .emoji = ":package:",
        .instances = true,
    },
    {
        .name = "kubernetes-cluster",
        .label = "GCP GKE Kubernetes cluster",
        .description = "A cluster of GKE in the project, by its name. Needs container.clusters.list.",
        .logo_url = LOGO("orchestrator/kubernetes.png"),
        .emoji = ":cyclone:",
        .instances = true,
    },
    {
        .name = "docker-registry",
        .label = "GCP GAR container registry",
        .description = "A repository of Artifact Registry, named LOCATION-docker.pkg.dev/PROJECT/REPOSITORY or "
                       "projects/PROJECT/locations/LOCATION/repositories/REPOSITORY, or gcr.io/PROJECT.",
        .logo_url = LOGO("container_registry/docker.png"),
        .emoji = ":whale:",
        .instances = true,
    },
};

const struct connector_type connector_gcp = {
    .name = "gcp",
    .label = "GCP Service Connector",
    .description = "Gives stack components access to Google Cloud: buckets of GCS, clusters of GKE, repositories of "
                   "Artifact Registry, and any other service.",
    .logo_url = LOGO("connectors/gcp/gcp.png"),
    .emoji = ":blue_circle:",
    .auto_configuration = true,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
    .resources = resources,
    .resource_count = ARRAY_LEN(resources),
    .check = check,
    .canonical_id = canonical_id,
    .default_id = default_id,
    .verify = verify,
    .client = client,
};
