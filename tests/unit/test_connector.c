/* Service connector types and connections; a Docker daemon is played by a child process. */
#include "unit.h"

#include "base/arena.h"
#include "connector/connection.h"

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
    };
    signal(SIGPIPE, SIG_IGN);
    setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
