/* Passwords, tokens, addresses: what strangers send. */
#include "auth/password.h"
#include "auth/token.h"
#include "base/address.h"
#include "base/config.h"
#include "base/text.h"
#include "http/client.h"
#include "http/context.h"
#include "http/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "wycheproof.h"

static const char SERVER[] = "0f7a3c526a0e4a559f5e2a54b6b5a001", USER[] = "7c1d7ca55f0b4a7e8d1f7f6f2b0d0001";

static int begin(void **state)
{
    static struct arena a;
    a = (struct arena){0};
    config.jwt_algorithm = "HS256";
    config.jwt_secret_key = "0123456789abcdef0123456789abcdef";
    config.jwt_leeway = 10;
    config.jwt_issuer = config.jwt_audience = config.trusted_proxies = NULL;
    *state = &a;
    return 0;
}

static int end(void **state)
{
    arena_free(*state);
    return 0;
}

/* Passwords */

static void test_passwords(void **state)
{
    const char *hash = password_hash(*state, "s\xc3\xa9"
                                             "cret");
    assert_int_equal(strlen(hash), 60);
    assert_true(starts_with(hash, "$2b$12$"));
    assert_true(password_matches("s\xc3\xa9"
                                 "cret",
                                 hash));
    assert_false(password_matches("secret", hash));
    assert_false(password_matches("", hash));
    assert_false(password_matches("", NULL));
    assert_true(password_matches_cached("s\xc3\xa9"
                                        "cret",
                                        hash));
    assert_true(password_matches_cached("s\xc3\xa9"
                                        "cret",
                                        hash));
    assert_false(password_matches_cached("s\xc3\xa9"
                                         "cret",
                                         NULL));
    assert_false(password_matches_cached("x", hash));
}

