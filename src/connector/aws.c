/* Amazon Web Services: S3 buckets, EKS clusters, ECR registries (docs/contract/connectors.md#aws). */
#include "base/text.h"
#include "connector/credentials.h"
#include "connector/machine.h"
#include "connector/provider.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

enum { ACCOUNT = 12, EKS_TOKEN_SECONDS = 60, EKS_CLIENT_SECONDS = 15 * 60, FEDERATION_NAME_MAX = 32 };

#define STS_VERSION "2011-06-15"
#define ECR_TARGET  "AmazonEC2ContainerRegistry_V20150921"

static const char *region(const struct connection *con)
{
    return member_str(con->config, "region");
}

/* Names ----------------------------------------------------------------------------------------------------------- */

/* The bucket's name in an ARN, a URI or alone; NULL when it is none. */
static const char *bucket_of(struct arena *a, const char *id)
{
    static const char *const prefixes[] = {"arn:aws:s3:::", "s3://", NULL};
    const char *name = behind(id, prefixes);
    size_t len = span_name(name, false, ".-");
    bool path = name[len] == '/' && name != id;
    if (len < 3 || len > 63 || (name[len] && !path) || strchr(".-", name[0]) || strchr(".-", name[len - 1]))
        return NULL;
    return arena_strndup(a, name, len);
}

/* Whether `id` begins with arn:aws:SERVICE:REGION:ACCOUNT: of the configured region; what follows is *rest. */
static bool is_arn(const struct connection *con, const char *service, const char *id, const char **account,
                   const char **rest)
{
    const char *head = arena_printf(con->mem, "arn:aws:%s:%s:", service, region(con));
    if (!starts_with(id, head))
        return false;
    *account = id + strlen(head);
    *rest = *account + strspn(*account, "0123456789");
    return *rest - *account == ACCOUNT && *(*rest)++ == ':';
}

static const char *cluster_of(struct connection *con, const char *id)
{
    const char *account, *rest;
    if (is_arn(con, "eks", id, &account, &rest) && starts_with(rest, "cluster/"))
        id = rest + strlen("cluster/");
    size_t len = span_name(id, true, "_-");
    return len && !id[len] && isalnum((unsigned char)*id) ? id : NULL;
}

/* The account of a registry's URI or of an ARN of a repository. */
static const char *registry_account(struct connection *con, const char *id)
{
    static const char *const schemes[] = {"https://", "http://", NULL};
    const char *account, *rest;
    if (is_arn(con, "ecr", id, &account, &rest))
        return starts_with(rest, "repository") && (!rest[10] || (rest[10] == '/' && rest[11]))
                   ? arena_strndup(con->mem, account, ACCOUNT)
                   : NULL;
    account = behind(id, schemes);
    const char *host = arena_printf(con->mem, ".dkr.ecr.%s.amazonaws.com", region(con));
    size_t len = strlen(host);
    rest = account + strspn(account, "0123456789");
    if (rest - account != ACCOUNT || !starts_with(rest, host) || (rest[len] && (rest[len] != '/' || !rest[len + 1])))
        return NULL;
    return arena_strndup(con->mem, account, ACCOUNT);
}

static const char *registry_name(struct connection *con, const char *account)
{
    return arena_printf(con->mem, "%s.dkr.ecr.%s.amazonaws.com", account, region(con));
}

static const char *canonical_id(struct connection *con, const struct connector_resource *r, const char *id)
{
    if (is_resource(r, "s3-bucket")) {
        const char *bucket = bucket_of(con->mem, id);
        return bucket ? arena_printf(con->mem, "s3://%s", bucket) : NULL;
    }
    if (is_resource(r, "kubernetes-cluster"))
        return cluster_of(con, id);
    if (is_resource(r, "docker-registry")) {
        const char *account = registry_account(con, id);
        return account ? registry_name(con, account) : NULL;
    }
    return id;
}

/* Requests -------------------------------------------------------------------------------------------------------- */

/* The credentials of the connection for one resource, and the account that they belong to. */
struct session {
    const struct connector_resource *r;
    const char *id;
    struct sigv4_key key; /* service is filled in for each request */
    int64_t expires_at;   /* 0: never */
    const char *account;
    struct session *next;
};

struct request {
    const char *service, *method;
    const char *path, *query, *body; /* as in struct sigv4_request */
    const char *type, *target;       /* headers; NULL: none */
};

