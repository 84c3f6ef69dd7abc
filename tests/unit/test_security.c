/* The security models against the vectors and rules of docs/contract/security-models.md#vectors. */
#include "security/security.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;
static const char *why;

#define T(text) ((struct span){(text), sizeof(text) - 1})

static struct span span_of(const char *s)
{
    return (struct span){s, strlen(s)};
}

static void *from_json(const struct sec_model *model, const char *json)
{
    struct json_error error;
    assert_true(json_check_strict(json, strlen(json), &error));
    return sec_from_json(&arena, model, span_of(json), &why);
}

static void *must(void *object)
{
    if (!object)
        fail_msg("refused: %s", why);
    return object;
}

static void refused(void *object, const char *reason)
{
    assert_null(object);
    assert_non_null(why);
    assert_string_equal(why, reason);
}

static struct span unhex(const char *hex)
{
    size_t n = strlen(hex) / 2;
    char *bytes = arena_alloc(&arena, n);
    for (size_t i = 0; i < n; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (char)strtoul(pair, NULL, 16);
    }
    return (struct span){bytes, n};
}

static char *hex_of(const struct sec_model *model, const void *object)
{
    struct buf wire = {0};
    char *hex = sec_to_wire(model, object, &wire) ? hex_encode(&arena, wire.data, wire.len) : NULL;
    buf_free(&wire);
    return hex;
}

static char *json_of(const struct sec_model *model, const void *object)
{
    struct buf out = {0};
    sec_to_json(model, object, &out);
    char *json = arena_strdup(&arena, out.data);
    buf_free(&out);
    return json;
}

static char *short_of(const struct sec_model *model, const void *object)
{
    struct buf out = {0};
    sec_short_string(&arena, model, object, &out);
    char *text = arena_strdup(&arena, out.data);
    buf_free(&out);
    return text;
}

#define V1_JSON                                                                                                        \
    "{\"group\":\"my-group\",\"groupVersion\":\"v2\",\"key\":\"token\",\"mountRequirement\":"                          \
    "\"FILE\",\"envVar\":"                                                                                             \
    "\"MY_TOKEN\"}"
#define V1_HEX  "0a086d792d67726f7570120276321a05746f6b656e20022a084d595f544f4b454e"
#define V2_JSON "{\"clientId\":\"cid\",\"clientSecret\":{\"group\":\"g\",\"key\":\"k\"}}"
#define V2_HEX  "0a0363696412060a01671a016b"
#define V4_JSON                                                                                                        \
    "{\"name\":\"tok\",\"client\":" V2_JSON ",\"idpDiscoveryEndpoint\":\"https://idp/.well-known\","                   \
    "\"tokenEndpoint\":\"https://idp/token\"}"
#define V4_HEX                                                                                                         \
    "0a03746f6b1a0d" V2_HEX "221768747470733a2f2f6964702f2e77656c6c2d6b6e6f776e2a1168747470733a2f2f"                   \
    "6964702f746f6b656e"

