#include "connector/machine.h"

#include "base/file.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "connector/provider.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 64 * 1024 };

/* The longest that a metadata service may be asked to keep a session. */
#define IMDS_TTL "X-aws-ec2-metadata-token-ttl-seconds: 21600"

/* A variable of the environment; NULL when it is not set, or empty. */
static const char *variable(const char *name)
{
    const char *s = getenv(name);
    return s && *s ? s : NULL;
}

/* A text out of a file that the platform has named in the environment. */
static const char *read_token(const struct connection *con, const char *path, const char **out)
{
    const char *problem = NULL;
    *out = file_text(con->mem, path, FILE_MAX, &problem);
    return *out ? NULL : arena_printf(con->mem, "a token of the platform cannot be read: %s", problem);
}

/* A question to a service of the machine itself: no proxy comes between. */
static struct fetched ask_machine(const struct connection *con, const char *method, const char *url, const char *header)
{
    const char *const headers[] = {header, NULL};
    const struct call c = {.method = method, .url = call_url(con->mem, url), .headers = headers, .nearby = true};
    return call_send(con, &c);
}

/* AWS ------------------------------------------------------------------------------------------------------------- */

const char *sts_credentials(struct arena *a, const char *xml, struct sigv4_key *key, int64_t *expires_at)
{
    char stamp[STAMP_LEN + 1];
    const char *expiration = xml_first(a, xml, "Expiration");
    *key = (struct sigv4_key){.id = xml_first(a, xml, "AccessKeyId"),
                              .secret = xml_first(a, xml, "SecretAccessKey"),
                              .session = xml_first(a, xml, "SessionToken")};
    if (!key->id || !key->secret || !key->session || !expiration || !stamp_parse(expiration, strlen(expiration), stamp))
        return "the answer of AWS holds no credentials";
    if (expires_at)
        *expires_at = stamp_seconds(stamp);
    return NULL;
}

/* A role that AWS lets this server have because a cluster says who it is: the call needs no signature. */
static const char *key_of_web_identity(const struct connection *con, const char *region, const char *path,
                                       struct sigv4_key *key)
{
    static const char *const headers[] = {FORM_TYPE, NULL};
    struct arena *a = con->mem;
    const char *name = variable("AWS_ROLE_SESSION_NAME"), *token, *problem = read_token(con, path, &token);
    if (problem)
        return problem;
    const char *form = form_add(a, "", "Action", "AssumeRoleWithWebIdentity");
    form = form_add(a, form, "Version", "2011-06-15");
    form = form_add(a, form, "RoleArn", variable("AWS_ROLE_ARN"));
    form = form_add(a, form, "RoleSessionName", name ? name : "zenml-connector");
    form = form_add(a, form, "WebIdentityToken", token);
    const struct call c = {
        .method = "POST",
        .url = arena_printf(a, "%s/", call_base(a, arena_printf(a, "sts.%s.amazonaws.com", region))),
        .headers = headers,
        .body = form,
    };
    struct fetched got = call_send(con, &c);
    problem = call_problem(con, &got);
    return problem ? problem : sts_credentials(a, got.body, key, NULL);
}

/* Credentials as containers and instances are given them, in JSON. */
static const char *read_key(const struct connection *con, const struct fetched *got, struct sigv4_key *key)
{
    struct json_object *o;
    const char *problem = call_read(con, got, &o);
    *key = (struct sigv4_key){.id = member_str(o, "AccessKeyId"),
                              .secret = member_str(o, "SecretAccessKey"),
                              .session = member_str(o, "Token")};
    return problem || (key->id && key->secret) ? problem : "the answer of the machine's service holds no credentials";
}

/* The service of a container: of ECS by a path, of EKS by a URL, both named by the platform. */
static const char *key_of_container(const struct connection *con, const char *path, const char *url,
                                    struct sigv4_key *key)
{
    const char *token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"), *problem = NULL;
    const char *file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (file)
        problem = read_token(con, file, &token);
    if (problem)
        return problem;
    struct fetched got = ask_machine(con, "GET", path ? arena_printf(con->mem, "http://169.254.170.2%s", path) : url,
                                     token ? arena_printf(con->mem, "Authorization: %s", token) : NULL);
    return read_key(con, &got, key);
}

/* Asks the metadata service of an instance, within a session (IMDSv2). */
static const char *ask_instance(const struct connection *con, const char *path, struct fetched *got)
{
    struct fetched session = ask_machine(con, "PUT", METADATA "/latest/api/token", IMDS_TTL);
    const char *problem = call_problem(con, &session);
    if (problem)
        return problem;
    *got = ask_machine(con, "GET", arena_printf(con->mem, METADATA "/latest/meta-data/%s", path),
                       arena_printf(con->mem, "X-aws-ec2-metadata-token: %s", session.body));
    return call_problem(con, got);
}

static const char *key_of_instance(const struct connection *con, struct sigv4_key *key)
{
    static const char where[] = "iam/security-credentials/";
    struct fetched got = {0};
    const char *problem = ask_instance(con, where, &got);
    if (problem)
        return problem;
    const char *role = arena_strndup(con->mem, got.body, strcspn(got.body, "\r\n"));
    problem = ask_instance(con, arena_printf(con->mem, "%s%s", where, role), &got);
    return problem ? problem : read_key(con, &got, key);
}

