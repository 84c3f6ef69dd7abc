#include "base/address.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { BITS = 128, MAPPED = 96, TEXT_MAX = 64 };

struct network {
    unsigned char bytes[16];
    int bits;
};

/* An address as IPv6, IPv4 ones mapped. */
static bool read_address(const char *text, unsigned char out[16], bool *v4)
{
    static const unsigned char prefix[12] = {[10] = 0xff, [11] = 0xff};
    *v4 = inet_pton(AF_INET, text, out + 12) == 1;
    if (*v4) {
        memcpy(out, prefix, sizeof prefix);
        return true;
    }
    return inet_pton(AF_INET6, text, out) == 1;
}

static bool read_network(const char *text, size_t len, struct network *out)
{
    char copy[TEXT_MAX];
    int64_t bits = BITS;
    bool v4;
    if (len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    char *slash = strchr(copy, '/');
    if (slash)
        *slash = '\0';
    if (!read_address(copy, out->bytes, &v4))
        return false;
    if (slash && (!parse_int64(slash + 1, &bits) || bits < 0 || bits > (v4 ? BITS - MAPPED : BITS)))
        return false;
    out->bits = (int)bits + (slash && v4 ? MAPPED : 0);
    return true;
}

static bool inside(const struct network *n, const unsigned char address[16])
{
    int whole = n->bits / 8, rest = n->bits % 8;
    if (memcmp(n->bytes, address, (size_t)whole) != 0)
        return false;
    return rest == 0 || ((n->bytes[whole] ^ address[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

/* Whether this is what nginx calls whoever comes by a Unix socket. */
static bool is_local(const char *text, size_t len)
{
    return len == strlen("unix:") && memcmp(text, "unix:", len) == 0;
}

/* Steps through the entries of a list. */
static bool next_entry(const char **at, const char **entry, size_t *len)
{
    *entry = *at + strspn(*at, ", \t");
    *len = strcspn(*entry, ", \t");
    *at = *entry + *len;
    return *len > 0;
}

bool address_list_valid(const char *list)
{
    const char *entry;
    size_t len;
    struct network n;
    while (next_entry(&list, &entry, &len))
        if (!is_local(entry, len) && !read_network(entry, len, &n))
            return false;
    return true;
}

bool address_listed(const char *list, const char *address)
{
    const char *entry;
    size_t len;
    struct network n;
    unsigned char bytes[16];
    bool v4;
    if (!list || !address)
        return false;
    bool local = is_local(address, strlen(address));
    if (!local && !read_address(address, bytes, &v4))
        return false;
    while (next_entry(&list, &entry, &len))
        if (local ? is_local(entry, len) : read_network(entry, len, &n) && inside(&n, bytes))
            return true;
    return false;
}

size_t address_without_port(const char **text, size_t len)
{
    const char *close = len && **text == '[' ? memchr(*text, ']', len) : NULL;
    if (close) {
        ++*text;
        return (size_t)(close - *text);
    }
    const char *colon = memchr(*text, ':', len);
    bool only = colon && !memchr(colon + 1, ':', len - (size_t)(colon + 1 - *text));
    return only ? (size_t)(colon - *text) : len;
}

void address_network(const char *address, char out[ADDRESS_NETWORK_MAX])
{
    enum { OWN = 8 }; /* bytes of a client's network */
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN] = "";
    bool v4;
    static const struct network mapped = {.bytes = {[10] = 0xff, [11] = 0xff}, .bits = MAPPED};
    if (!read_address(address, bytes, &v4)) {
        snprintf(out, ADDRESS_NETWORK_MAX, "%s", address);
    } else if (inside(&mapped, bytes)) {
        inet_ntop(AF_INET, bytes + 12, text, sizeof text);
        snprintf(out, ADDRESS_NETWORK_MAX, "%s", text);
    } else {
        memset(bytes + OWN, 0, sizeof bytes - OWN);
        inet_ntop(AF_INET6, bytes, text, sizeof text);
        snprintf(out, ADDRESS_NETWORK_MAX, "%s/64", text);
    }
}
