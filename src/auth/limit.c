#include "auth/limit.h"

#include "audit/audit.h"
#include "base/address.h"
#include "base/config.h"
#include "base/metrics.h"
#include "base/text.h"
#include "http/client.h"
#include "resource/sql.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MINUTE = 60, DAY = 24 * 60 * 60, SWEEP_ONE_IN = 64, DIGEST_BYTES = 16 };

static const char *const NAMES[] = {[LIMIT_LOGIN] = "login",
                                    [LIMIT_PASSWORD_CHANGE] = "password",
                                    [LIMIT_ACTIVATION] = "activation",
                                    [LIMIT_DEVICE] = "device"};

static struct db_param address(struct ctx *c)
{
    char network[ADDRESS_NETWORK_MAX];
    address_network(client_address(c), network);
    return p_text(arena_strdup(c->mem, network));
}

/* Names may be of any length and are nobody's business here: a digest stands for them. */
static struct db_param digest(struct ctx *c, const char *account)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    const char *text = account ? account : "";
    SHA256((const unsigned char *)text, strlen(text), hash);
    return p_text(hex_encode(c->mem, hash, DIGEST_BYTES));
}

/* Tries of clients that do not come back would stay for ever: some of those who do come take them away. */
static int sweep(struct ctx *c, int64_t now)
{
    if (random_below(SWEEP_ONE_IN))
        return OK;
    return sql(c, NULL, "DELETE FROM kanso_attempt WHERE at < ? LIMIT 10000", p_int(now - DAY));
}

static int refuse(struct ctx *c, enum limiter which, const char *why)
{
    metric_add(M_LIMITED + which);
    return fail_detail(c, 429, "%s", why);
}

/* The try is written before it is counted, and outside of any transaction: each statement commits by itself. Counted
 * first, tries that are made at once would all find room for one more; within the request's transaction, a refusal
 * would roll back the very try that it is about. */
int limit_count(struct ctx *c, enum limiter which, const char *account)
{
    int64_t now = (int64_t)time(NULL);
    struct db_param name = p_text(NAMES[which]), who = address(c);
    struct db_rows rows;
    audit_tried(c);
    if (!config.rate_limit)
        return OK;
    TRY(sweep(c, now));
    TRY(sql(c, NULL, "INSERT INTO kanso_attempt (limiter, address, account, at) VALUES (?, ?, ?, ?)", name, who,
            digest(c, account), p_int(now)));
    TRY(sql(c, &rows,
            "SELECT COUNT(*), COALESCE(SUM(at > ?), 0) FROM kanso_attempt WHERE limiter = ? AND address = ? AND at > ?",
            p_int(now - MINUTE), name, who, p_int(now - DAY)));
    if (config.login_rate_day && strtoll(db_row(&rows, 0)[0].s, NULL, 10) > config.login_rate_day)
        return refuse(c, which, "Daily request limit exceeded.");
    if (config.login_rate_minute && strtoll(db_row(&rows, 0)[1].s, NULL, 10) > config.login_rate_minute)
        return refuse(c, which, "Minute request limit exceeded.");
    return OK;
}

int limit_uncount(struct ctx *c, enum limiter which, const char *account)
{
    audit_untried(c);
    if (!config.rate_limit)
        return OK;
    db_rollback(c->db);
    return sql(c, NULL,
               "DELETE FROM kanso_attempt WHERE limiter = ? AND address = ? AND account = ? ORDER BY id DESC LIMIT 1",
               p_text(NAMES[which]), address(c), digest(c, account));
}

int limit_reset(struct ctx *c, enum limiter which, const char *account)
{
    if (!config.rate_limit)
        return OK;
    return sql(c, NULL, "DELETE FROM kanso_attempt WHERE limiter = ? AND address = ? AND account = ?",
               p_text(NAMES[which]), address(c), digest(c, account));
}