/* The address of a service. The configured endpoint_url holds for what connectors list, but not for STS, as with
 * Amazon's own libraries. */
static const char *endpoint(const struct connection *con, const struct request *q)
{
    bool listed = !streq(q->service, "sts") && !streq(q->service, "secretsmanager");
    const char *given = listed ? setting(con, "endpoint_url") : NULL;
    const char *host = arena_printf(con->mem, "%s%s.%s.amazonaws.com", streq(q->service, "ecr") ? "api." : "",
                                    q->service, region(con));
    return given ? given : call_base(con->mem, host);
}

static struct fetched send_signed(const struct connection *con, const struct sigv4_key *key, const struct request *q)
{
    struct arena *a = con->mem;
    const char *base = endpoint(con, q), *host = strstr(base, "://");
    const char *more[3] = {NULL};
    struct sigv4_key own = *key;
    size_t n = 0, len = strlen(base);
    while (len && base[len - 1] == '/')
        len--;
    host = host ? host + 3 : base;
    if (q->type)
        more[n++] = arena_printf(a, "content-type: %s", q->type);
    if (q->target)
        more[n++] = arena_printf(a, "x-amz-target: %s", q->target);
    own.region = region(con);
    own.service = q->service;
    const struct sigv4_request r = {
        .method = q->method,
        .host = arena_strndup(a, host, strcspn(host, "/")),
        .path = q->path,
        .query = q->query ? q->query : "",
        .headers = more,
        .body = q->body,
        .now = (int64_t)time(NULL),
    };
    const struct call c = {
        .method = q->method,
        .url = arena_printf(a, "%.*s%s%s%s", (int)len, base, q->path, q->query ? "?" : "", q->query ? q->query : ""),
        .headers = sigv4_headers(a, &own, &r),
        .body = q->body,
    };
    return call_send(con, &c);
}

/* A call on STS: `form` is what follows Action and Version; "" for nothing. The answer is XML. */
static const char *ask_sts(const struct connection *con, const struct sigv4_key *key, const char *action,
                           const char *form, const char **xml)
{
    const struct request q = {
        .service = "sts",
        .method = "POST",
        .path = "/",
        .type = "application/x-www-form-urlencoded; charset=utf-8",
        .body = arena_printf(con->mem, "Action=%s&Version=" STS_VERSION "%s%s", action, *form ? "&" : "", form),
    };
    struct fetched got = send_signed(con, key, &q);
    *xml = got.body;
    return call_problem(con, &got);
}

static const char *ask_json(const struct connection *con, const struct session *s, const struct request *q,
                            struct json_object **out)
{
    struct fetched got = send_signed(con, &s->key, q);
    return call_read(con, &got, out);
}

/* Sessions -------------------------------------------------------------------------------------------------------- */

#define STATEMENT(sid, actions) "{\"Sid\":\"" sid "\",\"Effect\":\"Allow\",\"Action\":[" actions "],\"Resource\":["
#define POLICY(statements)      "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"

/* What temporary credentials may do at most: what is needed for the kind of resource, or for the one. NULL: all. */
static const char *policy_for(struct connection *con, const struct connector_resource *r, const char *id)
{
    struct arena *a = con->mem;
    if (is_resource(r, "s3-bucket")) {
        const char *bucket = id ? bucket_of(a, id) : "*";
        return arena_printf(
            a,
            POLICY(STATEMENT("AllowS3BucketAccess", "\"s3:ListBucket\",\"s3:GetObject\","
                                                    "\"s3:PutObject\",\"s3:DeleteObject\","
                                                    "\"s3:ListAllMyBuckets\"") "\"arn:aws:s3:::%s\","
                                                                               "\"arn:aws:s3:::%s/*\"]}"),
            bucket, bucket);
    }
    if (is_resource(r, "kubernetes-cluster"))
        return arena_printf(a,
                            POLICY(STATEMENT("AllowEKSClusterAccess", "\"eks:ListClusters\",\"eks:DescribeCluster\"") //
                                   "\"arn:aws:eks:%s:*:cluster/%s\"]}"),
                            region(con), id ? id : "*");
    if (is_resource(r, "docker-registry"))
        return arena_printf(
            a,
            POLICY(STATEMENT("AllowECRRepositoryAccess",
                             "\"ecr:DescribeRegistry\",\"ecr:DescribeRepositories\",\"ecr:ListRepositories\","
                             "\"ecr:BatchGetImage\",\"ecr:DescribeImages\",\"ecr:BatchCheckLayerAvailability\","
                             "\"ecr:GetDownloadUrlForLayer\",\"ecr:InitiateLayerUpload\",\"ecr:UploadLayerPart\","
                             "\"ecr:CompleteLayerUpload\",\"ecr:PutImage\"")              //
                   "\"arn:aws:ecr:%s:*:repository/*\",\"arn:aws:ecr:%s:*:repository\"]}," //
                   STATEMENT("AllowECRRepositoryGetToken", "\"ecr:GetAuthorizationToken\"") "\"*\"]}"),
            region(con), region(con));
    return NULL;
}