/* Published vectors of bcrypt, in its three identities. */
static void test_known_hashes(void **state)
{
    (void)state;
    assert_true(password_matches("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
    assert_true(password_matches("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"));
    assert_true(password_matches("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"));
    assert_false(password_matches("U*U", "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
    assert_false(password_matches("U*U", "plain"));
}

static void test_unfit_passwords(void **state)
{
    static char longest[4098];
    struct arena *a = *state;
    memset(longest, 'x', sizeof longest);
    assert_null(password_problem(NULL));
    assert_null(password_problem(json_keep(a, json_object_new_string_len(longest, 4096))));
    assert_non_null(password_problem(json_keep(a, json_object_new_string_len(longest, 4097))));
    assert_non_null(password_problem(json_keep(a, json_object_new_string_len("a\0b", 3))));
}

/* Tokens */

static const char *signed_token(struct arena *a)
{
    struct token t = {.subject = USER, .expires = (int64_t)time(NULL) + 60};
    return token_encode(a, &t, SERVER);
}

static void test_round_trip(void **state)
{
    struct arena *a = *state;
    struct token t;
    const char *text = signed_token(a);
    assert_null(token_decode(a, text, SERVER, &t));
    assert_string_equal(t.subject, USER);
    assert_non_null(token_decode(a, text, USER, &t));
    config.jwt_secret_key = "another key of the same length.....";
    assert_string_equal(token_decode(a, text, SERVER, &t), "Signature verification failed");
    config.jwt_secret_key = NULL;
    assert_string_equal(token_decode(a, text, SERVER, &t), "Signature verification failed");
    assert_null(signed_token(a));
}

static unsigned char *bytes_of(struct arena *a, const char *hex, size_t *len)
{
    *len = strlen(hex) / 2;
    unsigned char *out = arena_alloc(a, *len + 1);
    for (size_t i = 0; i < *len; i++)
        out[i] = (unsigned char)strtoul((char[]){hex[2 * i], hex[2 * i + 1], '\0'}, NULL, 16);
    out[*len] = '\0';
    return out;
}

/* HMAC by another library than the one under test. Returns the length of the tag. */
static size_t hmac(const char *algorithm, const void *message, size_t len, unsigned char tag[EVP_MAX_MD_SIZE])
{
    const EVP_MD *md = streq(algorithm, "HS512")   ? EVP_sha512()
                       : streq(algorithm, "HS384") ? EVP_sha384()
                                                   : EVP_sha256();
    unsigned n = 0;
    HMAC(md, config.jwt_secret_key, (int)strlen(config.jwt_secret_key), message, len, tag, &n);
    return n;
}

/* The tag of each vector by the other library, then a token under the vector's key whose signature has to be what that
 * library makes of it. */
static void test_wycheproof_hmac(void **state)
{
    struct arena *a = *state;
    for (size_t i = 0; i < ARRAY_LEN(HMAC_VECTORS); i++) {
        const struct hmac_vector *v = &HMAC_VECTORS[i];
        unsigned char mac[EVP_MAX_MD_SIZE];
        struct token t;
        size_t len, tag_len;
        config.jwt_algorithm = v->algorithm;
        config.jwt_secret_key = (const char *)bytes_of(a, v->key, &len);
        const unsigned char *message = bytes_of(a, v->message, &len), *tag = bytes_of(a, v->tag, &tag_len);
        if (hmac(v->algorithm, message, len, mac) != tag_len || memcmp(mac, tag, tag_len) != 0)
            fail_msg("%s vector %d", v->algorithm, v->id);
        const char *text = signed_token(a), *last = strrchr(text, '.');
        size_t n = hmac(v->algorithm, text, (size_t)(last - text), mac);
        assert_string_equal(last + 1, base64url_encode(a, mac, n));
        assert_null(token_decode(a, text, SERVER, &t));
    }
}

/* What they sign is no set of claims, so none is taken; with claims in its place and signed anew, a vector's header
 * decides as it should. */
static void test_wycheproof_signatures(void **state)
{
    struct arena *a = *state;
    const char *claims = strchr(signed_token(a), '.') + 1;
    claims = arena_strndup(a, claims, (size_t)(strrchr(claims, '.') - claims));
    for (size_t i = 0; i < ARRAY_LEN(JWS_VECTORS); i++) {
        const struct jws_vector *v = &JWS_VECTORS[i];
        struct token t;
        size_t len;
        config.jwt_secret_key = (const char *)bytes_of(a, v->key, &len);
        assert_non_null(token_decode(a, v->jws, SERVER, &t));
        if (!v->valid)
            continue;
        unsigned char mac[EVP_MAX_MD_SIZE];
        const char *text = arena_printf(a, "%.*s.%s", (int)strcspn(v->jws, "."), v->jws, claims);
        size_t n = hmac("HS256", text, strlen(text), mac);
        const char *problem = token_decode(a, arena_printf(a, "%s.%s", text, base64url_encode(a, mac, n)), SERVER, &t);
        if (problem)
            fail_msg("vector %d: %s", v->id, problem);
    }
}

/* Without a key libjwt takes any token; the empty and the missing one never reach it. */
static void test_no_key(void **state)
{
    struct arena *a = *state;
    const char *text = signed_token(a), *keys[] = {NULL, ""};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct token t;
        config.jwt_secret_key = keys[i];
        assert_string_equal(token_decode(a, text, SERVER, &t), "Signature verification failed");
        assert_null(signed_token(a));
    }
}

/* Every token that differs in one character is refused, but for bits that base64 does not use. */
static void test_each_character_counts(void **state)
{
    struct arena *a = *state;
    char *text = arena_strdup(a, signed_token(a));
    size_t len = strlen(text), taken = 0;
    struct token t;
    for (size_t i = 0; i < len; i++) {
        char was = text[i];
        for (const char *c = "Aa0_.=\x80 "; *c; c++) {
            text[i] = *c;
            taken += *c != was && token_decode(a, text, SERVER, &t) == NULL;
        }
        text[i] = was;
    }
    assert_in_range(taken, 0, 2);
    for (size_t i = 0; i < len; i++) {
        char *cut = arena_strndup(a, text, i);
        assert_non_null(token_decode(a, cut, SERVER, &t));
    }
}

static void test_made_again(void **state)
{
    struct arena *a = *state;
    struct token t, again;
    assert_null(token_decode(a, signed_token(a), SERVER, &t));
    json_object_object_add(t.claims, "more", json_object_new_int(5));
    t.pipeline_id = SERVER;
    t.expires = 0;
    assert_null(token_decode(a, token_encode(a, &t, SERVER), SERVER, &again));
    assert_string_equal(again.pipeline_id, SERVER);
    assert_int_equal(again.expires, 0);
    assert_int_equal(json_object_get_int(json_object_object_get(again.claims, "more")), 5);
}

/* Addresses */

static void test_lists(void **state)
{
    (void)state;
    assert_true(address_list_valid(" 10.0.0.0/8, ::1 fe80::/10,192.0.2.1 "));
    assert_true(address_list_valid(""));
    static const char *const wrong[] = {"x",      "10.0.0.0/33", "10.0.0.0/-1", "::/129",
                                        "10.0.0", "10.0.0.0/",   "1.2.3.4/8/8", "[::1]"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(address_list_valid(wrong[i]));
    const char *list = "10.1.0.0/15, 192.0.2.1, 2001:db8::/33, 0.0.0.0/32";
    static const char *const in[] = {
        "9.255.255.255" /* not */, "10.0.0.0",        "10.1.0.0", "10.1.255.255", "192.0.2.1",
        "::ffff:192.0.2.1",        "2001:db8:7fff::1"};
    assert_false(address_listed(list, in[0]));
    for (size_t i = 1; i < ARRAY_LEN(in); i++)
        assert_true(address_listed(list, in[i]));
    static const char *const out[] = {"10.2.0.0", "192.0.2.2", "2001:db8:8000::1", "", "x", "10.1.0.0/15", "0.0.0.1"};
    for (size_t i = 0; i < ARRAY_LEN(out); i++)
        assert_false(address_listed(list, out[i]));
    assert_false(address_listed(NULL, "10.1.0.0"));
    static const char *const networks[][2] = {{"192.0.2.7", "192.0.2.7"},
                                              {"::ffff:192.0.2.7", "192.0.2.7"},
                                              {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
                                              {"2001:DB8:1:2::", "2001:db8:1:2::/64"},
                                              {"::1", "::/64"},
                                              {"nonsense", "nonsense"}};
    for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
        char network[ADDRESS_NETWORK_MAX];
        address_network(networks[i][0], network);
        assert_string_equal(network, networks[i][1]);
    }
    assert_true(address_list_valid("10.0.0.0/8, unix:") && !address_list_valid("unix"));
    assert_true(address_listed("10.0.0.0/8, unix:", "unix:") && address_listed("unix:, ::1", "::1"));
    assert_false(address_listed("0.0.0.0/0", "unix:") || address_listed("unix:", "127.0.0.1"));
    assert_true(address_listed("0.0.0.0/0", "8.8.8.8"));
    assert_false(address_listed("0.0.0.0/0", "::1"));
}

static const char *seen(struct arena *a, const char *peer, const char *forwarded)
{
    char *env[3] = {arena_printf(a, "REMOTE_ADDR=%s", peer),
                    forwarded ? arena_printf(a, "HTTP_X_FORWARDED_FOR=%s", forwarded) : NULL};
    struct ctx c = {.mem = a, .req.env = env};
    return client_address(&c);
}

static void test_clients(void **state)
{
    struct arena *a = *state;
    assert_string_equal(seen(a, "192.0.2.9", "1.1.1.1"), "192.0.2.9");
    assert_string_equal(seen(a, "", NULL), "127.0.0.1");
    config.trusted_proxies = "192.0.2.9,10.0.0.0/8";
    assert_string_equal(seen(a, "192.0.2.9", NULL), "192.0.2.9");
    assert_string_equal(seen(a, "192.0.2.9", "1.1.1.1"), "1.1.1.1");
    assert_string_equal(seen(a, "192.0.2.8", "1.1.1.1"), "192.0.2.8");
    assert_string_equal(seen(a, "192.0.2.9", "6.6.6.6,\t1.1.1.1 ,10.0.0.1"), "1.1.1.1");
    assert_string_equal(seen(a, "192.0.2.9", "10.0.0.2, 10.0.0.1"), "10.0.0.2");
    assert_string_equal(seen(a, "192.0.2.9", ", ,,"), "192.0.2.9");
    assert_string_equal(seen(a, "192.0.2.9", " "), "192.0.2.9");
}

static void test_queries(void **state)
{
    struct arena *a = *state;
    char *q = query_append(a, "/x?", "a", "b c&d=\xc3\xa9:@/-._~");
    assert_string_equal(q, "/x?a=b%20c%26d%3D%C3%A9%3A%40%2F-._~");
    assert_string_equal(query_append(a, q + 3, "n", ""), "a=b%20c%26d%3D%C3%A9%3A%40%2F-._~&n=");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_passwords),       TEST(test_known_hashes),
        TEST(test_unfit_passwords), TEST(test_round_trip),
        TEST(test_wycheproof_hmac), TEST(test_wycheproof_signatures),
        TEST(test_no_key),          TEST(test_each_character_counts),
        TEST(test_made_again),      TEST(test_lists),
        TEST(test_clients),         TEST(test_queries),
    };
    return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
