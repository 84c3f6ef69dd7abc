#include "auth/client.h"

#include "base/address.h"
#include "base/config.h"

#include <string.h>

const char *client_address(struct ctx *c)
{
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
    return address;
}