/* Adds the policies of a session to a form: the configured ones, else the one that suits the resource. */
static const char *form_policies(struct connection *con, const char *form, const struct connector_resource *r,
                                 const char *id)
{
    const char *policy = setting(con, "policy");
    struct json_object *arns = member_list(con->mem, con->config, "policy_arns");
    size_t count = json_object_array_length(arns);
    if (!policy && !count)
        policy = policy_for(con, r, id);
    if (policy)
        return form_add(con->mem, form, "Policy", policy);
    for (size_t i = 0; i < count; i++)
        form = form_add(con->mem, form, arena_printf(con->mem, "PolicyArns.member.%zu.arn", i + 1),
                        json_object_get_string(json_object_array_get_idx(arns, i)));
    return form;
}

static const char *session_name(const struct connection *con)
{
    return con->id ? arena_printf(con->mem, "zenml-connector-%s", con->id) : "zenml-connector";
}

/* Exchanges credentials for temporary ones of the method. */
static const char *exchange(struct connection *con, const char *method, struct session *s)
{
    const char *xml, *form = "", *action = "GetSessionToken", *what = "get a session token";
    bool limited = !streq(method, "session-token");
    if (streq(method, "iam-role")) {
        action = "AssumeRole";
        what = "assume the IAM role";
        form = form_add(con->mem, form, "RoleArn", setting(con, "role_arn"));
        form = form_add(con->mem, form, "RoleSessionName", session_name(con));
    } else if (limited) {
        action = "GetFederationToken";
        what = "get a federation token";
        form = form_add(con->mem, form, "Name", arena_printf(con->mem, "%.*s", FEDERATION_NAME_MAX, session_name(con)));
    }
    form = form_add(con->mem, form, "DurationSeconds", arena_printf(con->mem, "%lld", (long long)con->expiration));
    if (limited)
        form = form_policies(con, form, s->r, s->id);
    const char *problem = ask_sts(con, &s->key, action, form, &xml);
    if (!problem)
        problem = sts_credentials(con->mem, xml, &s->key, &s->expires_at);
    return problem ? arena_printf(con->mem, "failed to %s: %s", what, problem) : NULL;
}

/* What this machine may do by itself. */
static const char *own_credentials(struct connection *con, struct session *s)
{
    const char *problem = connection_implicit(con);
    if (!problem && setting(con, "profile_name"))
        problem = "profiles of this server's user are not read: give the credentials in AWS_ACCESS_KEY_ID and "
                  "AWS_SECRET_ACCESS_KEY";
    if (!problem)
        problem = machine_aws_key(con, region(con), &s->key);
    if (problem)
        return problem;
    if (s->key.session)
        s->expires_at = seconds_from_now(con->method->default_expiration);
    return setting(con, "role_arn") ? exchange(con, "iam-role", s) : NULL;
}

static const char *authenticate(struct connection *con, struct session *s)
{
    const char *method = con->method->name;
    if (con->method->implicit)
        return own_credentials(con, s);
    s->key = (struct sigv4_key){.id = setting(con, "aws_access_key_id"),
                                .secret = setting(con, "aws_secret_access_key"),
                                .session = setting(con, "aws_session_token")};
    if (!s->key.id || !s->key.secret)
        return "the access key is empty";
    s->expires_at = streq(method, "sts-token") ? con->expires_at : 0;
    return streq(method, "secret-key") || streq(method, "sts-token") ? NULL : exchange(con, method, s);
}

