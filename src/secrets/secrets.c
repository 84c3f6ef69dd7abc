#include "secrets/secrets.h"

#include "base/text.h"
#include "json/write.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE = 12, TAG = 16 };

struct cipher_key {
    unsigned char bytes[SHA256_DIGEST_LENGTH];
};

static struct cipher_key cipher_key(const char *text)
{
    struct cipher_key key;
    SHA256((const unsigned char *)text, strlen(text), key.bytes);
    return key;
}

/* One pass of AES-256-GCM in either direction: `tag` is read when opening and written when sealing. */
static bool run_gcm(bool seal, const char *text, const unsigned char *nonce, const void *in, size_t len,
                    unsigned char *out, unsigned char *tag)
{
    struct cipher_key key = cipher_key(text);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, end = 0;
    bool good = ctx && len <= INT32_MAX &&
                EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key.bytes, nonce, seal) == 1 &&
                EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 &&
                (seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1) &&
                EVP_CipherFinal_ex(ctx, out + n, &end) == 1 &&
                (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, tag) == 1);
    EVP_CIPHER_CTX_free(ctx);
    OPENSSL_cleanse(&key, sizeof key);
    return good;
}

static char *open_sealed(struct arena *a, const char *key, const char *raw, size_t len, size_t *plain_len)
{
    if (len < NONCE + TAG)
        return NULL;
    unsigned char tag[TAG];
    memcpy(tag, raw + NONCE, TAG);
    *plain_len = len - NONCE - TAG;
    unsigned char *plain = arena_alloc(a, *plain_len + 1);
    if (!run_gcm(false, key, (const unsigned char *)raw, raw + NONCE + TAG, *plain_len, plain, tag))
        return NULL;
    return (char *)plain;
}

bool secret_only_texts(struct json_object *values)
{
    if (!json_object_is_type(values, json_type_object))
        return false;
    json_object_object_foreach(values, key, value)
    {
        (void)key;
        if (!json_object_is_type(value, json_type_string))
            return false;
    }
    return true;
}

struct json_object *secret_values(struct arena *a, const char *key, const char *stored, size_t len)
{
    size_t n = 0;
    char *text = base64_decode(a, stored, len, &n);
    if (text && key)
        text = open_sealed(a, key, text, n, &n);
    struct json_object *values = text ? json_tree(a, text, n) : NULL;
    return secret_only_texts(values) ? values : NULL;
}

char *secret_store(struct arena *a, const char *key, struct json_object *values)
{
    const char *plain = json_text(a, values, true);
    size_t len = strlen(plain);
    if (!key)
        return base64_encode(a, plain, len);
    unsigned char *raw = arena_alloc(a, NONCE + TAG + len + 1);
    random_bytes(raw, NONCE);
    if (!run_gcm(true, key, raw, plain, len, raw + NONCE + TAG, raw + NONCE)) {
        fputs("kanso: OpenSSL cannot encrypt with AES-256-GCM\n", stderr);
        abort();
    }
    return base64_encode(a, raw, NONCE + TAG + len);
}
