#include "base/url.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

/* Where the authority begins: behind a scheme and "://". NULL when there is none. */
static const char *authority_of(const char *url)
{
    size_t len = 0;
    while (isalnum((unsigned char)url[len]) || (url[len] && strchr("+-.", url[len])))
        len++;
    return isalpha((unsigned char)*url) && starts_with(url + len, "://") ? url + len + 3 : NULL;
}

/* A name or an IPv4 address, possibly percent-encoded; NULL when it holds what no name does. */
static const char *read_name(struct arena *a, const char *s, size_t len)
{
    size_t decoded;
    const char *name = percent_decode(a, s, len, false, &decoded);
    for (const unsigned char *p = (const unsigned char *)name; p < (const unsigned char *)name + decoded; p++)
        if (!isalnum(*p) && *p < 0x80 && (!*p || !strchr("-._~", *p)))
            return NULL;
    return decoded ? name : NULL;
}

/* What stands between brackets: an IPv6 address, and behind % (or %25, RFC 6874) its zone. In its shortest form: it may
 * be compared. NULL for anything else. */
static const char *read_ipv6(struct arena *a, const char *s, size_t len)
{
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];
    const char *percent = memchr(s, '%', len), *zone = "";
    if (percent) {
        size_t skip = starts_with(percent, "%25") ? 3 : 1;
        zone = read_name(a, percent + skip, (size_t)(s + len - percent) - skip);
    }
    const char *address = arena_strndup(a, s, percent ? (size_t)(percent - s) : len);
    if (!zone || inet_pton(AF_INET6, address, bytes) != 1)
        return NULL;
    inet_ntop(AF_INET6, bytes, text, sizeof text);
    return arena_printf(a, "%s%s%s", text, percent ? "%" : "", zone);
}

/* Nothing, or a colon and a number from 1 to 65535 that ends where the authority does. */
static bool read_port(const char *s, const char *end, unsigned *port)
{
    *port = 0;
    if (s == end)
        return true;
    if (*s != ':' || end - s < 2 || end - s > 6)
        return false;
    while (++s < end) {
        if (!isdigit((unsigned char)*s))
            return false;
        *port = *port * 10 + (unsigned)(*s - '0');
    }
    return *port >= 1 && *port <= 65535;
}

bool url_host(struct arena *a, const char *url, struct url_host *out)
{
    const char *s = authority_of(url);
    if (!s)
        return false;
    const char *end = s + strcspn(s, "/?#"), *at = memchr(s, '@', (size_t)(end - s));
    s = at ? at + 1 : s;
    bool bracket = s < end && *s == '[';
    const char *stop = memchr(s, bracket ? ']' : ':', (size_t)(end - s));
    if (bracket && !stop)
        return false;
    stop = stop ? stop : end;
    struct url_host host = {bracket ? read_ipv6(a, s + 1, (size_t)(stop - s) - 1) : read_name(a, s, (size_t)(stop - s)),
                            0};
    if (!host.name || !read_port(stop + bracket, end, &host.port))
        return false;
    *out = host;
    return true;
}

const char *url_without_password(struct arena *a, const char *url)
{
    const char *begin = strstr(url, "://"), *end = begin ? begin + 3 + strcspn(begin + 3, "/?") : NULL, *at = NULL;
    for (const char *p = begin; p && p < end; p++)
        if (*p == '@')
            at = p;
    const char *colon = at ? memchr(begin + 3, ':', (size_t)(at - begin - 3)) : NULL;
    return colon ? arena_printf(a, "%.*s:********%s", (int)(colon - url), url, at) : url;
}
