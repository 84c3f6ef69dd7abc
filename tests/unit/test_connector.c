/* Service connector types and connections; a Docker daemon is played by a child process. */
#include "unit.h"

#include "base/arena.h"
#include "connector/call.h"
#include "connector/connection.h"
#include "connector/sigv4.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct arena mem;

static int reset(void **state)
{
    (void)state;
    setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock", 1);
    arena_free(&mem);
    return 0;
}

static struct json_object *json(const char *text)
{
    return json_tree(&mem, text, strlen(text));
}

static struct connection docker(const char *types, const char *id, const char *config)
{
    return (struct connection){.mem = &mem,
                               .type = &connector_docker,
                               .name = "hub",
                               .auth_method = "password",
                               .resource_types = json(types),
                               .resource_id = id,
                               .config = json(config),
                               .expiration = -1,
                               .skew = -1};
}

#define ONE   "[\"docker-registry\"]"
#define LOGIN "{\"username\":\"u\",\"password\":\"p\"}"

static void types_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(connector_type_find("docker"), &connector_docker);
    assert_null(connector_type_find("nothing"));
    assert_null(connector_type_find(NULL));
    assert_non_null(connector_method_find(&connector_docker, "password"));
    assert_null(connector_resource_find(&connector_docker, "s3-bucket"));
}

static void registries_have_canonical_names(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"docker.io", "docker.io"},
        {"index.docker.io/v1/x", "docker.io"},
        {"https://index.docker.io/v1", "docker.io"},
        {"http://localhost:5000/a/b", "localhost:5000"},
        {"my-host.example.com:443", "my-host.example.com:443"},
        {"x y", NULL},
        {"", NULL},
        {"host:", NULL},
        {"host.", NULL},
        {"host/", NULL},
        {"ftp://host", NULL},
        {"!", NULL},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct connection con = {.mem = &mem, .type = &connector_docker};
        const char *got = connector_docker.canonical_id(&con, connector_docker.resources, names[i][0]);
        if (names[i][1])
            assert_string_equal(got, names[i][1]);
        else
            assert_null(got);
    }
}

static void attributes_are_split_by_the_schema(void **state)
{
    (void)state;
    struct json_object *plain, *secret;
    const struct connector_method *m = connector_docker.methods;
    assert_null(connector_split(&mem, m, json("{\"username\":\"u\",\"registry\":\"r\",\"other\":1}"),
                                json("{\"password\":\"p\"}"), &plain, &secret));
    assert_string_equal(json_text(&mem, plain, false), "{\"registry\":\"r\"}");
    assert_string_equal(json_text(&mem, secret, false), "{\"username\":\"u\",\"password\":\"p\"}");
    assert_string_equal(connector_split(&mem, m, json("{\"username\":\"u\"}"), NULL, &plain, &secret), "password");
}

static void lists_may_be_given_as_text(void **state)
{
    (void)state;
    struct json_object *plain, *secret;
    static const struct connector_attribute attributes[] = {{"l", "L", NULL, A_TEXTS, 0}};
    static const struct connector_config config_of = CONFIG("L", "A list.", attributes);
    const struct connector_method m = {.config = &config_of};
    assert_null(connector_split(&mem, &m, json("{\"l\":\"a,b\"}"), NULL, &plain, &secret));
    assert_string_equal(json_text(&mem, plain, false), "{\"l\":[\"a\",\"b\"]}");
    assert_null(connector_split(&mem, &m, json("{\"l\":\"[\\\"c\\\"]\"}"), NULL, &plain, &secret));
    assert_string_equal(json_text(&mem, plain, false), "{\"l\":[\"c\"]}");
}

static void opening_checks_the_configuration(void **state)
{
    (void)state;
    struct connection good = docker(ONE, "index.docker.io", LOGIN), other = docker(ONE, "other.io", LOGIN);
    struct connection cases[] = {docker(ONE, NULL, "{\"username\":\"u\"}"),
                                 docker("[\"x\"]", NULL, LOGIN),
                                 docker(ONE, "a b", LOGIN),
                                 docker(ONE, NULL, "{\"username\":1,\"password\":\"p\"}"),
                                 docker(ONE, NULL, LOGIN),
                                 docker(ONE, NULL, LOGIN)};
    cases[4].auth_method = "token";
    cases[5].expiration = 0;
    assert_null(connection_open(&good));
    assert_string_equal(good.resource_id, "docker.io");
    assert_null(connection_open(&other));
    assert_null(other.resource_id);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_non_null(connection_open(&cases[i]));
}

