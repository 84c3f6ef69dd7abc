#include "base/text.h"

#include "base/buf.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

bool streq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

unsigned text_hash(const char *s)
{
    unsigned hash = 5381;
    while (*s)
        hash = hash * 33 + (unsigned char)*s++;
    return hash;
}

int text_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The length of the well-formed sequence at s, or 0. */
static size_t utf8_sequence(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

/* How much is surely ASCII, in steps of eight bytes. */
static size_t ascii_run(const char *s, size_t len)
{
    size_t n = 0;
    for (uint64_t x; len - n >= sizeof x; n += sizeof x) {
        memcpy(&x, s + n, sizeof x);
        if (x & 0x8080808080808080u)
            break;
    }
    return n;
}

bool utf8_valid(const char *s, size_t len)
{
    for (size_t i = 0, n; (i += ascii_run(s + i, len - i)) < len; i += n) {
        n = utf8_sequence((const unsigned char *)s + i, len - i);
        if (!n)
            return false;
    }
    return true;
}

bool text_valid(const char *s, size_t len)
{
    return !memchr(s, '\0', len) && utf8_valid(s, len);
}

size_t utf8_length(const char *s, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)s[i] & 0xc0) != 0x80;
    return n;
}

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL_ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *encode64(struct arena *a, const void *data, size_t len, const char *alphabet, bool pad)
{
    const unsigned char *in = data;
    char *out = arena_alloc(a, size_add(size_mul(len / 3 + 1, 4), 1)), *p = out;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t v = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0u);
        *p++ = alphabet[v >> 18];
        *p++ = alphabet[v >> 12 & 63];
        if (left > 1 || pad)
            *p++ = left > 1 ? alphabet[v >> 6 & 63] : '=';
        if (left > 2 || pad)
            *p++ = left > 2 ? alphabet[v & 63] : '=';
    }
    *p = '\0';
    return out;
}

static const signed char *decode_table(const char *alphabet, signed char table[256])
{
    memset(table, -1, 256);
    for (int i = 0; i < 64; i++)
        table[(unsigned char)alphabet[i]] = (signed char)i;
    return table;
}

static char *decode64(struct arena *a, const char *s, size_t len, size_t *out_len, const char *alphabet, bool pad)
{
    signed char table[256];
    decode_table(alphabet, table);
    if (pad) {
        if (len % 4 != 0)
            return NULL;
        for (int i = 0; i < 2 && len > 0 && s[len - 1] == '='; i++)
            len--;
    }
    if (len % 4 == 1)
        return NULL;
    char *out = arena_alloc(a, len / 4 * 3 + 4);
    size_t n = 0;
    uint32_t v = 0;
    for (size_t i = 0; i < len; i++) {
        signed char d = table[(unsigned char)s[i]]; /* at most 63 */
        if (d < 0)
            return NULL;
        v = v << 6 | (unsigned char)d;
        if (i % 4 != 0)
            out[n++] = (char)(v >> (6 - 2 * (i % 4)) & 0xff);
    }
    out[n] = '\0';
    *out_len = n;
    return out;
}

char *base64_encode(struct arena *a, const void *data, size_t len)
{
    return encode64(a, data, len, ALPHABET, true);
}

char *base64_decode(struct arena *a, const char *s, size_t len, size_t *out_len)
{
    return decode64(a, s, len, out_len, ALPHABET, true);
}

char *base64url_encode(struct arena *a, const void *data, size_t len)
{
    return encode64(a, data, len, URL_ALPHABET, false);
}

char *base64url_decode(struct arena *a, const char *s, size_t len, size_t *out_len)
{
    return decode64(a, s, len, out_len, URL_ALPHABET, false);
}

char *hex_encode(struct arena *a, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = data;
    char *out = arena_alloc(a, size_add(size_mul(len, 2), 1));
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    return out;
}

void random_bytes(void *out, size_t len)
{
    unsigned char *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            fputs("kanso: no random numbers from the kernel\n", stderr);
            abort();
        }
        p += n;
        len -= (size_t)n;
    }
}

uint32_t random_below(uint32_t below)
{
    uint32_t v, limit = UINT32_MAX - UINT32_MAX % below;
    do
        random_bytes(&v, sizeof v);
    while (v >= limit);
    return v % below;
}

void random_letters(char *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (char)('a' + random_below(26));
    out[n] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *percent_encode(struct arena *a, const char *s)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, size_add(size_mul(strlen(s), 3), 1)), *to = out;
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        bool plain =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("-._~", *p);
        if (plain) {
            *to++ = (char)*p;
        } else {
            *to++ = '%';
            *to++ = digits[*p >> 4];
            *to++ = digits[*p & 15];
        }
    }
    return out;
}

char *percent_decode(struct arena *a, const char *s, size_t len, bool plus, size_t *out_len)
{
    char *out = arena_alloc(a, size_add(len, 1));
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        int high = i + 2 < len ? hex_digit(s[i + 1]) : -1, low = i + 2 < len ? hex_digit(s[i + 2]) : -1;
        if (s[i] == '%' && high >= 0 && low >= 0) {
            out[n++] = (char)((unsigned)high << 4 | (unsigned)low);
            i += 2;
        } else {
            out[n++] = plus && s[i] == '+' ? ' ' : s[i];
        }
    }
    if (out_len)
        *out_len = n;
    return out;
}

char *python_repr(struct arena *a, const char *s)
{
    char quote = strchr(s, '\'') && !strchr(s, '"') ? '"' : '\'';
    struct buf b = {0};
    buf_addc(&b, quote);
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if (*p == '\\' || *p == (unsigned char)quote)
            buf_addf(&b, "\\%c", *p);
        else if (*p == '\n' || *p == '\t' || *p == '\r')
            buf_addf(&b, "\\%c", *p == '\n' ? 'n' : *p == '\t' ? 't' : 'r');
        else if (*p < 0x20 || *p == 0x7f)
            buf_addf(&b, "\\x%02x", *p);
        else
            buf_addc(&b, (char)*p);
    }
    buf_addc(&b, quote);
    char *out = arena_strndup(a, b.data, b.len);
    buf_free(&b);
    return out;
}

bool equal_constant_time(const void *a, size_t a_len, const void *b, size_t b_len)
{
    return a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0;
}

int parse_bool_word(const char *s, size_t len)
{
    static const char *const words[2][6] = {{"0", "false", "f", "no", "n", "off"},
                                            {"1", "true", "t", "yes", "y", "on"}};
    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < ARRAY_LEN(words[v]); i++)
            if (strlen(words[v][i]) == len && strncasecmp(words[v][i], s, len) == 0)
                return v;
    return -1;
}

bool parse_int64(const char *s, int64_t *out)
{
    char *end;
    if (*s == '\0' || isspace((unsigned char)*s))
        return false;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || *end)
        return false;
    *out = v;
    return true;
}
