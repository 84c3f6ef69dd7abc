#include "auth/token.h"

#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "json/scan.h"

#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* libjwt's name for the configured algorithm; JWT_ALG_INVAL for one that is not symmetric. */
static jwt_alg_t algorithm(void)
{
    return streq(config.jwt_algorithm, "HS512")   ? JWT_ALG_HS512
           : streq(config.jwt_algorithm, "HS384") ? JWT_ALG_HS384
           : streq(config.jwt_algorithm, "HS256") ? JWT_ALG_HS256
                                                  : JWT_ALG_INVAL;
}

/* The signing key. libjwt takes any token as good where it is given no key, so nothing reaches it without one. */
static bool signing_key(const unsigned char **key, int *len)
{
    *key = (const unsigned char *)config.jwt_secret_key;
    *len = config.jwt_secret_key ? (int)strlen(config.jwt_secret_key) : 0;
    return *len > 0 && algorithm() != JWT_ALG_INVAL;
}

void token_derive_key(struct arena *a, const char *stored, const char *password)
{
    static char key[2 * EVP_MAX_MD_SIZE + 1];
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!HMAC(EVP_sha256(), stored, (int)strlen(stored), (const unsigned char *)password, strlen(password), mac, &n))
        return;
    snprintf(key, sizeof key, "%s", hex_encode(a, mac, n));
    config.jwt_secret_key = key;
}

static const char *issuer(struct arena *a, const char *server_id)
{
    return config.jwt_issuer ? config.jwt_issuer : uuid_dashed(a, server_id);
}

static const char *audience(struct arena *a, const char *server_id)
{
    return config.jwt_audience ? config.jwt_audience : uuid_dashed(a, server_id);
}

/* Encoding ------------------------------------------------------------------------------------------------------- */

static void add_text(struct json_object *o, const char *name, const char *value)
{
    json_object_object_add(o, name, json_object_new_string(value));
}

static struct json_object *claims_of(struct arena *a, const struct token *t, const char *server_id)
{
    static const char *const made[] = {"sub", "exp", "device_id", "api_key_id", "pipeline_id", "schedule_id"};
    const char *ids[] = {t->device_id, t->api_key_id, t->pipeline_id, t->schedule_id};
    struct json_object *o = json_keep(a, json_object_new_object());
    if (t->claims) {
        json_object_object_foreach(t->claims, key, value) json_object_object_add(o, key, json_object_get(value));
        for (size_t i = 0; i < ARRAY_LEN(made); i++)
            json_object_object_del(o, made[i]);
    }
    add_text(o, "sub", uuid_dashed(a, t->subject));
    if (!t->claims) {
        add_text(o, "iss", issuer(a, server_id));
        add_text(o, "aud", audience(a, server_id));
    }
    if (t->expires)
        json_object_object_add(o, "exp", json_object_new_int64(t->expires));
    if (t->session)
        add_text(o, "jti", uuid_dashed(a, t->session));
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        if (ids[i])
            add_text(o, made[i + 2], uuid_dashed(a, ids[i]));
    return o;
}

/* Signs claims given as JSON text. Returns what libjwt allocated, to be given to free(); NULL when it cannot be made.
 */
static char *sign(const char *claims)
{
    const unsigned char *key;
    int len;
    jwt_t *jwt = NULL;
    char *text = NULL;
    if (!signing_key(&key, &len) || jwt_new(&jwt) != 0)
        return NULL;
    if (jwt_set_alg(jwt, algorithm(), key, len) == 0 && jwt_add_grants_json(jwt, claims) == 0)
        text = jwt_encode_str(jwt);
    jwt_free(jwt);
    return text;
}

const char *token_encode(struct arena *a, const struct token *t, const char *server_id)
{
    struct buf claims = {0};
    struct jw w = {.out = &claims};
    jw_value(&w, claims_of(a, t, server_id));
    char *signed_text = sign(arena_strndup(a, claims.data, claims.len));
    buf_free(&claims);
    const char *text = signed_text ? arena_strdup(a, signed_text) : NULL;
    free(signed_text);
    return text;
}

/* Decoding ------------------------------------------------------------------------------------------------------- */

/* What stands between two dots, decoded; `s` is NULL when it is no base64url. */
struct segment {
    char *s;
    size_t len;
};

static struct segment segment(struct arena *a, const char *from, const char *to)
{
    struct segment p = {0};
    p.s = base64url_decode(a, from, (size_t)(to - from), &p.len);
    return p;
}

/* A segment as a JSON object; NULL and *problem otherwise. */
static struct json_object *read_object(struct arena *a, struct segment p, const char *what, const char **problem)
{
    struct json_error error = {0, "Expecting value"};
    struct json_object *o;
    if (!p.len || !json_parse(a, p.s, p.len, &o, &error)) {
        *problem = arena_printf(a, "Invalid %s string: %s: line 1 column %zu (char %zu)", what, error.message,
                                error.at + 1, error.at);
        return NULL;
    }
    if (!json_object_is_type(o, json_type_object))
        *problem = arena_printf(a, "Invalid %s string: must be a json object", what);
    return *problem ? NULL : o;
}

static const char *check_algorithm(struct json_object *header)
{
    struct json_object *alg = member(header, "alg");
    if (!alg)
        return "Algorithm not specified";
    if (!json_object_is_type(alg, json_type_string) || !streq(json_object_get_string(alg), config.jwt_algorithm))
        return "The specified alg value is not allowed";
    return NULL;
}