static void verification_without_a_daemon(void **state)
{
    (void)state;
    struct connection bound = docker(ONE, NULL, LOGIN), loose = docker("[]", NULL, LOGIN);
    struct verification got;
    assert_null(connection_open(&bound));
    assert_null(connection_verify(&bound, NULL, NULL, true, &got));
    assert_int_equal(got.count, 1);
    assert_null(got.error);
    assert_string_equal(got.access[0].ids[0], "docker.io");
    assert_null(connection_verify(&bound, NULL, "other.io", true, &got));
    assert_non_null(strstr(got.error, "connector 'hub' authorization failure"));
    assert_string_equal(got.access[0].error, got.error);
    assert_null(got.access[0].ids);
    assert_non_null(connection_verify(&bound, "s3-bucket", NULL, true, &got));
    assert_null(connection_open(&loose));
    assert_null(connection_verify(&loose, NULL, NULL, false, &got));
    assert_null(got.access[0].ids);
    assert_null(got.error);
}

static void credentials_expire(void **state)
{
    (void)state;
    struct connection con = docker(ONE, NULL, LOGIN);
    struct verification got;
    struct connection to;
    bool refused;
    con.expires_at = (int64_t)time(NULL) + 200; /* within the default tolerance of 300 seconds */
    assert_null(connection_open(&con));
    assert_null(connection_verify(&con, NULL, NULL, true, &got));
    assert_non_null(got.error);
    assert_non_null(connection_client(&con, NULL, NULL, &to, &refused));
    assert_true(refused);
    con.skew = 100;
    assert_null(connection_verify(&con, NULL, NULL, true, &got));
    assert_null(got.error);
}

static void a_client_works_on_one_resource(void **state)
{
    (void)state;
    struct connection loose = docker("[]", NULL, LOGIN), to;
    bool refused;
    assert_null(connection_open(&loose));
    assert_non_null(connection_client(&loose, NULL, NULL, &to, &refused));
    assert_false(refused);
    assert_null(connection_client(&loose, "docker-registry", NULL, &to, &refused));
    assert_string_equal(to.resource->name, "docker-registry");
    assert_string_equal(to.resource_id, "docker.io");
    assert_string_equal(to.name, "hub");
    assert_non_null(connection_client(&loose, "docker-registry", "other.io", &to, &refused));
    assert_true(refused);
}

/* Answers one request with `status` and says whether it held `expected`, by the exit status. */
static void serve(int listener, const char *status, const char *expected)
{
    char request[4096] = "", answer[256];
    size_t len = 0;
    int c = accept(listener, NULL, NULL);
    while (len < sizeof request - 1 && !strstr(request, "}")) {
        ssize_t n = read(c, request + len, sizeof request - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
        request[len] = '\0';
    }
    snprintf(answer, sizeof answer,
             "HTTP/1.1 %s\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{\"message\":\"refuse\"}", status);
    ssize_t sent = write(c, answer, strlen(answer));
    close(c);
    _exit(sent > 0 && strncmp(request, "POST /auth ", 11) == 0 && strstr(request, expected) ? 0 : 1);
}

/* What a verification says when a daemon answers with `status`. */
static const char *ask_daemon(const char *config, const char *status, const char *expected)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    struct connection con = docker(ONE, NULL, config);
    struct verification got;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), result;
    assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
    pid_t daemon = fork();
    if (daemon == 0)
        serve(listener, status, expected);
    close(listener);
    setenv("DOCKER_HOST", arena_printf(&mem, "tcp://127.0.0.1:%d", ntohs(a.sin_port)), 1);
    assert_null(connection_open(&con));
    assert_null(connection_verify(&con, NULL, NULL, true, &got));
    assert_int_equal(waitpid(daemon, &result, 0), daemon);
    assert_int_equal(result, 0);
    return got.error;
}

static void a_daemon_tries_the_login(void **state)
{
    (void)state;
    assert_null(ask_daemon(LOGIN, "200 OK", "{\"username\":\"u\",\"password\":\"p\"}"));
    const char *error = ask_daemon("{\"username\":\"u\",\"password\":\"p\",\"registry\":\"http://r:1/x\"}",
                                   "401 Unauthorized", "\"serveraddress\":\"r:1\"");
    assert_non_null(error);
    assert_non_null(strstr(error, "r:1"));
    assert_non_null(strstr(error, "refuse"));
}