/* The session for a resource. One is made for each, where what it may do depends on that. */
static const char *open_session(struct connection *con, const struct connector_resource *r, const char *id,
                                struct session **out)
{
    bool same = con->method->implicit && !setting(con, "role_arn");
    for (struct session *s = con->state; s; s = s->next)
        if (same || (s->r == r && streq(s->id, id))) {
            *out = s;
            return NULL;
        }
    struct session *s = arena_alloc(con->mem, sizeof *s);
    *s = (struct session){.r = r, .id = id, .next = con->state};
    const char *problem = authenticate(con, s);
    if (problem)
        return problem;
    con->state = s;
    *out = s;
    return NULL;
}

const char *aws_sign_in(struct connection *con, int64_t *expires_at)
{
    struct session *s = NULL;
    const char *problem = open_session(con, NULL, NULL, &s);
    *expires_at = problem ? 0 : s->expires_at;
    return problem;
}

struct fetched aws_json(const struct connection *con, const char *service, const char *action, const char *body)
{
    const struct session *s = con->state;
    const struct request q = {
        .service = service,
        .method = "POST",
        .path = "/",
        .type = "application/x-amz-json-1.1",
        .target = arena_printf(con->mem, "%s.%s", service, action),
        .body = body,
    };
    return send_signed(con, &s->key, &q);
}

/* Who the credentials belong to: works with any valid ones, whatever they may do. */
static const char *identify(struct connection *con, struct session *s)
{
    const char *xml, *problem = ask_sts(con, &s->key, "GetCallerIdentity", "", &xml);
    if (problem)
        return arena_printf(con->mem, "failed to verify AWS account access: %s", problem);
    s->account = xml_first(con->mem, xml, "Account");
    return s->account ? NULL : "failed to verify AWS account access: the answer of AWS names no account";
}

static const char *default_id(struct connection *con, const struct connector_resource *r, const char **refusal)
{
    struct session *s = NULL;
    if (!is_resource(r, "docker-registry"))
        return region(con);
    *refusal = open_session(con, NULL, NULL, &s);
    if (!*refusal && !s->account)
        *refusal = identify(con, s);
    return *refusal ? NULL : registry_name(con, s->account);
}

/* Verifying ------------------------------------------------------------------------------------------------------ */

static const char *list_buckets(struct connection *con, const struct session *s, struct texts *ids)
{
    const struct request q = {.service = "s3", .method = "GET", .path = "/"};
    struct fetched got = send_signed(con, &s->key, &q);
    const char *problem = call_problem(con, &got), *at = got.body, *bucket;
    if (problem)
        return arena_printf(con->mem, "failed to list S3 buckets: %s", problem);
    while ((bucket = xml_next(con->mem, &at, "Bucket"))) {
        const char *name = xml_first(con->mem, bucket, "Name");
        if (name)
            texts_add(ids, arena_printf(con->mem, "s3://%s", name));
    }
    return NULL;
}

static const char *find_bucket(struct connection *con, const struct session *s, const char *id)
{
    const char *bucket = bucket_of(con->mem, id);
    const struct request q = {.service = "s3", .method = "HEAD", .path = arena_printf(con->mem, "/%s", bucket)};
    struct fetched got = send_signed(con, &s->key, &q);
    const char *problem = call_problem(con, &got);
    return problem ? arena_printf(con->mem, "failed to fetch S3 bucket %s: %s", bucket, problem) : NULL;
}

static const char *ask_ecr(struct connection *con, const struct session *s, const char *action, const char *body,
                           struct json_object **out)
{
    const struct request q = {
        .service = "ecr",
        .method = "POST",
        .path = "/",
        .type = "application/x-amz-json-1.1",
        .target = arena_printf(con->mem, ECR_TARGET ".%s", action),
        .body = body,
    };
    return ask_json(con, s, &q, out);
}

static const char *find_registry(struct connection *con, const struct session *s)
{
    struct json_object *o;
    const char *problem = ask_ecr(con, s, "DescribeRepositories", "{}", &o);
    if (problem)
        return arena_printf(con->mem, "failed to list ECR repositories: %s", problem);
    if (!json_object_array_length(member_list(con->mem, o, "repositories")))
        return "the credentials open no repository of ECR";
    return NULL;
}