static const struct vector {
    const struct sec_model *model;
    const char *json, *hex, *body; /* the body of the short string */
} vectors[] = {
    {&SEC_SECRET, V1_JSON, V1_HEX,
     "  group: my-group\n  group_version: v2\n  key: token\n  mount_requirement: 2\n  env_var: "
     "MY_TOKEN"},
    {&SEC_OAUTH2_CLIENT, V2_JSON, V2_HEX, "  client_id: cid\n  client_secret:\n    group: g\n    key: k"},
    {&SEC_IDENTITY,
     "{\"iamRole\":\"arn:aws:iam::123456789012:role/"
     "r\",\"k8sServiceAccount\":\"default\",\"oauth2Client\":" V2_JSON ",\"executionIdentity\":\"me\"}",
     "0a2061726e3a6177733a69616d3a3a3132333435363738393031323a726f6c652f72120764656661756c741a0"
     "d" V2_HEX "22026d65",
     "  iam_role: arn:aws:iam::123456789012:role/r\n  k8s_service_account: default\n  "
     "oauth2_client:\n"
     "    client_id: cid\n    client_secret:\n      group: g\n      key: k\n  execution_identity: "
     "me"},
    {&SEC_TOKEN_REQUEST, V4_JSON, V4_HEX,
     "  name: tok\n  client:\n    client_id: cid\n    client_secret:\n      group: g\n      key: "
     "k\n"
     "  idp_discovery_endpoint: https://idp/.well-known\n  token_endpoint: https://idp/token"},
    {&SEC_CONTEXT,
     "{\"runAs\":{\"k8sServiceAccount\":\"sa\"},\"secrets\":[" V1_JSON ",{\"group\":\"g2\",\"key\":\"k2\"}],"
     "\"tokens\":[" V4_JSON "]}",
     "0a04120273611221" V1_HEX "12080a0267321a026b321a40" V4_HEX,
     "  run_as:\n    k8s_service_account: sa\n"
     "  secrets: [group: \"my-group\" group_version: \"v2\" key: \"token\" mount_requirement: "
     "[...]\n"
     "  tokens: [name: \"tok\" client { client_id: \"cid\" client_secret { group: \"g\" key: \"k\" "
     "[...]"},
    {&SEC_SECRET, "{\"group\":\"g\"}", "0a0167", "  group: g"},
    {&SEC_SECRET, "{\"group\":\"\xc3\xa9\\\"\\\\\\n\",\"key\":\"\xe2\x98\x83\"}", "0a05c3a9225c0a1a03e29883",
     "  group: \xc3\xa9\"\\\n  key: \xe2\x98\x83"},
    {&SEC_OAUTH2_CLIENT, "{\"clientId\":\"cid\"}", "0a03636964", "  client_id: cid"},
    {&SEC_IDENTITY, "{}", "", ""},
    {&SEC_CONTEXT, "{\"runAs\":{}}", "0a00", ""},
    {&SEC_CONTEXT, "{\"secrets\":[{\"group\":\"a\"},{\"group\":\"b\"}]}", "12030a016112030a0162",
     "  secrets: [group: \"a\" , group: \"b\" ]"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        void *object = must(from_json(v->model, v->json));
        assert_string_equal(hex_of(v->model, object), v->hex);
        assert_string_equal(json_of(v->model, object), v->json);
        const char *text = arena_printf(&arena, "Flyte Serialized object (%s):\n%s", sec_model_name(v->model), v->body);
        assert_string_equal(short_of(v->model, object), text);
        assert_int_equal(sec_is_empty(v->model, object), *v->hex == '\0');
        struct span bytes = unhex(v->hex);
        void *again = must(sec_from_wire(&arena, v->model, bytes, SEC_AS_WRITTEN, &why));
        assert_string_equal(json_of(v->model, again), v->json);
        const char *base64 = sec_to_base64(&arena, v->model, object);
        assert_string_equal(base64, base64_encode(&arena, bytes.s, bytes.len));
        base64 = arena_printf(&arena, " %s\r\n", base64);
        again = must(sec_from_base64(&arena, v->model, span_of(base64), SEC_AS_WRITTEN, &why));
        assert_string_equal(hex_of(v->model, again), v->hex);
    }
}

static void test_constructed(void **state)
{
    (void)state;
    struct sec_secret *s = must(sec_new(&arena, &SEC_SECRET,
                                        &(struct sec_secret){.group = T("my-group"),
                                                             .key = T("token"),
                                                             .group_version = T("v2"),
                                                             .mount_requirement = SEC_MOUNT_FILE,
                                                             .env_var = T("MY_TOKEN")},
                                        &why));
    assert_string_equal(hex_of(&SEC_SECRET, s), V1_HEX);
    struct sec_oauth2_client client = {.client_id = T("cid"),
                                       .client_secret = &(struct sec_secret){.group = T("g"), .key = T("k")}};
    struct sec_token_request *t =
        must(sec_new(&arena, &SEC_TOKEN_REQUEST,
                     &(struct sec_token_request){.name = T("tok"),
                                                 .client = &client,
                                                 .idp_discovery_endpoint = T("https://idp/.well-known"),
                                                 .token_endpoint = T("https://idp/token"),
                                                 .type = SEC_CLIENT_CREDENTIALS},
                     &why));
    assert_string_equal(hex_of(&SEC_TOKEN_REQUEST, t), V4_HEX);
}