/* Signatures of AWS, as published in Amazon's suite of test vectors. */
static void signatures_equal_the_published_ones(void **state)
{
    (void)state;
    static const char *const form[] = {"content-type: application/x-www-form-urlencoded", NULL};
    static const struct {
        const char *method, *query, *const *headers, *body, *signature;
    } vectors[] = {
        {"GET", "", NULL, NULL, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"GET", "Param1=value1&Param2=value2", NULL, NULL,
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"POST", "", NULL, NULL, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"POST", "", form, "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    };
    const struct sigv4_key key = {.id = "AKIDEXAMPLE",
                                  .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                  .region = "us-east-1",
                                  .service = "service"};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct sigv4_request r = {.method = vectors[i].method,
                                        .host = "example.amazonaws.com",
                                        .path = "/",
                                        .query = vectors[i].query,
                                        .headers = vectors[i].headers,
                                        .body = vectors[i].body,
                                        .now = 1440938160};
        const char *const *lines = sigv4_headers(&mem, &key, &r), *last = "";
        for (; *lines; lines++)
            last = *lines;
        assert_string_equal(last, arena_printf(&mem,
                                               "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/"
                                               "us-east-1/service/aws4_request, SignedHeaders=%shost;x-amz-date, "
                                               "Signature=%s",
                                               vectors[i].headers ? "content-type;" : "", vectors[i].signature));
    }
}

/* Signed URLs, as Amazon's own library for Python makes them. */
static void signed_urls_equal_those_of_the_sdk(void **state)
{
    (void)state;
    static const char *const cluster[] = {"x-k8s-aws-id: one", NULL};
    static const char *const expected[][2] = {
        {NULL, "867586c4d5e8a3be5808f02cbbef7f13bc98fc92b29bd10b7628ee241fe545a6"},
        {"a/session+token=", "e825fc7bba521f1835cd6bc5cf6c39301fab0b82cc34716c78750da42f76f041"}};
    const struct sigv4_request r = {.method = "GET",
                                    .host = "sts.us-east-1.amazonaws.com",
                                    .path = "/",
                                    .query = "Action=GetCallerIdentity&Version=2011-06-15",
                                    .headers = cluster,
                                    .now = 1440938160};
    for (size_t i = 0; i < 2; i++) {
        const struct sigv4_key key = {.id = "AKIDEXAMPLE",
                                      .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                      .session = expected[i][0],
                                      .region = "us-east-1",
                                      .service = "sts"};
        const char *url = sigv4_url(&mem, &key, &r, 60);
        assert_non_null(strstr(url, "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&"
                                    "X-Amz-Algorithm=AWS4-HMAC-SHA256&"));
        assert_non_null(strstr(url, "&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&"));
        assert_string_equal(strstr(url, "Signature=") + strlen("Signature="), expected[i][1]);
    }
}

static void xml_and_base64_are_read(void **state)
{
    (void)state;
    const char *at = "<a><Name>one &amp; two</Name><Name>&lt;three&gt;</Name><Name>cut", *text;
    text = xml_next(&mem, &at, "Name");
    assert_string_equal(text, "one & two");
    assert_string_equal(xml_next(&mem, &at, "Name"), "<three>");
    assert_null(xml_next(&mem, &at, "Name"));
    assert_string_equal(base64_any(&mem, "aGVsbG8=\n"), "hello");
    assert_string_equal(base64_any(&mem, "fn5-\r\nfn5+"), "~~~~~~");
    assert_string_equal(base64_any(&mem, "Pz8_Pz8/"), "??????");
    assert_null(base64_any(&mem, "not base64!"));
}

static void satisfied_requirements(void **state)
{
    (void)state;
    struct json_object *types = json("[\"s3-bucket\",\"aws-generic\"]"), *set = json("{\"path\":\"s3://b\"}");
    assert_null(connector_satisfies(&mem, "aws", types, NULL, NULL, "s3-bucket", NULL));
    assert_null(connector_satisfies(&mem, "aws", types, set, "aws", "s3-bucket", "path"));
    assert_non_null(strstr(connector_satisfies(&mem, "gcp", types, set, "aws", "s3-bucket", "path"), "'gcp'"));
    assert_non_null(
        strstr(connector_satisfies(&mem, "aws", types, set, "aws", "gcs-bucket", NULL), "s3-bucket, aws-generic"));
    assert_non_null(
        strstr(connector_satisfies(&mem, "aws", types, json("{\"path\":\"\"}"), "aws", "s3-bucket", "path"), "'path'"));
}

static void specifications_are_looked_up(void **state)
{
    (void)state;
    assert_null(connector_specification(&mem, &connector_aws, "iam-role", NULL));
    assert_null(connector_specification(&mem, &connector_aws, "iam-role", "s3-bucket"));
    assert_non_null(strstr(connector_specification(&mem, &connector_aws, "key", NULL),
                           "implicit, secret-key, sts-token, iam-role, session-token, federation-token"));
    assert_non_null(strstr(connector_specification(&mem, &connector_aws, "iam-role", "gcs-bucket"),
                           "aws-generic, s3-bucket, kubernetes-cluster, docker-registry"));
}

static void expirations_are_checked(void **state)
{
    (void)state;
    const struct connector_method method = {.name = "m",
                                            .min_expiration = 10,
                                            .max_expiration = 100,
                                            .default_expiration = 50},
                                  endless = {.name = "e"};
    static const int64_t good[][2] = {{-1, 50}, {0, 50}, {10, 10}, {100, 100}};
    for (size_t i = 0; i < 4; i++) {
        int64_t seconds = good[i][0];
        assert_null(connector_expiration(&mem, &method, &seconds));
        assert_int_equal(seconds, good[i][1]);
    }
    int64_t low = 5, high = 101, none = -1, zero = 0;
    assert_non_null(connector_expiration(&mem, &method, &low));
    assert_non_null(connector_expiration(&mem, &method, &high));
    assert_null(connector_expiration(&mem, &endless, &none));
    assert_non_null(connector_expiration(&mem, &endless, &zero));
}

/* What Amazon, Google and Azure take for a name, and what not. */
static void names_of_clouds(void **state)
{
    (void)state;
    static const struct {
        const struct connector_type *type;
        const char *resource, *given, *canonical;
    } names[] = {
        {&connector_aws, "s3-bucket", "s3://a.b-c/d", "s3://a.b-c"},
        {&connector_aws, "s3-bucket", "arn:aws:s3:::abc/x", "s3://abc"},
        {&connector_aws, "s3-bucket", "abc/x", NULL},
        {&connector_aws, "s3-bucket", "ab", NULL},
        {&connector_aws, "s3-bucket", "-abc", NULL},
        {&connector_aws, "s3-bucket", "Abc", NULL},
        {&connector_aws, "kubernetes-cluster", "My_cluster-1", "My_cluster-1"},
        {&connector_aws, "kubernetes-cluster", "arn:aws:eks:eu-west-1:123456789012:cluster/one", "one"},
        {&connector_aws, "kubernetes-cluster", "arn:aws:eks:us-east-1:123456789012:cluster/one", NULL},
        {&connector_aws, "kubernetes-cluster", "-one", NULL},
        {&connector_aws, "docker-registry", "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/x",
         "123456789012.dkr.ecr.eu-west-1.amazonaws.com"},
        {&connector_aws, "docker-registry", "arn:aws:ecr:eu-west-1:123456789012:repository/x",
         "123456789012.dkr.ecr.eu-west-1.amazonaws.com"},
        {&connector_aws, "docker-registry", "12345.dkr.ecr.eu-west-1.amazonaws.com", NULL},
        {&connector_aws, "docker-registry", "123456789012.dkr.ecr.us-east-1.amazonaws.com", NULL},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct connection con = {.mem = &mem, .type = names[i].type, .config = json("{\"region\":\"eu-west-1\"}")};
        const struct connector_resource *r = connector_resource_find(names[i].type, names[i].resource);
        const char *got = names[i].type->canonical_id(&con, r, names[i].given);
        if (names[i].canonical)
            assert_string_equal(got, names[i].canonical);
        else
            assert_null(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(types_are_found_by_name, reset),
        cmocka_unit_test_teardown(registries_have_canonical_names, reset),
        cmocka_unit_test_teardown(attributes_are_split_by_the_schema, reset),
        cmocka_unit_test_teardown(lists_may_be_given_as_text, reset),
        cmocka_unit_test_teardown(opening_checks_the_configuration, reset),
        cmocka_unit_test_teardown(verification_without_a_daemon, reset),
        cmocka_unit_test_teardown(credentials_expire, reset),
        cmocka_unit_test_teardown(a_client_works_on_one_resource, reset),
        cmocka_unit_test_teardown(a_daemon_tries_the_login, reset),
        cmocka_unit_test_teardown(signatures_equal_the_published_ones, reset),
        cmocka_unit_test_teardown(signed_urls_equal_those_of_the_sdk, reset),
        cmocka_unit_test_teardown(xml_and_base64_are_read, reset),
        cmocka_unit_test_teardown(satisfied_requirements, reset),
        cmocka_unit_test_teardown(specifications_are_looked_up, reset),
        cmocka_unit_test_teardown(expirations_are_checked, reset),
        cmocka_unit_test_teardown(names_of_clouds, reset),
    };
    signal(SIGPIPE, SIG_IGN);
    setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
