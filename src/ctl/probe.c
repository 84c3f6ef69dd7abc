/* kansoctl probe: whether the server answers, asked as a client would ask it. */
#include "base/text.h"
#include "ctl/ctl.h"
#include "http/fetch.h"

#include <string.h>

enum { PROBE_MS = 10000 };

/* An address that is every address is reached at this machine's own; IPv6 ones stand in brackets. */
static const char *url_of(struct arena *a, const char *address, const char *path)
{
    const char *port = ctl_env("KANSO_PORT", "8080");
    if (streq(address, "0.0.0.0"))
        address = "127.0.0.1";
    if (streq(address, "::") || streq(address, "[::]"))
        address = "::1";
    bool bare = strchr(address, ':') && *address != '[';
    return arena_printf(a, bare ? "http://[%s]:%s%s" : "http://%s:%s%s", address, port, path);
}

static int probe(const struct ctl_call *call)
{
    static const char local[] = "unix:";
    const char *address = ctl_env("KANSO_ADDRESS", "127.0.0.1"), *root = ctl_env("ZENML_SERVER_ROOT_URL_PATH", "");
    const char *path = arena_printf(call->mem, "%s%s", root, call->operand_count ? call->operands[0] : "/health");
    struct fetch f = {.method = "GET", .timeout_ms = PROBE_MS};
    if (starts_with(address, local)) {
        f.socket = address + strlen(local);
        address = "localhost";
    }
    f.url = url_of(call->mem, address, path);
    struct fetched answer = fetch(call->mem, &f);
    if (answer.failure != FETCH_OK)
        return ctl_fail("no answer at %s: %s", f.socket ? f.socket : f.url, answer.error);
    if (answer.status != 200)
        return ctl_fail("%s answered with status %ld", f.url, answer.status);
    return CTL_DONE;
}

const struct ctl_command ctl_probe = {
    .name = "probe",
    .summary = "ask the running server whether it is well",
    .synopsis = "[PATH]",
    .details = "Asks the server at KANSO_ADDRESS and KANSO_PORT, a port or a Unix socket, for PATH (/health; /ready "
               "asks it for\n"
               "its database as well). Says nothing when the answer is 200.\n",
    .most_operands = 1,
    .of_instance = true,
    .run = probe,
};