static void test_model_names(void **state)
{
    (void)state;
    assert_ptr_equal(sec_model_named("SecurityContext"), &SEC_CONTEXT);
    assert_ptr_equal(sec_model_named("Secret"), &SEC_SECRET);
    assert_null(sec_model_named("secret"));
}

static void test_group_is_required(void **state)
{
    (void)state;
    refused(sec_new(&arena, &SEC_SECRET, &(struct sec_secret){.key = T("k")}, &why), "Group is a required parameter");
    refused(from_json(&SEC_SECRET, "{\"group\":null}"), "Group is a required parameter");
    refused(from_json(&SEC_CONTEXT, "{\"secrets\":[{\"group\":\"g\"},{\"key\":\"k\"}]}"),
            "secrets[1]: Group is a required parameter");
    assert_string_equal(hex_of(&SEC_SECRET, must(from_json(&SEC_SECRET, "{\"group\":\"\"}"))), "");
    struct sec_secret *s = must(sec_from_wire(&arena, &SEC_SECRET, T(""), SEC_AS_MODEL, &why));
    assert_non_null(s->group.s); /* absent on the wire is "", so it is no null group */
    assert_string_equal(json_of(&SEC_SECRET, s), "{\"group\":\"\"}");
    assert_non_null(from_json(&SEC_OAUTH2_CLIENT, "{\"clientSecret\":{\"key\":\"k\"}}")); /* no rule in there */
}

static void test_environment_variable_names(void **state)
{
    (void)state;
    static const struct span good[] = {T("A"), T("_"), T("MY_TOKEN"), T("A1"), T("_9"), T("A\n")};
    static const struct span wrong[] = {T(""),    T("\n"),  T("A\n\n"),    T("1A"),  T("a"), T("Aa"),
                                        T("A-B"), T("A B"), T("\xc3\x89"), T("A\0"), T(" A")};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        must(sec_new(&arena, &SEC_SECRET, &(struct sec_secret){.group = T("g"), .env_var = good[i]}, &why));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct sec_secret s = {.group = T("g"), .env_var = wrong[i]};
        const char *reason =
            arena_printf(&arena, "Invalid environment variable name: %.*s", (int)wrong[i].len, wrong[i].s);
        refused(sec_new(&arena, &SEC_SECRET, &s, &why), reason);
    }
    refused(sec_from_wire(&arena, &SEC_SECRET, unhex("2a0161"), SEC_AS_MODEL, &why),
            "Invalid environment variable name: a");
    struct sec_secret *s = must(sec_from_wire(&arena, &SEC_SECRET, unhex("2a00"), SEC_AS_MODEL, &why));
    assert_null(s->env_var.s);
}

static void test_mount_requirements(void **state)
{
    (void)state;
    refused(sec_from_wire(&arena, &SEC_SECRET, unhex("2007"), SEC_AS_MODEL, &why), "7 is not a valid Secret.MountType");
    refused(sec_from_wire(&arena, &SEC_CONTEXT, unhex("12022003"), SEC_AS_WRITTEN, &why),
            "secrets[0]: 3 is not a valid Secret.MountType");
    refused(from_json(&SEC_SECRET, "{\"group\":\"g\",\"mountRequirement\":-1}"), "-1 is not a valid Secret.MountType");
    refused(from_json(&SEC_SECRET, "{\"group\":\"g\",\"mountRequirement\":\"file\"}"),
            "mountRequirement: \"file\" is none of ANY, ENV_VAR, FILE");
    refused(from_json(&SEC_SECRET, "{\"group\":\"g\",\"mountRequirement\":1.5}"),
            "mountRequirement: 1.5 is none of ANY, ENV_VAR, FILE");
    struct sec_secret *s = must(from_json(&SEC_SECRET, "{\"group\":\"g\",\"mount_requirement\":1}"));
    assert_int_equal(s->mount_requirement, SEC_MOUNT_ENV_VAR);
    /* the secret of a client is a bare message, in which any number stands */
    void *client = must(sec_from_wire(&arena, &SEC_OAUTH2_CLIENT, unhex("12022007"), SEC_AS_MODEL, &why));
    assert_string_equal(json_of(&SEC_OAUTH2_CLIENT, client), "{\"clientSecret\":{\"mountRequirement\":7}}");
}

