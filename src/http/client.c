#include "http/client.h"

#include "base/address.h"
#include "base/config.h"
#include "base/uuid.h"

#include <string.h>

enum { ID_SHORTEST = 8, ID_LONGEST = 64 };

const char *client_address(struct ctx *c)
{
    if (c->req.client)
        return c->req.client;
    const char *address = request_header(c, "REMOTE_ADDR"), *forwarded = request_header(c, "HTTP_X_FORWARDED_FOR");
    if (!address)
        address = "127.0.0.1";
    size_t end = forwarded ? strlen(forwarded) : 0;
    while (end > 0 && address_listed(config.trusted_proxies, address)) {
        size_t stop = end, start;
        while (stop > 0 && strchr(" \t,", forwarded[stop - 1]))
            stop--;
        for (start = stop; start > 0 && forwarded[start - 1] != ','; start--)
            ;
        while (start < stop && strchr(" \t", forwarded[start]))
            start++;
        if (start == stop || stop - start > 64) /* nothing there, or nonsense: the proxy itself is what is known */
            break;
        const char *entry = forwarded + start;
        size_t len = address_without_port(&entry, stop - start);
        address = arena_strndup(c->mem, entry, len);
        for (end = start; end > 0 && forwarded[end - 1] != ','; end--)
            ;
    }
    return c->req.client = address;
}

static bool good_id(const char *id)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = id ? strlen(id) : 0;
    return len >= ID_SHORTEST && len <= ID_LONGEST && strspn(id, alphabet) == len;
}

const char *request_id(struct ctx *c)
{
    if (c->req.id)
        return c->req.id;
    const char *told = request_env(c, "REQUEST_ID");
    if (good_id(told))
        return c->req.id = told;
    const char *given = request_header(c, "HTTP_X_REQUEST_ID");
    if (good_id(given) && address_listed(config.trusted_proxies, request_env(c, "REMOTE_ADDR")))
        return c->req.id = given;
    char *made = arena_alloc(c->mem, UUID_HEX + 1);
    uuid_new(made);
    return c->req.id = made;
}
