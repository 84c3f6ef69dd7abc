/* Rooms without I/O: arena, buffers, texts, UUIDs, timestamps. */
#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/egress.h"
#include "base/kubeconfig.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/url.h"
#include "base/uuid.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena mem;

static int reset(void **state)
{
    (void)state;
    arena_free(&mem);
    return 0;
}

static void count_up(void *n)
{
    ++*(int *)n;
}

static void arena_gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    for (size_t size = 1; size < 1000000; size = size * 3 + 1) {
        unsigned char *p = arena_alloc(&mem, size);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, size);
    }
    arena_reset(&mem);
    unsigned char *again = arena_alloc(&mem, 4096);
    for (size_t i = 0; i < 4096; i++)
        assert_int_equal(again[i], 0);
}

static void arrays_grow_and_keep_their_items(void **state)
{
    (void)state;
    enum { ITEMS = 1000 };
    uint64_t *items = NULL;
    size_t room = 0, moves = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        uint64_t *grown = arena_grow(&mem, items, i, &room, sizeof *items);
        moves += grown != items;
        items = grown;
        assert_true(room > i);
        items[i] = i;
    }
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(items[i], i);
    assert_in_range(moves, 2, 16); /* doubled, not added to */
    for (size_t i = ITEMS; i < room; i++)
        assert_int_equal(items[i], 0);
}

static void arena_runs_cleanups_once_at_reset(void **state)
{
    (void)state;
    int n = 0;
    arena_on_reset(&mem, count_up, &n);
    arena_on_reset(&mem, count_up, &n);
    assert_int_equal(n, 0);
    arena_reset(&mem);
    arena_reset(&mem);
    assert_int_equal(n, 2);
}

static void buffers_grow_and_stay_terminated(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 5000; i++)
        buf_addf(&b, "%d,", i % 10);
    assert_int_equal(b.len, 10000);
    assert_int_equal(strlen(b.data), b.len);
    buf_clear(&b, 1 << 20);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    buf_free(&b);
}

static void base64_follows_the_rfc(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        size_t len = 99;
        assert_string_equal(base64_encode(&mem, vectors[i][0], strlen(vectors[i][0])), vectors[i][1]);
        assert_string_equal(base64_decode(&mem, vectors[i][1], strlen(vectors[i][1]), &len), vectors[i][0]);
        assert_int_equal(len, strlen(vectors[i][0]));
    }
    size_t len;
    static const char *const bad[] = {"Zg=", "Zg", "Z===", "Zm9v!A==", "Zm 9v"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_null(base64_decode(&mem, bad[i], strlen(bad[i]), &len));
    assert_string_equal(base64url_encode(&mem, "\xfb\xff", 2), "-_8");
    assert_non_null(base64url_decode(&mem, "-_8", 3, &len));
    assert_int_equal(len, 2);
}

static void percent_escapes_are_made(void **state)
{
    (void)state;
    assert_string_equal(percent_encode(&mem, ""), "");
    assert_string_equal(percent_encode(&mem, "azAZ09-._~"), "azAZ09-._~");
    assert_string_equal(percent_encode(&mem, " /?&=+%:\x01\x7f\xc3\xa9"), "%20%2F%3F%26%3D%2B%25%3A%01%7F%C3%A9");
    for (unsigned c = 1; c < 256; c++) {
        const char text[] = {(char)c, '\0'}, *escaped = percent_encode(&mem, text);
        assert_string_equal(percent_decode(&mem, escaped, strlen(escaped), true, NULL), text);
    }
}