static void test_token_types(void **state)
{
    (void)state;
    void *t = must(from_json(&SEC_TOKEN_REQUEST, "{\"name\":\"t\",\"type\":\"CLIENT_CREDENTIALS\"}"));
    assert_string_equal(hex_of(&SEC_TOKEN_REQUEST, t), "0a0174");
    t = must(sec_from_wire(&arena, &SEC_TOKEN_REQUEST, unhex("10ffffffffffffffffff01"), SEC_AS_MODEL, &why));
    assert_int_equal(((struct sec_token_request *)t)->type, -1);
    assert_string_equal(hex_of(&SEC_TOKEN_REQUEST, t), "10ffffffffffffffffff01");
    assert_string_equal(json_of(&SEC_TOKEN_REQUEST, t), "{\"type\":-1}");
}

static void test_client_secret_is_a_message(void **state)
{
    (void)state;
    refused(from_json(&SEC_OAUTH2_CLIENT, "{\"clientId\":\"c\",\"clientSecret\":\"s\"}"),
            "clientSecret: expected an object (Secret), not a text");
    /* flytekit's surprise: an absent one comes back from the wire as an empty one, and is written
     * as such */
    struct span bytes = unhex("0a03636964");
    void *client = must(sec_from_wire(&arena, &SEC_OAUTH2_CLIENT, bytes, SEC_AS_MODEL, &why));
    assert_string_equal(hex_of(&SEC_OAUTH2_CLIENT, client), "0a036369641200");
    client = must(sec_from_wire(&arena, &SEC_OAUTH2_CLIENT, bytes, SEC_AS_WRITTEN, &why));
    assert_string_equal(hex_of(&SEC_OAUTH2_CLIENT, client), "0a03636964");
}

static void test_null_context(void **state)
{
    (void)state;
    struct sec_context *c = must(sec_new(&arena, &SEC_CONTEXT, &(struct sec_context){0}, &why));
    assert_null(hex_of(&SEC_CONTEXT, c));
    assert_null(sec_to_base64(&arena, &SEC_CONTEXT, c));
    assert_int_equal(sec_is_empty(&SEC_CONTEXT, c), -1);
    assert_string_equal(short_of(&SEC_CONTEXT, c), "Flyte Serialized object (SecurityContext):\nNone");
    c = must(from_json(&SEC_CONTEXT, "{\"secrets\":[],\"tokens\":[]}"));
    assert_string_equal(hex_of(&SEC_CONTEXT, c), "");
    assert_int_equal(sec_is_empty(&SEC_CONTEXT, c), 1);
    assert_string_equal(short_of(&SEC_CONTEXT, c), "Flyte Serialized object (SecurityContext):\n");
    c = must(sec_from_wire(&arena, &SEC_CONTEXT, T(""), SEC_AS_MODEL, &why));
    assert_int_equal(sec_is_empty(&SEC_CONTEXT, c), -1);
}

static void test_messages_of_zero_bytes(void **state)
{
    (void)state;
    struct span bytes = unhex("0a021a001a021a00"); /* run_as {oauth2_client {}}, tokens [{client {}}] */
    struct sec_context *c = must(sec_from_wire(&arena, &SEC_CONTEXT, bytes, SEC_AS_MODEL, &why));
    assert_non_null(c->run_as);
    assert_null(c->run_as->oauth2_client);
    struct sec_token_request *t = c->tokens.items[0];
    assert_non_null(t->client);
    c = must(sec_from_wire(&arena, &SEC_CONTEXT, bytes, SEC_AS_WRITTEN, &why));
    assert_string_equal(hex_of(&SEC_CONTEXT, c), "0a021a001a021a00");
    c = must(sec_from_wire(&arena, &SEC_CONTEXT, unhex("0a00"), SEC_AS_MODEL, &why));
    assert_null(c->run_as);
    c = must(sec_from_wire(&arena, &SEC_CONTEXT, unhex("0a00"), SEC_AS_WRITTEN, &why));
    assert_string_equal(json_of(&SEC_CONTEXT, c), "{\"runAs\":{}}");
}