static const char *list_clusters(struct connection *con, const struct session *s, struct texts *ids)
{
    struct request q = {.service = "eks", .method = "GET", .path = "/clusters"};
    for (int page = 0; page < PAGES_MAX; page++) {
        struct json_object *o;
        const char *problem = ask_json(con, s, &q, &o), *next;
        if (problem)
            return arena_printf(con->mem, "failed to list EKS clusters: %s", problem);
        struct json_object *names = member_list(con->mem, o, "clusters");
        for (size_t i = 0; i < json_object_array_length(names); i++)
            texts_add(ids, json_object_get_string(json_object_array_get_idx(names, i)));
        next = member_str(o, "nextToken");
        if (!next)
            break;
        q.query = query_append(con->mem, "", "nextToken", next);
    }
    return NULL;
}

static const char *describe_cluster(struct connection *con, const struct session *s, const char *name,
                                    struct json_object **cluster)
{
    const struct request q = {.service = "eks", .method = "GET", .path = arena_printf(con->mem, "/clusters/%s", name)};
    struct json_object *o;
    const char *problem = ask_json(con, s, &q, &o);
    *cluster = problem ? NULL : member(o, "cluster");
    return problem ? arena_printf(con->mem, "failed to fetch EKS cluster %s: %s", name, problem) : NULL;
}

static const char *verify(struct connection *con, const struct connector_resource *r, const char *id, struct texts *ids)
{
    struct session *s = NULL;
    struct json_object *cluster;
    const char *problem = open_session(con, r, id, &s);
    if (!problem)
        problem = identify(con, s);
    if (problem || !r)
        return problem;
    if (is_resource(r, "s3-bucket"))
        problem = id ? find_bucket(con, s, id) : list_buckets(con, s, ids);
    else if (is_resource(r, "docker-registry"))
        problem = find_registry(con, s);
    else if (is_resource(r, "kubernetes-cluster"))
        problem = id ? describe_cluster(con, s, id, &cluster) : list_clusters(con, s, ids);
    if (!problem && id)
        texts_add(ids, id);
    return problem;
}

/* Clients -------------------------------------------------------------------------------------------------------- */

static const char *generic_client(struct connection *con, const struct connector_resource *r, const char *id,
                                  const struct session *s, struct connection *out)
{
    bool fixed = streq(con->method->name, "secret-key") || streq(con->method->name, "sts-token");
    struct json_object *config_of = con->config;
    if (fixed && con->resource == r && streq(con->resource_id, id))
        return NULL;
    if (!fixed) {
        config_of = json_keep(con->mem, json_object_new_object());
        set_text(config_of, "region", region(con));
        set_text(config_of, "endpoint_url", setting(con, "endpoint_url"));
        set_text(config_of, "aws_access_key_id", s->key.id);
        set_text(config_of, "aws_secret_access_key", s->key.secret);
        set_text(config_of, "aws_session_token", s->key.session);
    }
    const char *method = fixed ? con->auth_method : s->key.session ? "sts-token" : "secret-key";
    connection_renew(out, con->type, method, config_of, fixed ? con->expires_at : s->expires_at);
    return NULL;
}

static const char *registry_client(struct connection *con, const char *id, const struct session *s,
                                   struct connection *out)
{
    const char *body = arena_printf(con->mem, "{\"registryIds\":[\"%s\"]}", registry_account(con, id));
    struct json_object *o, *config_of = json_keep(con->mem, json_object_new_object());
    const char *problem = ask_ecr(con, s, "GetAuthorizationToken", body, &o);
    if (problem)
        return arena_printf(con->mem, "failed to get an authorization token from ECR: %s", problem);
    struct json_object *first = json_object_array_get_idx(member_list(con->mem, o, "authorizationData"), 0);
    const char *token = member_str(first, "authorizationToken"), *text = token ? base64_any(con->mem, token) : NULL;
    const char *colon = text ? strchr(text, ':') : NULL;
    if (!colon)
        return "failed to get an authorization token from ECR: the answer holds none";
    set_text(config_of, "username", arena_strndup(con->mem, text, (size_t)(colon - text)));
    set_text(config_of, "password", colon + 1);
    set_text(config_of, "registry", member_str(first, "proxyEndpoint"));
    connection_renew(out, &connector_docker, "password", config_of, s->expires_at);
    return NULL;
}

