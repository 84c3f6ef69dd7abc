#include "auth/session.h"

#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "resource/sql.h"

#include <time.h>

enum { SWEEP_ONE_IN = 64 };

static int sweep(struct ctx *c)
{
    if (random_below(SWEEP_ONE_IN))
        return OK;
    return sql(c, NULL, "DELETE FROM kanso_session WHERE expires < ? LIMIT 10000", p_int((int64_t)time(NULL)));
}

/* The account's row is read under a lock, so that a change of it either comes before, and is seen, or ends what is
 * written here. */
int session_open(struct ctx *c, struct token *t, const char *password)
{
    char id[UUID_HEX + 1];
    struct db_rows done;
    if (!config.strict)
        return OK;
    uuid_new(id);
    t->session = arena_strdup(c->mem, id);
    TRY(sweep(c));
    TRY(sql(c, &done,
            "INSERT INTO kanso_session (id, user_id, via, credential, expires) SELECT ?, u.id, ?, "
            "SHA2(u.password, 256), ? FROM user u WHERE u.id = ? AND u.active = 1 AND (? IS NULL OR u.password = ?) "
            "LOCK IN SHARE MODE",
            p_text(t->session), p_text(t->api_key_id ? t->api_key_id : t->device_id),
            t->expires ? p_int(t->expires) : p_null(), p_text(t->subject), p_text(password), p_text(password)));
    if (done.affected == 0)
        return fail(c, EX_AUTHORIZATION, "Authentication error: the account has changed meanwhile; sign in again");
    return OK;
}

int session_end(struct ctx *c, const char *id)
{
    return config.strict ? sql(c, NULL, "DELETE FROM kanso_session WHERE id = ?", p_text(id)) : OK;
}

int session_end_account(struct ctx *c, const char *account)
{
    return config.strict ? sql(c, NULL, "DELETE FROM kanso_session WHERE user_id = ?", p_text(account)) : OK;
}

int session_end_via(struct ctx *c, const char *key_or_device)
{
    return config.strict ? sql(c, NULL, "DELETE FROM kanso_session WHERE via = ?", p_text(key_or_device)) : OK;
}

const char *session_condition(void)
{
    return config.strict ? " AND EXISTS (SELECT 1 FROM kanso_session s WHERE s.id = ? AND s.user_id = t.id AND "
                           "s.credential <=> SHA2(t.password, 256))"
                         : NULL;
}
