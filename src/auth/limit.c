#include "auth/limit.h"

#include "auth/client.h"
#include "base/config.h"
#include "base/text.h"
#include "resource/sql.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MINUTE = 60, DAY = 24 * 60 * 60, SWEEP_ONE_IN = 64 };

static const char *const NAMES[] = {[LIMIT_LOGIN] = "login", [LIMIT_PASSWORD_CHANGE] = "password"};

static struct db_param address(struct ctx *c)
{
    const char *text = client_address(c);
    return p_text(arena_strndup(c->mem, text, strnlen(text, 64)));
}

/* Tries of clients that do not come back would stay for ever: some of those who do come take them away. */
static int sweep(struct ctx *c, int64_t now)
{
    if (random_below(SWEEP_ONE_IN))
        return OK;
    return sql(c, NULL, "DELETE FROM kanso_rate WHERE at < ? LIMIT 10000", p_int(now - DAY));
}

int limit_count(struct ctx *c, enum limiter which)
{
    int64_t now = (int64_t)time(NULL);
    struct db_param name = p_text(NAMES[which]), who = address(c);
    struct db_rows rows;
    if (!config.rate_limit)
        return OK;
    int rc = sweep(c, now);
    if (rc == OK)
        rc = sql(c, NULL, "INSERT INTO kanso_rate (limiter, address, at) VALUES (?, ?, ?)", name, who, p_int(now));
    if (rc == OK)
        rc = sql(
            c, &rows,
            "SELECT COUNT(*), COALESCE(SUM(at > ?), 0) FROM kanso_rate WHERE limiter = ? AND address = ? AND at > ?",
            p_int(now - MINUTE), name, who, p_int(now - DAY));
    if (rc != OK)
        return rc;
    if (config.login_rate_day && strtoll(db_row(&rows, 0)[0].s, NULL, 10) > config.login_rate_day)
        return fail_detail(c, 429, "Daily request limit exceeded.");
    if (config.login_rate_minute && strtoll(db_row(&rows, 0)[1].s, NULL, 10) > config.login_rate_minute)
        return fail_detail(c, 429, "Minute request limit exceeded.");
    return OK;
}

int limit_uncount(struct ctx *c, enum limiter which)
{
    if (!config.rate_limit)
        return OK;
    db_rollback(c->db);
    return sql(c, NULL, "DELETE FROM kanso_rate WHERE limiter = ? AND address = ? ORDER BY id DESC LIMIT 1",
               p_text(NAMES[which]), address(c));
}

int limit_forgive(struct ctx *c, enum limiter which)
{
    if (!config.rate_limit)
        return OK;
    return sql(c, NULL, "DELETE FROM kanso_rate WHERE limiter = ? AND address = ?", p_text(NAMES[which]), address(c));
}