static void hosts_of_urls_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *url, *name; /* NULL: it is none */
        unsigned port;
    } cases[] = {
        {"http://kanso.example", "kanso.example", 0},
        {"https://kanso.example:8443/a:1/b?c=[d]#e@f", "kanso.example", 8443},
        {"svn+ssh://user:password@host:22/x", "host", 22},
        {"http://user@[2001:DB8:0:0::1]:80", "2001:db8::1", 80},
        {"http://[fe80::1%25eth0]", "fe80::1%eth0", 0},
        {"http://[fe80::1%eth0]:65535/", "fe80::1%eth0", 65535},
        {"http://[::ffff:127.0.0.1]", "::ffff:127.0.0.1", 0},
        {"http://a%2Db_c~.d", "a-b_c~.d", 0},
        {"http://b\xc3\xbc"
         "cher.example",
         "b\xc3\xbc"
         "cher.example",
         0},
        {"null", NULL, 0},
        {"", NULL, 0},
        {"://host", NULL, 0},
        {"/path?of=http://host", NULL, 0},
        {"http:/host", NULL, 0},
        {"http://", NULL, 0},
        {"http:///path", NULL, 0},
        {"http://user@", NULL, 0},
        {"http://:80", NULL, 0},
        {"http://host:", NULL, 0},
        {"http://host:0", NULL, 0},
        {"http://host:65536", NULL, 0},
        {"http://host:100000", NULL, 0},
        {"http://host:8 0", NULL, 0},
        {"http://host:-1", NULL, 0},
        {"http://host:1:2", NULL, 0},
        {"http://a@b@c", NULL, 0},
        {"http://a%00b", NULL, 0},
        {"http://a%2fb", NULL, 0},
        {"http://a%zz", NULL, 0},
        {"http://a\\b", NULL, 0},
        {"http://a b", NULL, 0},
        {"http://a,b", NULL, 0},
        {"http://::1", NULL, 0},
        {"http://[::1", NULL, 0},
        {"http://[::1]x", NULL, 0},
        {"http://[]", NULL, 0},
        {"http://[host]", NULL, 0},
        {"http://[::1%]", NULL, 0},
        {"http://[::1%25]", NULL, 0},
        {"http://[::1%a b]", NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct url_host host = {"untouched", 7};
        bool good = url_host(&mem, cases[i].url, &host);
        if (good != (cases[i].name != NULL))
            fail_msg("%s was %s", cases[i].url, good ? "taken" : "refused");
        assert_string_equal(host.name, good ? cases[i].name : "untouched");
        assert_int_equal(host.port, good ? cases[i].port : 7);
    }
}