const char *machine_aws_key(const struct connection *con, const char *region, struct sigv4_key *key)
{
    const char *path = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), *problem;
    const char *url = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
               *identity = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
    *key = (struct sigv4_key){.id = variable("AWS_ACCESS_KEY_ID"),
                              .secret = variable("AWS_SECRET_ACCESS_KEY"),
                              .session = variable("AWS_SESSION_TOKEN")};
    if (key->id && key->secret)
        return NULL;
    if (identity && variable("AWS_ROLE_ARN"))
        problem = key_of_web_identity(con, region, identity, key);
    else if (path || url)
        problem = key_of_container(con, path, url, key);
    else if (streq(getenv("AWS_EC2_METADATA_DISABLED"), "true"))
        problem = "AWS_EC2_METADATA_DISABLED is set";
    else
        problem = key_of_instance(con, key);
    return problem ? arena_printf(con->mem,
                                  "this server has no AWS credentials of its own: AWS_ACCESS_KEY_ID and "
                                  "AWS_SECRET_ACCESS_KEY are not set, and its platform gives none (%s)",
                                  problem)
                   : NULL;
}

const char *machine_aws_region(const struct connection *con, const char **region)
{
    struct fetched got;
    *region = variable("AWS_REGION");
    if (!*region)
        *region = variable("AWS_DEFAULT_REGION");
    const char *problem = *region ? NULL : ask_instance(con, "placement/region", &got);
    if (problem)
        return arena_printf(con->mem, "the AWS region of this server is not known: AWS_REGION is not set (%s)",
                            problem);
    if (!*region)
        *region = got.body;
    return NULL;
}

/* Azure ----------------------------------------------------------------------------------------------------------- */

const char *azure_client_token(const struct connection *con, const char *tenant, const char *client, const char *secret,
                               const char *assertion, const char *audience, const char **token)
{
    static const char *const headers[] = {FORM_TYPE, NULL};
    static const char kind[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    struct arena *a = con->mem;
    const char *form = form_add(a, "", "client_id", client);
    form = form_add(a, form, "client_secret", secret);
    form = form_add(a, form, "client_assertion_type", assertion ? kind : NULL);
    form = form_add(a, form, "client_assertion", assertion);
    form = form_add(a, form, "grant_type", "client_credentials");
    form = form_add(a, form, "scope", arena_printf(a, "https://%s/.default", audience));
    const struct call c = {
        .method = "POST",
        .url = arena_printf(a, "%s/%s/oauth2/v2.0/token", call_base(a, "login.microsoftonline.com"),
                            percent_encode(a, tenant)),
        .headers = headers,
        .body = form,
    };
    return ask_token(con, &c, token, NULL);
}

/* A managed identity: of App Service, whose endpoint stands in the environment, or of a virtual machine. */
static const char *identity_token(const struct connection *con, const char *audience, const char **token)
{
    struct arena *a = con->mem;
    const char *endpoint = variable("IDENTITY_ENDPOINT"), *secret = variable("IDENTITY_HEADER");
    bool service = endpoint && secret;
    const char *query = form_add(a, service ? "api-version=2019-08-01" : "api-version=2018-02-01", "resource",
                                 arena_printf(a, "https://%s/", audience));
    query = form_add(a, query, "client_id", variable("AZURE_CLIENT_ID"));
    const char *const headers[] = {service ? arena_printf(a, "X-IDENTITY-HEADER: %s", secret) : "Metadata: true", NULL};
    const struct call c = {
        .method = "GET",
        .url = call_url(
            a, arena_printf(a, "%s?%s", service ? endpoint : METADATA "/metadata/identity/oauth2/token", query)),
        .headers = headers,
        .nearby = true,
    };
    return ask_token(con, &c, token, NULL);
}

const char *machine_azure_token(const struct connection *con, const char *audience, const char **token)
{
    const char *tenant = variable("AZURE_TENANT_ID"), *client = variable("AZURE_CLIENT_ID"), *assertion;
    const char *secret = variable("AZURE_CLIENT_SECRET"), *file = variable("AZURE_FEDERATED_TOKEN_FILE");
    if (tenant && client && secret)
        return azure_client_token(con, tenant, client, secret, NULL, audience, token);
    if (!tenant || !client || !file)
        return identity_token(con, audience, token);
    const char *problem = read_token(con, file, &assertion);
    return problem ? problem : azure_client_token(con, tenant, client, NULL, assertion, audience, token);
}

/* Google ---------------------------------------------------------------------------------------------------------- */

const char *machine_google_token(const struct connection *con, const char **token, int64_t *expires_at)
{
    static const char *const headers[] = {"Metadata-Flavor: Google", NULL};
    const struct call c = {
        .method = "GET",
        .url = call_url(con->mem,
                        "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"),
        .headers = headers,
        .nearby = true,
    };
    return ask_token(con, &c, token, expires_at);
}

const char *machine_google_key(const struct connection *con, struct json_object **key)
{
    const char *path = variable("GOOGLE_APPLICATION_CREDENTIALS"), *text, *problem;
    *key = NULL;
    if (!path)
        return NULL;
    problem = read_token(con, path, &text);
    if (!problem)
        *key = json_tree(con->mem, text, strlen(text));
    return problem || json_object_is_type(*key, json_type_object)
               ? problem
               : "the file in GOOGLE_APPLICATION_CREDENTIALS is not a JSON object";
}