/* What EKS takes for a token: a signed call on STS, which says who makes it. */
static const char *cluster_token(const struct connection *con, const struct session *s, const char *cluster)
{
    const char *const headers[] = {arena_printf(con->mem, "x-k8s-aws-id: %s", cluster), NULL};
    struct sigv4_key key = s->key;
    key.region = region(con);
    key.service = "sts";
    const struct sigv4_request r = {
        .method = "GET",
        .host = arena_printf(con->mem, "sts.%s.amazonaws.com", region(con)),
        .path = "/",
        .query = "Action=GetCallerIdentity&Version=" STS_VERSION,
        .headers = headers,
        .now = (int64_t)time(NULL),
    };
    const char *url = sigv4_url(con->mem, &key, &r, EKS_TOKEN_SECONDS);
    return arena_printf(con->mem, "k8s-aws-v1.%s", base64url_encode(con->mem, url, strlen(url)));
}

static const char *cluster_client(struct connection *con, const char *id, const struct session *s,
                                  struct connection *out)
{
    struct json_object *cluster, *config_of = json_keep(con->mem, json_object_new_object());
    const char *problem = describe_cluster(con, s, id, &cluster);
    if (problem)
        return problem;
    set_text(config_of, "server", member_str(cluster, "endpoint"));
    set_text(config_of, "certificate_authority", member_str(member(cluster, "certificateAuthority"), "data"));
    set_text(config_of, "cluster_name", member_str(cluster, "arn"));
    set_text(config_of, "token", cluster_token(con, s, id));
    connection_renew(out, &connector_kubernetes, "token", config_of, seconds_from_now(EKS_CLIENT_SECONDS));
    return NULL;
}

static const char *client(struct connection *con, const struct connector_resource *r, const char *id,
                          struct connection *out)
{
    struct session *s = NULL;
    const char *problem = open_session(con, r, id, &s);
    if (problem)
        return problem;
    if (is_resource(r, "docker-registry"))
        return registry_client(con, id, s, out);
    if (is_resource(r, "kubernetes-cluster"))
        return cluster_client(con, id, s, out);
    return generic_client(con, r, id, s, out);
}

const char *aws_bucket_key(struct connection *con, const char *id, struct sigv4_key *key)
{
    struct session *s = NULL;
    const char *problem = open_session(con, connector_resource_find(con->type, "s3-bucket"), id, &s);
    if (problem)
        return problem;
    *key = s->key;
    key->region = region(con);
    return NULL;
}

/* The type ------------------------------------------------------------------------------------------------------- */

#define KEY                                                                                                            \
    {"aws_access_key_id", "Access key ID", "The id of an access key of a user or of the account.", A_TEXT,             \
     A_SECRET | A_REQUIRED},                                                                                           \
    {                                                                                                                  \
        "aws_secret_access_key", "Secret access key", NULL, A_TEXT, A_SECRET | A_REQUIRED                              \
    }
#define PLACE                                                                                                          \
    {"region", "Region", NULL, A_TEXT, A_REQUIRED},                                                                    \
    {                                                                                                                  \
        "endpoint_url", "URL of the services, where they are not Amazon's own", NULL, A_TEXT, 0                        \
    }
#define POLICIES                                                                                                       \
    {"policy_arns", "ARNs of managed policies that limit the session", NULL, A_TEXTS, 0},                              \
    {                                                                                                                  \
        "policy", "Policy, as JSON, that limits the session", NULL, A_TEXT, 0                                          \
    }

static const struct connector_attribute implicit_attributes[] = {
    POLICIES,
    PLACE,
    {"profile_name", "Profile of the server's user", NULL, A_TEXT, 0},
    {"role_arn", "ARN of an IAM role to assume", NULL, A_TEXT, 0},
};
static const struct connector_config config_implicit =
    CONFIG("AWSImplicitConfig", "The server's own credentials.", implicit_attributes);

static const struct connector_attribute secret_key_attributes[] = {KEY, PLACE};
static const struct connector_config config_secret_key =
    CONFIG("AWSSecretKeyConfig", "An access key.", secret_key_attributes);
static const struct connector_config config_session_token =
    CONFIG("SessionTokenAuthenticationConfig", "The access key of a user.", secret_key_attributes);

static const struct connector_attribute sts_token_attributes[] = {
    KEY,
    {"aws_session_token", "Session token", NULL, A_TEXT, A_SECRET | A_REQUIRED},
    PLACE,
};
static const struct connector_config config_sts_token =
    CONFIG("STSTokenConfig", "Temporary credentials.", sts_token_attributes);

static const struct connector_attribute iam_role_attributes[] = {
    POLICIES,
    KEY,
    PLACE,
    {"role_arn", "ARN of the IAM role", NULL, A_TEXT, A_REQUIRED},
};
static const struct connector_config config_iam_role =
    CONFIG("IAMRoleAuthenticationConfig", "An access key, and the role that it may assume.", iam_role_attributes);

