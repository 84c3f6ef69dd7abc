#include "base/url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

/* A part of the URL in the arena; NULL when it has none. */
static char *part(struct arena *a, CURLU *url, CURLUPart which)
{
    char *text = NULL;
    if (curl_url_get(url, which, &text, 0) != CURLUE_OK)
        return NULL;
    char *copy = arena_strdup(a, text);
    curl_free(text);
    return copy;
}

/* libcurl takes an empty port for none, as browsers do. */
static bool has_empty_port(const char *url)
{
    const char *authority = strstr(url, "://") + 3;
    size_t len = strcspn(authority, "/?#");
    return len && authority[len - 1] == ':';
}

/* The host without the brackets of IPv6; NULL when it has none. */
static const char *host_part(struct arena *a, CURLU *url)
{
    const char *name = part(a, url, CURLUPART_HOST);
    return name && *name == '[' ? arena_strndup(a, name + 1, strlen(name) - 2) : name;
}

static bool read_host(struct arena *a, CURLU *url, struct url_host *out)
{
    const char *name = host_part(a, url), *zone = part(a, url, CURLUPART_ZONEID), *port = part(a, url, CURLUPART_PORT);
    unsigned long number = port ? strtoul(port, NULL, 10) : 0; /* libcurl has checked that it is one, up to 65535 */
    if (!name || (port && number == 0))
        return false;
    *out = (struct url_host){zone ? arena_printf(a, "%s%%%s", name, zone) : name, (unsigned)number};
    return true;
}

bool url_host(struct arena *a, const char *text, struct url_host *out)
{
    CURLU *url = strstr(text, "://") ? curl_url() : NULL;
    if (!url)
        return false;
    bool good = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                !has_empty_port(text) && read_host(a, url, out);
    curl_url_cleanup(url);
    return good;
}

const char *url_request_host(struct arena *a, const char *text)
{
    CURLU *url = curl_url();
    bool good = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
    const char *name = good ? host_part(a, url) : NULL;
    curl_url_cleanup(url);
    return name;
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