static void utf8_is_told_from_other_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        bool good;
    } cases[] = {{"plain", true},     {"\xc3\xa9", true},      {"\xe2\x98\x83", true},      {"\xf0\x9f\x98\x80", true},
                 {"\xc0\x80", false}, {"\xed\xa0\x80", false}, {"\xf4\x90\x80\x80", false}, {"\xff", false},
                 {"\xe2\x98", false}, {"\x80", false},         {"\xf0\x80\x80\x80", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(utf8_valid(cases[i].s, strlen(cases[i].s)), cases[i].good);
    assert_int_equal(utf8_length("a\xc3\xa9\xe2\x98\x83", 6), 3);
}

static void percent_escapes_are_decoded(void **state)
{
    (void)state;
    size_t len;
    assert_string_equal(percent_decode(&mem, "a%20b+c%2Bd%zz%4", 16, true, &len), "a b c+d%zz%4");
    assert_string_equal(percent_decode(&mem, "a+b", 3, false, &len), "a+b");
    percent_decode(&mem, "a%00b", 5, true, &len);
    assert_int_equal(len, 3);
}

static void python_repr_chooses_its_quotes(void **state)
{
    (void)state;
    assert_string_equal(python_repr(&mem, "plain"), "'plain'");
    assert_string_equal(python_repr(&mem, "it's"), "\"it's\"");
    assert_string_equal(python_repr(&mem, "it's \"x\""), "'it\\'s \"x\"'");
    assert_string_equal(python_repr(&mem, "a\nb\t\\\x01"), "'a\\nb\\t\\\\\\x01'");
    assert_string_equal(python_repr(&mem, "\xc3\xa9"), "'\xc3\xa9'");
}

static void boolean_words_in_any_case(void **state)
{
    (void)state;
    assert_int_equal(parse_bool_word("TRUE", 4), 1);
    assert_int_equal(parse_bool_word("off", 3), 0);
    assert_int_equal(parse_bool_word("y", 1), 1);
    assert_int_equal(parse_bool_word("", 0), -1);
    assert_int_equal(parse_bool_word("truely", 6), -1);
}

static void uuids_in_all_their_forms(void **state)
{
    (void)state;
    static const char *const good[] = {"2C826B4C-c3be-479a-ace8-2403eafed34e", "2c826b4cc3be479aace82403eafed34e",
                                       "{2c826b4c-c3be-479a-ace8-2403eafed34e}",
                                       "urn:uuid:2c826b4c-c3be-479a-ace8-2403eafed34e"};
    static const char *const bad[] = {"",
                                      "2c826b4c",
                                      "2c826b4c-c3be-479a-ace8-2403eafed34g",
                                      "2c826b4cc3be-479a-ace8-2403eafed34e0",
                                      "{2c826b4cc3be479aace82403eafed34e",
                                      "2c826b4c-c3be-479a-ace8-2403eafed34e "};
    char hex[UUID_HEX + 1], text[UUID_TEXT + 1];
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(uuid_read(good[i], strlen(good[i]), hex));
        assert_string_equal(hex, "2c826b4cc3be479aace82403eafed34e");
        uuid_write(hex, text);
        assert_string_equal(text, "2c826b4c-c3be-479a-ace8-2403eafed34e");
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(uuid_read(bad[i], strlen(bad[i]), hex));
    uuid_new(hex);
    assert_int_equal(strlen(hex), UUID_HEX);
    assert_int_equal(hex[12], '4');
}

static void timestamps_become_whole_seconds_of_utc(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"2024-01-31T12:34:56", "2024-01-31 12:34:56"},
        {"2024-01-31 12:34:56.999", "2024-01-31 12:34:56"},
        {"2024-01-31T12:34:56+02:00", "2024-01-31 10:34:56"},
        {"2024-01-31T12:34:56-0330", "2024-01-31 16:04:56"},
        {"2024-01-31T12:34+00:00", "2024-01-31 12:34:00"},
        {"2024-02-29T23:30:00.5-00:45", "2024-03-01 00:15:00"},
        {"2024-01-01T00:00:00+23:59", "2023-12-31 00:01:00"},
        {"0001-01-01T00:00:00", "0001-01-01 00:00:00"},
        {"9999-12-31T23:59:59", "9999-12-31 23:59:59"},
        {"2024-01-31T12:34:56.5Z", "2024-01-31 12:34:56"},
        {"2024-01-31", "2024-01-31 00:00:00"},
        {"2024-01-31T12:34", "2024-01-31 12:34:00"},
        {"1706704496", "2024-01-31 12:34:56"},
        {"1706704496000", "2024-01-31 12:34:56"},
        {"2024-02-29T00:00:00", "2024-02-29 00:00:00"},
    };
    static const char *const bad[] = {"",
                                      "yesterday",
                                      "2024-13-01",
                                      "2023-02-29",
                                      "2024-01-31T25:00:00",
                                      "2024-01-31T12:34:56x",
                                      "2024-01-31T12:34:56+99:00",
                                      "2024-01-31T12:34:56+24:00",
                                      "2024-01-31T12:34:56+09",
                                      "2024-01-31T12:34:56 +09:00",
                                      "0001-01-01T00:00:00+00:01",
                                      "9999-12-31T23:59:59-00:01",
                                      "2024-1-1",
                                      "nan",
                                      "2024-01-31T"};
    char out[STAMP_LEN + 1];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(stamp_parse(cases[i][0], strlen(cases[i][0]), out));
        assert_string_equal(out, cases[i][1]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(stamp_parse(bad[i], strlen(bad[i]), out));
    assert_true(stamp_parse_exact("2024-01-31 12:34:56", 19, out));
    assert_false(stamp_parse_exact("2024-01-31T12:34:56", 19, out));
    assert_int_equal(stamp_seconds("2024-01-31 12:34:56"), 1706704496);
    assert_int_equal(stamp_seconds("2024-01-31T12:34:56"), 1706704496);
    stamp_from_seconds(1706704496, out);
    assert_string_equal(out, "2024-01-31 12:34:56");
}

static void early_years_have_four_digits(void **state)
{
    (void)state;
    char out[STAMP_LEN + 1];
    assert_true(stamp_parse("-60001129627905", 15, out));
    assert_string_equal(out, "0068-08-21 11:32:52");
}

static void durations_read_and_write_iso(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        double seconds;
        const char *out;
    } cases[] = {{"90", 90, "PT1M30S"},        {"PT1H30M0.5S", 5400.5, "PT1H30M0.5S"},
                 {"1:30:00", 5400, "PT1H30M"}, {"2 days, 00:00:01", 172801, "P2DT1S"},
                 {"P1D", 86400, "P1D"},        {"0", 0, "PT0S"},
                 {"-PT5S", -5, "-PT5S"},       {"86399999913600", 86399999913600, "P2739726Y9D"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double s = -1;
        assert_true(duration_parse(cases[i].in, strlen(cases[i].in), &s));
        assert_true(s == cases[i].seconds);
        assert_string_equal(duration_format(&mem, s), cases[i].out);
    }
    double s;
    assert_false(duration_parse("soon", 4, &s));
    assert_false(duration_parse("", 0, &s));
    assert_true(duration_parse("P1Y2M3W4D", 9, &s) && s == 38880000);
    assert_false(duration_parse("P0x10D", 6, &s));
    assert_false(duration_parse("P1e3D", 5, &s));
    assert_false(duration_parse("P", 1, &s));
    assert_false(duration_parse("1:99", 4, &s));
}