static void test_nulls_from_the_wire(void **state)
{
    (void)state;
    struct sec_identity *i = must(sec_from_wire(&arena, &SEC_IDENTITY, unhex("0a00120161"), SEC_AS_MODEL, &why));
    assert_null(i->iam_role.s);
    assert_null(i->execution_identity.s);
    struct sec_token_request *t = must(sec_from_wire(&arena, &SEC_TOKEN_REQUEST, T(""), SEC_AS_MODEL, &why));
    assert_non_null(t->token_endpoint.s);
    assert_non_null(t->name.s);
    assert_null(t->client);
}

static void test_one_object_stands_for_a_list(void **state)
{
    (void)state;
    void *c = must(from_json(&SEC_CONTEXT, "{\"secrets\":" V1_JSON "}"));
    assert_string_equal(hex_of(&SEC_CONTEXT, c), "1221" V1_HEX);
    c = must(from_json(&SEC_CONTEXT, "{\"tokens\":{\"name\":\"t\"}}"));
    assert_string_equal(hex_of(&SEC_CONTEXT, c), "1a030a0174");
}

static void test_equality(void **state)
{
    (void)state;
    const struct sec_secret null_key = {.group = T("g")}, empty_key = {.group = T("g"), .key = T("")};
    assert_true(sec_equal(&SEC_SECRET, &null_key, &(struct sec_secret){.group = T("g")}));
    assert_false(sec_equal(&SEC_SECRET, &null_key, &empty_key));
    assert_false(sec_equal(&SEC_SECRET, &null_key, &(struct sec_secret){.group = T("h")}));
    assert_false(sec_equal(&SEC_SECRET, &null_key, &(struct sec_secret){.group = T("g"), .mount_requirement = 1}));
    struct sec_oauth2_client x = {.client_secret = &(struct sec_secret){.key = T("")}};
    struct sec_secret nothing = {.group = {0}};
    struct sec_oauth2_client y = {.client_secret = &nothing};
    assert_true(sec_equal(&SEC_OAUTH2_CLIENT, &x, &y)); /* messages know no null */
    assert_false(sec_equal(&SEC_OAUTH2_CLIENT, &x, &(struct sec_oauth2_client){0}));
    void *none = must(from_json(&SEC_CONTEXT, "{}")), *empty = must(from_json(&SEC_CONTEXT, "{\"secrets\":[]}"));
    assert_false(sec_equal(&SEC_CONTEXT, none, empty));
    void *a = must(from_json(&SEC_CONTEXT, "{\"secrets\":[{\"group\":\"a\"},{\"group\":\"b\"}]}"));
    void *b = must(from_json(&SEC_CONTEXT, "{\"secrets\":[{\"group\":\"a\"},{\"group\":\"c\"}]}"));
    assert_false(sec_equal(&SEC_CONTEXT, a, b));
    assert_false(sec_equal(&SEC_CONTEXT, a, empty));
    assert_true(sec_equal(&SEC_CONTEXT, a, a));
}

static void test_parts_are_merged(void **state)
{
    (void)state;
    void *c =
        must(sec_from_wire(&arena, &SEC_CONTEXT, unhex("0a030a016112001a000a0512016222000a00"), SEC_AS_WRITTEN, &why));
    assert_string_equal(json_of(&SEC_CONTEXT, c), "{\"runAs\":{\"iamRole\":\"a\",\"k8sServiceAccount\":\"b\"},"
                                                  "\"secrets\":[{\"group\":\"\"}],\"tokens\":[{}]}");
    void *s = must(sec_from_wire(&arena, &SEC_SECRET, unhex("0a01610a016220012000"), SEC_AS_MODEL, &why));
    assert_string_equal(json_of(&SEC_SECRET, s), "{\"group\":\"b\"}");
}

