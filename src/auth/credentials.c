#include "auth/credentials.h"

#include "audit/audit.h"
#include "auth/limit.h"
#include "auth/password.h"
#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "resource/sql.h"

#include <string.h>

int check_credentials(struct ctx *c, const char *name, struct json_object *password, bool again,
                      struct credentials *out)
{
    char hex[UUID_HEX + 1];
    bool by_id = uuid_read(name, strlen(name), hex);
    struct db_rows rows;
    *out = (struct credentials){0};
    TRY(sql(c, &rows,
            by_id ? "SELECT id, password, active, name FROM user WHERE is_service_account = 0 AND id = ?"
                  : "SELECT id, password, active, name FROM user WHERE is_service_account = 0 AND name = ?",
            p_text(by_id ? hex : name)));
    const struct db_value *user = rows.count ? db_row(&rows, 0) : NULL;
    const char *secret = password ? json_object_get_string(password) : "", *hash = user ? user[1].s : NULL;
    const char *unfit = password_problem(password);
    if (user && !again)
        audit_about(c, &resource_user, user[0].s, user[3].s);
    if (user && unfit && !config.strict) {
        *out = (struct credentials){.problem = unfit, .unfit = true};
        return OK;
    }
    if (request_abandoned(c))
        return fail_abandoned(c);
    bool counted = again && !password_is_cached(secret, hash);
    if (counted)
        TRY(limit_count(c, LIMIT_LOGIN, name));
    bool fits = (again ? password_matches_cached : password_matches)(secret, hash); /* takes as long for nobody */
    if (!user || !fits || unfit)
        out->problem = "Authentication error: invalid username or password";
    else if (*user[2].s == '0')
        out->problem = arena_printf(c->mem, "Authentication error: user %s is not active", user[3].s);
    else
        *out = (struct credentials){.user = user[0].s, .name = user[3].s, .hash = hash};
    return counted && out->user ? limit_reset(c, LIMIT_LOGIN, name) : OK;
}
