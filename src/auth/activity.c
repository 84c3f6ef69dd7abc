#include "auth/activity.h"

#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "db/db.h"

#include <string.h>
#include <strings.h>

enum { WRITE_EVERY = 60 }; /* seconds */

static bool starts_with_any(const char *s, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (starts_with(s, *prefixes))
            return true;
    return false;
}

static bool is_probe(const char *agent)
{
    static const char *const monitors[] = {"prometheus", "datadog", "newrelic", "pingdom"};
    for (size_t i = 0; agent && i < ARRAY_LEN(monitors); i++)
        if (strcasestr(agent, monitors[i]))
            return true;
    return false;
}

/* Whether somebody uses the server, and not just something watches it: the first rule that applies decides. */
static bool of_user(const struct ctx *c)
{
    static const char *const outside[] = {"/health", "/ready", "/metrics",      "/system",
                                          "/docs",   "/redoc", "/openapi.json", NULL};
    static const char *const inner[] = {"10.", "192.168.", NULL};
    const char *system = request_header(c, "HTTP_X_SYSTEM_REQUEST"), *peer = request_header(c, "REMOTE_ADDR");
    if (streq(c->req.path, "/api/v1/info"))
        return false;
    if (starts_with(c->req.path, "/api/v1"))
        return true;
    if (starts_with_any(c->req.path, outside) || (system && strcasecmp(system, "true") == 0) ||
        is_probe(request_header(c, "HTTP_USER_AGENT")) || (peer && starts_with_any(peer, inner)))
        return false;
    const struct pair *check = request_query(c, "system_check");
    return !streq(c->req.method, "OPTIONS") && !(check && check->value_len);
}

void activity_note(struct ctx *c)
{
    static double written = -1;
    static char latest[STAMP_LEN + 1];
    if (!c->db || !c->req.path)
        return;
    if (of_user(c))
        stamp_now(latest);
    double now = monotonic_ms();
    if (!*latest || (written >= 0 && now - written < WRITE_EVERY * 1000.0))
        return;
    db_rollback(c->db);
    struct db_param stamp[] = {p_text(latest), p_text(latest)};
    written = now;
    if (db_run(c->db, c->mem, NULL,
               "UPDATE server_settings SET last_user_activity = ? WHERE last_user_activity < ? - INTERVAL 1 MINUTE",
               stamp, 2))
        log_debug("last_user_activity was not written: %s", db_error(c->db));
    *latest = '\0';
}