static void comparison_in_constant_time_is_right(void **state)
{
    (void)state;
    assert_true(equal_constant_time("abc", 3, "abc", 3));
    assert_false(equal_constant_time("abc", 3, "abd", 3));
    assert_false(equal_constant_time("abc", 3, "ab", 2));
    assert_true(equal_constant_time("", 0, "", 0));
}

static void a_logged_text_stays_in_its_line(void **state)
{
    (void)state;
    char line[256] = "";
    int ends[2], before = dup(STDERR_FILENO);
    assert_true(before >= 0 && pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    log_error("%s", "a\r\nb\x1b[2Jc\td\x7f|\xc2\x9b|\xc2\xa0|\xc3\xa9|\xc2");
    dup2(before, STDERR_FILENO);
    assert_true(read(ends[0], line, sizeof line - 1) > 0);
    assert_string_equal(strstr(line, "error: "), "error: a  b [2Jc d |  |\xc2\xa0|\xc3\xa9|\xc2\n");
    close(before);
    close(ends[0]);
    close(ends[1]);
}

static void egress_rules(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        bool local;
        const char *host, *address;
        bool allowed;
    } cases[] = {
        {NULL, false, "example.org", "93.184.216.34", true},
        {NULL, false, "inner", "10.0.0.1", true},
        {NULL, false, "metadata", "169.254.169.254", false},
        {NULL, false, "metadata", "::ffff:169.254.169.254", false},
        {NULL, false, "metadata", "64:ff9b::a9fe:a9fe", false},
        {NULL, false, "metadata", "fd00:ec2::254", false},
        {NULL, false, "link", "fe80::1", false},
        {NULL, true, "metadata", "169.254.169.254", true},
        {"", false, "x", "1.2.3.4", true},
        {"*.amazonaws.com", false, "sts.eu-west-1.amazonaws.com", "1.2.3.4", true},
        {"*.amazonaws.com", false, "STS.Amazonaws.com", "1.2.3.4", true},
        {"*.amazonaws.com", false, "amazonaws.com", "1.2.3.4", false},
        {"*.amazonaws.com", false, "evilamazonaws.com", "1.2.3.4", false},
        {"*.amazonaws.com", false, "x.amazonaws.com", "169.254.169.254", false},
        {"example.org, 10.1.0.0/16", false, "example.org", "10.2.0.1", true},
        {"example.org, 10.1.0.0/16", false, "other.org", "10.1.2.3", true},
        {"example.org, 10.1.0.0/16", false, "other.org", "10.2.2.3", false},
        {"169.254.169.254", false, "metadata", "169.254.169.254", true},
        {"169.254.169.254", false, "other", "169.254.169.253", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (egress_allowed(cases[i].rule, cases[i].local, cases[i].host, cases[i].address) != cases[i].allowed)
            fail_msg("%zu: %s to %s", i, cases[i].rule, cases[i].address);
    assert_true(egress_valid("a.example.org, *.example.org 10.0.0.0/8 ::1"));
    assert_false(egress_valid("10.0.0.0/33"));
    assert_false(egress_valid("http://x"));
    assert_false(egress_valid("*."));
}

/* A document of another one: in any style of YAML, and nothing of this machine is read for it. */
static void kubeconfigs_from_elsewhere(void **state)
{
    (void)state;
#define KUBE(cluster, user)                                                                                            \
    "{current-context: a, contexts: [{name: b}, {name: a, context: {cluster: c, user: u, namespace: n}}], "            \
    "clusters: [{name: c, cluster: {" cluster "}}], users: [{name: u, user: {" user "}}]}"
    struct kubeconfig k;
    assert_null(
        kubeconfig_read(&mem, KUBE("server: 'https://k', certificate-authority-data: Y2E=", "token: t"), NULL, &k));
    assert_string_equal(k.server, "https://k");
    assert_string_equal(k.cluster, "c");
    assert_string_equal(k.space, "n");
    assert_string_equal(k.token, "t");
    assert_string_equal(k.authorities, "ca");
    assert_null(k.certificate);
    static const char *const refused[][2] = {
        {KUBE("server: s, certificate-authority: /etc/hostname", "token: t"), "names a file"},
        {KUBE("server: s", "tokenFile: /etc/hostname"), "names a file"},
        {KUBE("server: s", "client-certificate: /etc/hostname"), "names a file"},
        {KUBE("server: s", "exec: {command: id}"), "are not run"},
        {KUBE("server: s, certificate-authority-data: '%'", "token: t"), "not base64"},
        {KUBE("", "token: t"), "no server"},
        {"current-context: a", "no context named a"},
        {"[", "not YAML"},
        {"", "no context named (nothing)"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *problem = kubeconfig_read(&mem, refused[i][0], NULL, &k);
        assert_non_null(problem);
        assert_non_null(strstr(problem, refused[i][1]));
    }
}

#ifndef MEMORY_SANITIZED

enum { FAR_TOO_MUCH = PTRDIFF_MAX / 2 };
typedef void *(*way)(size_t size);

static void *by_malloc(size_t size)
{
    return malloc(size);
}

static void *by_calloc(size_t size)
{
    return calloc(2, size / 2);
}

static void *by_calloc_of_too_many(size_t size)
{
    return calloc(size, size);
}

static void *by_realloc(size_t size)
{
    return realloc(malloc(1), size);
}

static void *by_aligned_alloc(size_t size)
{
    return aligned_alloc(64, size);
}

static void *by_posix_memalign(size_t size)
{
    void *p = NULL;
    return posix_memalign(&p, 64, size) ? NULL : p;
}

static void *by_a_library(size_t size)
{
    (void)size;
    struct json_object *list = json_object_new_array();
    json_object_array_put_idx(list, INT_MAX - 1, NULL); /* makes room up to there */
    return list;
}

static void last_words(void)
{
    _exit(7);
}

static void who_gets_no_memory_does_not_go_on(void **state)
{
    (void)state;
    static const way ways[] = {by_malloc,        by_calloc,         by_calloc_of_too_many, by_realloc,
                               by_aligned_alloc, by_posix_memalign, by_a_library};
    for (size_t i = 0; i < 2 * (sizeof ways / sizeof *ways); i++) {
        bool told = i % 2;
        pid_t pid = fork();
        if (pid == 0) {
            memory_limit(1u << 30);
            if (told)
                memory_on_exhausted(last_words);
            ways[i / 2](FAR_TOO_MUCH);
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), told ? 7 : EXIT_FAILURE);
    }
}

static void memory_of_any_size_and_unit(void **state)
{
    (void)state;
    void *p = NULL;
    assert_int_equal(posix_memalign(&p, 3, 8), EINVAL);
    for (size_t unit = sizeof(void *); unit <= 4096; unit *= 2) {
        assert_int_equal(posix_memalign(&p, unit, 100), 0);
        assert_int_equal((uintptr_t)p % unit, 0);
        free(p);
    }
    free(malloc(0));
    p = realloc(NULL, 10);
    memset(p, 'x', 10);
    void *larger = realloc(p, 100000);
    assert_memory_equal(larger, "xxxxxxxxxx", 10);
    free(larger);
    free(NULL);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef MEMORY_SANITIZED
        cmocka_unit_test(who_gets_no_memory_does_not_go_on),
        cmocka_unit_test(memory_of_any_size_and_unit),
#endif
        cmocka_unit_test_teardown(arena_gives_zeroed_aligned_memory, reset),
        cmocka_unit_test_teardown(arrays_grow_and_keep_their_items, reset),
        cmocka_unit_test_teardown(arena_runs_cleanups_once_at_reset, reset),
        cmocka_unit_test_teardown(buffers_grow_and_stay_terminated, reset),
        cmocka_unit_test_teardown(base64_follows_the_rfc, reset),
        cmocka_unit_test_teardown(utf8_is_told_from_other_bytes, reset),
        cmocka_unit_test_teardown(percent_escapes_are_decoded, reset),
        cmocka_unit_test_teardown(percent_escapes_are_made, reset),
        cmocka_unit_test_teardown(hosts_of_urls_are_read, reset),
        cmocka_unit_test_teardown(python_repr_chooses_its_quotes, reset),
        cmocka_unit_test_teardown(boolean_words_in_any_case, reset),
        cmocka_unit_test_teardown(uuids_in_all_their_forms, reset),
        cmocka_unit_test_teardown(timestamps_become_whole_seconds_of_utc, reset),
        cmocka_unit_test(early_years_have_four_digits),
        cmocka_unit_test(egress_rules),
        cmocka_unit_test_teardown(kubeconfigs_from_elsewhere, reset),
        cmocka_unit_test_teardown(durations_read_and_write_iso, reset),
        cmocka_unit_test_teardown(comparison_in_constant_time_is_right, reset),
        cmocka_unit_test(a_logged_text_stays_in_its_line),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
