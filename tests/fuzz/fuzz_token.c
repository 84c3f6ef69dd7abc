/*
 * libFuzzer target: cookies, and the tokens in them. An input whose first byte is odd is a payload that the server's
 * own key signs, so that what stands behind the signature is reached; any other is a token as it comes.
 */
#include "fuzz.h"

#include "auth/token.h"
#include "base/config.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static const char SERVER[] = "0f7a3c526a0e4a559f5e2a54b6b5a001";

static const char *sign(const char *payload, size_t len)
{
    static const char HEADER[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    const char *text = arena_printf(&arena, "%s.%s", base64url_encode(&arena, HEADER, sizeof HEADER - 1),
                                    base64url_encode(&arena, payload, len));
    HMAC(EVP_sha256(), config.jwt_secret_key, (int)strlen(config.jwt_secret_key), (const unsigned char *)text,
         strlen(text), mac, &n);
    return arena_printf(&arena, "%s.%s", text, base64url_encode(&arena, mac, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    config.jwt_algorithm = "HS256";
    config.jwt_secret_key = "0123456789abcdef0123456789abcdef";
    config.jwt_leeway = 10;
    if (size < 1)
        return 0;
    char *text = input_text(data + 1, size - 1, true);
    char *env[] = {arena_printf(&arena, "HTTP_COOKIE=%s", text), NULL};
    struct ctx c = {.mem = &arena, .req.env = env};
    const char *cookie = request_cookie(&c, "a");
    struct token t;
    if (data[0] & 1) {
        if (!token_decode(&arena, sign(text, size - 1), SERVER, &t))
            expect(t.subject && strlen(t.subject) == 32 && t.claims);
    } else {
        expect(token_decode(&arena, text, SERVER, &t) != NULL); /* nobody guesses the key */
        if (cookie)
            expect(token_decode(&arena, cookie, SERVER, &t) != NULL);
    }
    free(text);
    arena_reset(&arena);
    return 0;
}