static const struct connector_attribute federation_attributes[] = {POLICIES, KEY, PLACE};
static const struct connector_config config_federation =
    CONFIG("FederationTokenAuthenticationConfig", "The access key of a user, and what the session may do.",
           federation_attributes);

enum { ROLE_MIN = 900, ROLE_DEFAULT = 3600, TOKEN_MAX = 129600, TOKEN_DEFAULT = 43200 };

static const struct connector_method methods[] = {
    {
        .name = "implicit",
        .label = "AWS Implicit Authentication",
        .description = "Use the credentials that this server runs with, optionally to assume a role. Off unless an "
                       "administrator has allowed implicit methods.",
        .config = &config_implicit,
        .min_expiration = ROLE_MIN,
        .default_expiration = ROLE_DEFAULT,
        .implicit = true,
    },
    {
        .name = "secret-key",
        .label = "AWS Secret Key",
        .description = "Use a long-lived access key as it is. Clients get the same key, so the other methods are "
                       "better where more than one person works.",
        .config = &config_secret_key,
    },
    {
        .name = "sts-token",
        .label = "AWS STS Token",
        .description = "Use temporary credentials that somebody has made. They have to be renewed by hand.",
        .config = &config_sts_token,
    },
    {
        .name = "iam-role",
        .label = "AWS IAM Role",
        .description = "Assume a role with an access key. Clients get temporary credentials, limited to the resource "
                       "they work on.",
        .config = &config_iam_role,
        .min_expiration = ROLE_MIN,
        .default_expiration = ROLE_DEFAULT,
    },
    {
        .name = "session-token",
        .label = "AWS Session Token",
        .description = "Get temporary credentials with a user's access key. They may do what the user may.",
        .config = &config_session_token,
        .min_expiration = ROLE_MIN,
        .max_expiration = TOKEN_MAX,
        .default_expiration = TOKEN_DEFAULT,
    },
    {
        .name = "federation-token",
        .label = "AWS Federation Token",
        .description = "Get temporary credentials for a federated user, limited to the resource they are for.",
        .config = &config_federation,
        .min_expiration = ROLE_MIN,
        .max_expiration = TOKEN_MAX,
        .default_expiration = TOKEN_DEFAULT,
    },
};

static const struct connector_resource resources[] = {
    {
        .name = "aws-generic",
        .label = "Generic AWS resource",
        .description = "Any service of AWS, through a session in the connector's region. The region is its name.",
        .logo_url = LOGO("connectors/aws/aws.png"),
        .emoji = ":large_orange_diamond:",
    },
    {
        .name = "s3-bucket",
        .label = "AWS S3 bucket",
        .description = "A bucket, named s3://bucket, arn:aws:s3:::bucket or bucket. Needs s3:ListBucket, "
                       "s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListAllMyBuckets.",
        .logo_url = LOGO("artifact_store/aws.png"),
        .emoji = ":package:",
        .instances = true,
    },
    {
        .name = "kubernetes-cluster",
        .label = "AWS EKS Kubernetes cluster",
        .description = "A cluster of EKS, by its name or ARN. Needs eks:ListClusters and eks:DescribeCluster, and "
                       "that the cluster knows the identity behind the credentials.",
        .logo_url = LOGO("orchestrator/kubernetes.png"),
        .emoji = ":cyclone:",
        .instances = true,
    },
    {
        .name = "docker-registry",
        .label = "AWS ECR container registry",
        .description = "The registry of the account in the region, by its address or the ARN of a repository. Needs "
                       "the permissions of ECR to list, pull and push, and ecr:GetAuthorizationToken.",
        .logo_url = LOGO("container_registry/docker.png"),
        .emoji = ":whale:",
    },
};

const struct connector_type connector_aws = {
    .name = "aws",
    .label = "AWS Service Connector",
    .description = "Gives stack components access to Amazon Web Services: buckets of S3, clusters of EKS, the "
                   "registry of ECR, and any other service.",
    .logo_url = LOGO("connectors/aws/aws.png"),
    .emoji = ":large_orange_diamond:",
    .auto_configuration = true,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
    .resources = resources,
    .resource_count = ARRAY_LEN(resources),
    .canonical_id = canonical_id,
    .default_id = default_id,
    .verify = verify,
    .client = client,
};
