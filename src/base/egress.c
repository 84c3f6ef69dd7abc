#include "base/egress.h"

#include "base/address.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ENTRY_MAX = 256 };

/* Link-local networks, also behind a translator (NAT64), and the metadata services of clouds elsewhere. */
static const char LOCAL[] = "169.254.0.0/16 fe80::/10 64:ff9b::a9fe:0/112 fd00:ec2::254 fd20:ce::254 168.63.129.16 "
                            "100.100.100.200 192.0.0.192";

static bool next_entry(const char **at, char entry[ENTRY_MAX])
{
    *at += strspn(*at, ", \t");
    size_t len = strcspn(*at, ", \t");
    snprintf(entry, ENTRY_MAX, "%.*s", (int)(len < ENTRY_MAX ? len : ENTRY_MAX - 1), *at);
    *at += len;
    return len > 0;
}

static bool is_host(const char *entry)
{
    if (entry[0] == '*' && entry[1] == '.')
        entry += 2;
    if (!*entry)
        return false;
    for (; *entry; entry++)
        if (!isalnum((unsigned char)*entry) && !strchr("-._", *entry))
            return false;
    return true;
}

static bool is_host_of(const char *entry, const char *host)
{
    size_t tail = strlen(entry), len = strlen(host);
    if (entry[0] != '*')
        return strcasecmp(entry, host) == 0;
    return len > tail - 1 && strcasecmp(host + len - (tail - 1), entry + 1) == 0;
}

bool egress_valid(const char *rule)
{
    char entry[ENTRY_MAX];
    while (next_entry(&rule, entry))
        if (!address_list_valid(entry) && !is_host(entry))
            return false;
    return true;
}

bool egress_allowed(const char *rule, bool local, const char *host, const char *address)
{
    char entry[ENTRY_MAX];
    bool any = false, named = false;
    for (const char *at = rule ? rule : ""; next_entry(&at, entry); any = true) {
        if (address_list_valid(entry) && address_listed(entry, address))
            return true;
        named = named || is_host_of(entry, host);
    }
    return (named || !any) && (local || !address_listed(LOCAL, address));
}