static void test_unknown_fields_are_left_out(void **state)
{
    (void)state;
    static const char *const unknown[] = {
        "300c",       "f8ffffff0f01",   "310102030405060708", "3200",
        "3203616263", "3501020304",                                                         /* of each wire type */
        "3334",       "330a0161300c34", "33434434",           "3b43310102030405060708443c", /* groups */
    };
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
        const char *hex = arena_printf(&arena, "%s0a0167%s", unknown[i], unknown[i]);
        void *s = must(sec_from_wire(&arena, &SEC_SECRET, unhex(hex), SEC_AS_MODEL, &why));
        assert_string_equal(hex_of(&SEC_SECRET, s), "0a0167");
    }
}

static void test_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *why;
    } cases[] = {
        {"0a", "byte 1: truncated in a varint"},
        {"0a03", "byte 2: truncated: 3 bytes should follow, 0 are left"},
        {"0a036162", "byte 2: truncated: 3 bytes should follow, 2 are left"},
        {"0a80c2d72f61", "byte 5: truncated: 100000000 bytes should follow, 1 are left"},
        {"0affffffffffffffffff01", "byte 11: truncated: 18446744073709551615 bytes should follow, 0 are left"},
        {"0a810067", "byte 1: a varint that is longer than its value needs, or than 64 bits"},
        {"208000", "byte 1: a varint that is longer than its value needs, or than 64 bits"},
        {"20ffffffffffffffffff02", "byte 1: a varint that is longer than its value needs, or than 64 bits"},
        {"208080808080808080808001", "byte 1: a varint that is longer than its value needs, or than 64 bits"},
        {"0801", "byte 1: Secret.group has wire type 0, not 2"},
        {"2200", "byte 1: Secret.mount_requirement has wire type 2, not 0"},
        {"0d00000000", "byte 1: Secret.group has wire type 5, not 2"},
        {"090000000000000000", "byte 1: Secret.group has wire type 1, not 2"},
        {"0b0c", "byte 1: Secret.group has wire type 3, not 2"},
        {"0200", "byte 1: a field number must be between 1 and 536870911"},
        {"8080808010", "byte 5: a field number must be between 1 and 536870911"},
        {"3600", "byte 1: there is no wire type 6"},
        {"3700", "byte 1: there is no wire type 7"},
        {"34", "byte 1: the end of a group that did not begin"},
        {"33", "byte 1: truncated in a varint"},
        {"333c", "byte 2: the group of field 6 ends as field 7"},
        {"333136", "byte 2: truncated: 8 bytes should follow, 1 are left"},
        {"350102", "byte 1: truncated: 4 bytes should follow, 2 are left"},
        {"0a02c328", "byte 4: Secret.group is not UTF-8"},
        {"0a03eda080", "byte 5: Secret.group is not UTF-8"},
        {"0a02c080", "byte 4: Secret.group is not UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        refused(sec_from_wire(&arena, &SEC_SECRET, unhex(cases[i].hex), SEC_AS_MODEL, &why), cases[i].why);
    refused(sec_from_wire(&arena, &SEC_CONTEXT, unhex("0a030a0261"), SEC_AS_MODEL, &why),
            "byte 4: truncated: 2 bytes should follow, 1 are left");
    refused(sec_from_wire(&arena, &SEC_CONTEXT, unhex("0a031a05120161"), SEC_AS_MODEL, &why),
            "byte 4: truncated: 5 bytes should follow, 1 are left"); /* it would fit the whole, but
                                                                        not its message */
}

static void test_nesting(void **state)
{
    (void)state;
    for (size_t depth = 100; depth <= 100000; depth = depth < 101 ? 101 : depth * 10) {
        char *bytes = arena_alloc(&arena, 2 * depth);
        memset(bytes, 0x33, depth);
        memset(bytes + depth, 0x34, depth);
        void *s = sec_from_wire(&arena, &SEC_SECRET, (struct span){bytes, 2 * depth}, SEC_AS_MODEL, &why);
        if (depth <= 100)
            must(s);
        else
            refused(s, "byte 101: groups are nested deeper than 100");
    }
}

static void test_size_limit(void **state)
{
    (void)state;
    size_t n = SEC_MAX_BYTES + 1;
    char *bytes = arena_alloc(&arena, n);
    for (size_t i = 0; i + 1 < n; i += 2)
        bytes[i] = 0x12;
    must(sec_from_wire(&arena, &SEC_CONTEXT, (struct span){bytes, n - 1}, SEC_AS_MODEL, &why));
    refused(sec_from_wire(&arena, &SEC_CONTEXT, (struct span){bytes, n}, SEC_AS_MODEL, &why),
            "longer than 1048576 bytes");
    memset(bytes, ' ', n);
    memcpy(bytes, "{}", 2);
    refused(sec_from_json(&arena, &SEC_CONTEXT, (struct span){bytes, n}, &why), "the JSON text is too long");
}

static void test_refused_base64(void **state)
{
    (void)state;
    static const char *const texts[] = {"=", "a", "CgFn!", "CgF", "C-Fn", "Cg Fn"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        refused(sec_from_base64(&arena, &SEC_SECRET, span_of(texts[i]), SEC_AS_MODEL, &why),
                "not base64 (standard alphabet, padded with =)");
    refused(sec_from_base64(&arena, &SEC_SECRET, span_of("CgI="), SEC_AS_MODEL, &why),
            "byte 2: truncated: 2 bytes should follow, 0 are left");
}

static void test_refused_json(void **state)
{
    (void)state;
    static const struct {
        const char *json, *why;
    } cases[] = {
        {"[]", "expected an object (SecurityContext), not a list"},
        {"{\"run_as\":[]}", "runAs: expected an object (Identity), not a list"},
        {"{\"secrets\":\"g\"}", "secrets: expected a list of Secret, not a text"},
        {"{\"secrets\":false}", "secrets: expected a list of Secret, not a boolean"},
        {"{\"secrets\":[null]}", "secrets[0]: expected an object (Secret), not null"},
        {"{\"secrets\":[{\"group\":1}]}", "secrets[0].group: expected a text, not a number"},
        {"{\"tokens\":[{},{\"client\":{\"clientSecret\":{\"key\":[]}}}]}",
         "tokens[1].client.clientSecret.key: expected a text, not a list"},
        {"{\"runAs\":{},\"run_as\":{}}", "runAs: given twice"},
        {"{\"secrets\":[],\"secrets\":null}", "secrets: given twice"},
        {"{\"secret\":[]}", "SecurityContext has no member \"secret\"; it has runAs, secrets, tokens"},
        {"{\"tokens\":[{\"type\":\"X\"}]}", "tokens[0].type: \"X\" is none of CLIENT_CREDENTIALS"},
        {"{\"tokens\":[{\"type\":2147483648}]}", "tokens[0].type: 2147483648 is none of CLIENT_CREDENTIALS"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        refused(from_json(&SEC_CONTEXT, cases[i].json), cases[i].why);
}

static void test_nul_in_text(void **state)
{
    (void)state;
    struct sec_secret *s = must(from_json(&SEC_SECRET, "{\"group\":\"a\\u0000b\"}"));
    assert_string_equal(hex_of(&SEC_SECRET, s), "0a03610062");
    assert_string_equal(json_of(&SEC_SECRET, s), "{\"group\":\"a\\u0000b\"}");
}

/* Lines that are too long end at a word, at the hyphen of a word, or nowhere; blanks collapse. */
static void test_shortened_lines(void **state)
{
    (void)state;
#define X10 "xxxxxxxxxx"
#define X70 X10 X10 X10 X10 X10 X10 X10
    static const struct {
        struct span value;
        const char *line;
    } cases[] = {
        {T(X70 X10), "\n  group: " X70 X10},
        {T(X70 X10 "x"), "\n  group: [...]"},
        {T(X70 " xxx xxxxxx"), "\n  group: " X70 " xxx [...]"},
        {T(X70 " xxxx xxxxx"), "\n  group: " X70 " [...]"},
        {T("  a \t\r\n b\xc2\xa0\xe3\x80\x80"
           "c "),
         "\n  group: a b c"},
        {T(" \n "), ""},
        {T(X10 "-" X70 "x"), "\n  group: " X10 "- [...]"},
        {T("a-" X70 X10), "\n  group: a- [...]"},
        {T("----" X70 X10), "\n  group: [...]"},
        {T(X70 " ab-cd-ef-gh"), "\n  group: " X70 " ab- [...]"},
        {T(X70 " a-b-c-d-efg"), "\n  group: " X70 " [...]"},
        {T(X70 " a--bcdefghi"), "\n  group: " X70 " a-- [...]"},
        {T(X70 " ab- cd efgh"), "\n  group: " X70 " ab- [...]"},
        {T(X70 " 12-34-56-78"), "\n  group: " X70 " [...]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sec_secret s = {.group = cases[i].value};
        const char *text = arena_printf(&arena, "Flyte Serialized object (Secret):%s", cases[i].line);
        if (*cases[i].line == '\0')
            text = "Flyte Serialized object (Secret):\n";
        assert_string_equal(short_of(&SEC_SECRET, &s), text);
    }
}

static void test_escapes_in_lists(void **state)
{
    (void)state;
    void *secret =
        must(sec_new(&arena, &SEC_SECRET, &(struct sec_secret){.group = T("'\"\\\n\t\x01\x7f\xc3\xa9")}, &why));
    struct sec_context c = {.secrets = {.items = &secret, .count = 1}};
    assert_string_equal(short_of(&SEC_CONTEXT, &c), "Flyte Serialized object (SecurityContext):\n"
                                                    "  secrets: [group: \"\\'\\\"\\\\\\n\\t\\001\\177\xc3\xa9\" ]");
    void *token = must(from_json(&SEC_TOKEN_REQUEST, "{\"type\":-1,\"client\":{}}"));
    c = (struct sec_context){.tokens = {.items = &token, .count = 1}};
    assert_string_equal(short_of(&SEC_CONTEXT, &c), "Flyte Serialized object (SecurityContext):\n"
                                                    "  tokens: [type: -1 client { } ]");
}

static int reset(void **state)
{
    (void)state;
    arena_free(&arena);
    why = NULL;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_vectors, reset),
        cmocka_unit_test_teardown(test_constructed, reset),
        cmocka_unit_test_teardown(test_model_names, reset),
        cmocka_unit_test_teardown(test_group_is_required, reset),
        cmocka_unit_test_teardown(test_environment_variable_names, reset),
        cmocka_unit_test_teardown(test_mount_requirements, reset),
        cmocka_unit_test_teardown(test_token_types, reset),
        cmocka_unit_test_teardown(test_client_secret_is_a_message, reset),
        cmocka_unit_test_teardown(test_null_context, reset),
        cmocka_unit_test_teardown(test_messages_of_zero_bytes, reset),
        cmocka_unit_test_teardown(test_nulls_from_the_wire, reset),
        cmocka_unit_test_teardown(test_one_object_stands_for_a_list, reset),
        cmocka_unit_test_teardown(test_equality, reset),
        cmocka_unit_test_teardown(test_parts_are_merged, reset),
        cmocka_unit_test_teardown(test_unknown_fields_are_left_out, reset),
        cmocka_unit_test_teardown(test_malformed, reset),
        cmocka_unit_test_teardown(test_nesting, reset),
        cmocka_unit_test_teardown(test_size_limit, reset),
        cmocka_unit_test_teardown(test_refused_base64, reset),
        cmocka_unit_test_teardown(test_refused_json, reset),
        cmocka_unit_test_teardown(test_nul_in_text, reset),
        cmocka_unit_test_teardown(test_shortened_lines, reset),
        cmocka_unit_test_teardown(test_escapes_in_lists, reset),
    };
    return cmocka_run_group_tests_name("security", tests, NULL, NULL);
}