/* Whether the signature is the one that the server's key makes, and what is signed is JSON: libjwt reads it first. It
 * verifies by the algorithm that the header names; check_algorithm() has let pass the configured one only. */
static bool signature_fits(const char *text)
{
    const unsigned char *key;
    int len;
    jwt_t *jwt = NULL;
    bool fits = signing_key(&key, &len) && jwt_decode(&jwt, text, key, len) == 0 && jwt_get_alg(jwt) == algorithm();
    jwt_free(jwt);
    return fits;
}

/* A claim that is a time. Returns 1 when it is there and fit, 0 when absent, -1 when it is no number. */
static int time_claim(struct json_object *claims, const char *name, int64_t *out)
{
    struct json_object *v = member(claims, name);
    if (!member_given(claims, name))
        return 0;
    if (json_object_is_type(v, json_type_string))
        return parse_int64(json_object_get_string(v), out) ? 1 : -1;
    if (!json_object_is_type(v, json_type_int) && !json_object_is_type(v, json_type_double))
        return -1;
    *out = json_object_get_int64(v);
    return 1;
}

static const char *check_times(struct json_object *claims, int64_t *expires)
{
    int64_t now = (int64_t)time(NULL), t = 0;
    int rc = time_claim(claims, "iat", &t);
    if (rc < 0)
        return "Issued At claim (iat) must be an integer.";
    if (rc && t > now + config.jwt_leeway)
        return "The token is not yet valid (iat)";
    rc = time_claim(claims, "nbf", &t);
    if (rc < 0)
        return "Not Before claim (nbf) must be an integer.";
    if (rc && t > now + config.jwt_leeway)
        return "The token is not yet valid (nbf)";
    rc = time_claim(claims, "exp", &t);
    if (rc < 0)
        return "Expiration Time claim (exp) must be an integer.";
    if (rc && t <= now - config.jwt_leeway)
        return "Signature has expired";
    *expires = rc ? t : 0;
    return NULL;
}

/* The text of a claim; NULL for any other type, and for text that holds NUL bytes and so is nobody's name. */
static const char *claim_text(struct json_object *v)
{
    const char *s = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
    return s && strlen(s) == (size_t)json_object_get_string_len(v) ? s : NULL;
}

static bool audience_fits(struct json_object *aud, const char *wanted)
{
    if (json_object_is_type(aud, json_type_string))
        return streq(claim_text(aud), wanted);
    for (size_t i = 0; i < json_object_array_length(aud); i++)
        if (streq(claim_text(json_object_array_get_idx(aud, i)), wanted))
            return true;
    return false;
}

static const char *check_parties(struct arena *a, struct json_object *claims, const char *server_id)
{
    struct json_object *aud = member(claims, "aud");
    if (!member_given(claims, "iss"))
        return "Token is missing the \"iss\" claim";
    if (!streq(claim_text(member(claims, "iss")), issuer(a, server_id)))
        return "Invalid issuer";
    if (!aud)
        return "Token is missing the \"aud\" claim";
    if (!json_object_is_type(aud, json_type_string) && !json_object_is_type(aud, json_type_array))
        return "Invalid claim format in token";
    return audience_fits(aud, audience(a, server_id)) ? NULL : "Audience doesn't match";
}

static const char *read_id(struct arena *a, struct json_object *claims, const char *name, const char **out)
{
    char hex[UUID_HEX + 1];
    const char *text = claim_text(member(claims, name));
    if (!member_given(claims, name))
        return NULL;
    if (!text || !uuid_read(text, strlen(text), hex))
        return arena_printf(a, "the %s claim is not a valid UUID", streq(name, "sub") ? "subject" : name);
    *out = arena_strdup(a, hex);
    return NULL;
}

static const char *read_claims(struct arena *a, struct json_object *claims, const char *server_id, struct token *out)
{
    const char *problem = check_times(claims, &out->expires);
    if (!problem)
        problem = check_parties(a, claims, server_id);
    if (!problem && (!member_str(claims, "sub") || !*member_str(claims, "sub")))
        problem = "the subject claim is missing";
    const struct {
        const char *name, **to;
    } ids[] = {{"sub", &out->subject},
               {"device_id", &out->device_id},
               {"api_key_id", &out->api_key_id},
               {"pipeline_id", &out->pipeline_id},
               {"schedule_id", &out->schedule_id}};
    for (size_t i = 0; i < ARRAY_LEN(ids) && !problem; i++)
        problem = read_id(a, claims, ids[i].name, ids[i].to);
    if (!problem && read_id(a, claims, "jti", &out->session)) /* somebody else's idea of it: no session of ours */
        out->session = NULL;
    return problem;
}

const char *token_decode(struct arena *a, const char *text, const char *server_id, struct token *out)
{
    *out = (struct token){0};
    const char *dot = strchr(text, '.'), *last = dot ? strchr(dot + 1, '.') : NULL, *end = text + strlen(text),
               *problem = NULL;
    if (!last)
        return "Not enough segments";
    struct segment head = segment(a, text, dot), payload = segment(a, dot + 1, last),
                   signature = segment(a, last + 1, end);
    if (!head.s)
        return "Invalid header padding";
    struct json_object *header = read_object(a, head, "header", &problem);
    if (!header)
        return problem;
    if (!payload.s)
        return "Invalid payload padding";
    if (!signature.s)
        return "Invalid crypto padding";
    problem = check_algorithm(header);
    if (problem)
        return problem;
    if (!signature_fits(text))
        return "Signature verification failed";
    out->claims = read_object(a, payload, "payload", &problem);
    return out->claims ? read_claims(a, out->claims, server_id, out) : problem;
}
