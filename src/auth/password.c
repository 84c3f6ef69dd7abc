#include "auth/password.h"

#include "base/text.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COST = 12, COUNTED = 72, LONGEST = 4096, HASH_LEN = 60 };

/* libxcrypt's working memory is 32 KiB: one for the process. */
static struct crypt_data *scratch(void)
{
    static struct crypt_data *data;
    if (!data)
        data = xmalloc(sizeof *data);
    memset(data, 0, sizeof *data);
    return data;
}

/* bcrypt takes 72 bytes into account; libxcrypt refuses much longer texts instead of shortening them. */
static const char *run(const char *secret, const char *setting)
{
    char counted[COUNTED + 1] = {0};
    strncpy(counted, secret, COUNTED);
    const char *hash = crypt_r(counted, setting, scratch());
    explicit_bzero(counted, sizeof counted);
    return hash && hash[0] != '*' ? hash : NULL;
}

char *password_hash(struct arena *a, const char *secret)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE], noise[16];
    random_bytes(noise, sizeof noise);
    const char *hash =
        crypt_gensalt_rn("$2b$", COST, noise, sizeof noise, setting, sizeof setting) ? run(secret, setting) : NULL;
    if (!hash) {
        fputs("kanso: libcrypt has no bcrypt\n", stderr);
        abort();
    }
    return arena_strdup(a, hash);
}

static bool is_bcrypt(const char *hash)
{
    return hash && strlen(hash) == HASH_LEN &&
           (starts_with(hash, "$2b$") || starts_with(hash, "$2a$") || starts_with(hash, "$2y$"));
}

bool password_matches(const char *secret, const char *hash)
{
    /* any valid hash of the right cost: compared against when there is no account, so that time tells nothing */
    static const char nobody[] = "$2b$12$3euPcmQFCiblsZeEu5s7p.9MUZWg1IkU/4G/AjMJCP4OK8nZb0oQ2";
    const char *setting = is_bcrypt(hash) ? hash : nobody;
    const char *again = run(secret, setting);
    bool same = again && equal_constant_time(again, strlen(again), setting, strlen(setting));
    return same && setting == hash;
}

enum { KNOWN = 64, DIGEST = 32 };

/* Digests of pairs that fitted, the oldest overwritten first. The key is random and this process's own, so
 * nothing can be computed beforehand. The hash is part of a pair: once a password is changed, the old one is unknown.
 */
static struct {
    unsigned char key[DIGEST], pairs[KNOWN][DIGEST];
    unsigned next, count;
} known;

static void pair_digest(const char *secret, const char *hash, unsigned char out[DIGEST])
{
    unsigned char inner[DIGEST];
    unsigned n;
    if (known.count == 0)
        random_bytes(known.key, sizeof known.key);
    HMAC(EVP_sha256(), known.key, DIGEST, (const unsigned char *)secret, strlen(secret), inner, &n);
    HMAC(EVP_sha256(), inner, DIGEST, (const unsigned char *)hash, strlen(hash), out, &n);
}

static bool is_known(const unsigned char digest[DIGEST])
{
    for (unsigned i = 0; i < known.count; i++)
        if (equal_constant_time(known.pairs[i], DIGEST, digest, DIGEST))
            return true;
    return false;
}

bool password_is_cached(const char *secret, const char *hash)
{
    unsigned char digest[DIGEST];
    if (!is_bcrypt(hash))
        return false;
    pair_digest(secret, hash, digest);
    return is_known(digest);
}

bool password_matches_cached(const char *secret, const char *hash)
{
    unsigned char digest[DIGEST];
    if (!is_bcrypt(hash))
        return password_matches(secret, hash);
    pair_digest(secret, hash, digest);
    if (is_known(digest))
        return true;
    if (!password_matches(secret, hash))
        return false;
    memcpy(known.pairs[known.next], digest, DIGEST);
    known.next = (known.next + 1) % KNOWN;
    known.count += known.count < KNOWN;
    return true;
}

const char *password_problem(struct json_object *secret)
{
    const char *s = json_object_get_string(secret);
    size_t len = secret ? (size_t)json_object_get_string_len(secret) : 0;
    if (s && memchr(s, '\0', len))
        return "A password must not contain NUL bytes";
    if (s && utf8_length(s, len) > LONGEST)
        return "A password must not be longer than 4096 characters";
    return NULL;
}

char *secret_token(struct arena *a, size_t bytes)
{
    void *noise = arena_alloc(a, bytes);
    random_bytes(noise, bytes);
    return hex_encode(a, noise, bytes);
}
