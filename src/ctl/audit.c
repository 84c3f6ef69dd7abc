/* kansoctl audit: the audit log (docs/operations/audit.md), also when nobody can sign in. */
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "ctl/ctl.h"
#include "resource/sql.h"

#include <string.h>

static const struct ctl_column columns[] = {
    {"created", CTL_STAMP, 0},
    {"user_name", CTL_TEXT, 16},
    {"operation", CTL_TEXT, 44},
    {"outcome", CTL_TEXT, 7},
    {"object_type", CTL_TEXT, 16},
    {"object_name", CTL_TEXT, 20},
    {"effect", CTL_TEXT, 7},
    {"address", CTL_TEXT, 0},
    {"id", CTL_ID, CTL_HIDDEN},
    {"updated", CTL_STAMP, CTL_HIDDEN},
    {"status", CTL_NUMBER, CTL_HIDDEN},
    {"actor", CTL_TEXT, CTL_HIDDEN},
    {"user_id", CTL_ID, CTL_HIDDEN},
    {"credential", CTL_TEXT, CTL_HIDDEN},
    {"credential_id", CTL_ID, CTL_HIDDEN},
    {"request_id", CTL_TEXT, CTL_HIDDEN},
    {"object_id", CTL_ID, CTL_HIDDEN},
    {"fields", CTL_TEXT, CTL_HIDDEN},
    {"times", CTL_NUMBER, CTL_HIDDEN},
    {NULL},
};

/* A name or an id, given as an option. */
static void add_named(const struct ctl_call *call, struct query *q, const char *option, const char *columns_prefix)
{
    char hex[UUID_HEX + 1];
    const char *text = ctl_option(call, option);
    if (!text)
        return;
    bool by_id = uuid_read(text, strlen(text), hex);
    query_add(q, " AND %s_%s = ?", columns_prefix, by_id ? "id" : "name");
    query_param(q, p_text(by_id ? arena_strdup(call->mem, hex) : text));
}

/* A moment: a date with or without a time, in UTC, or how long ago it is. */
static int add_moment(const struct ctl_call *call, struct query *q, const char *option, const char *compared)
{
    char stamp[STAMP_LEN + 1];
    const char *text = ctl_option(call, option);
    if (!text)
        return CTL_DONE;
    if (!ctl_age(text, stamp) && !stamp_parse(text, strlen(text), stamp))
        return ctl_misused(call->command, "--%s takes a time such as 2026-01-31T12:00:00 in UTC, or an age such as 12h",
                           option);
    query_add(q, " AND created %s ?", compared);
    query_param(q, p_text(arena_strdup(call->mem, stamp)));
    return CTL_DONE;
}

static int add_outcome(const struct ctl_call *call, struct query *q)
{
    const char *outcome = ctl_option(call, "outcome");
    if (!outcome)
        return CTL_DONE;
    if (!streq(outcome, "done") && !streq(outcome, "refused") && !streq(outcome, "failed"))
        return ctl_misused(call->command, "--outcome takes done, refused or failed");
    query_add(q, " AND outcome = ?");
    query_param(q, p_text(outcome));
    return CTL_DONE;
}

static int add_conditions(const struct ctl_call *call, struct query *q)
{
    const char *operation = ctl_option(call, "operation");
    add_named(call, q, "user", "user");
    add_named(call, q, "object", "object");
    if (operation) {
        query_add(q, " AND INSTR(operation, ?) > 0");
        query_param(q, p_text(operation));
    }
    int status = add_outcome(call, q);
    if (status == CTL_DONE)
        status = add_moment(call, q, "since", ">=");
    return status == CTL_DONE ? add_moment(call, q, "until", "<") : status;
}

static int run(const struct ctl_call *call)
{
    struct query *q = query_new(call->mem);
    int64_t limit = 50;
    for (size_t i = 0; columns[i].name; i++)
        query_add(q, "%s %s", i ? "," : "SELECT", columns[i].name);
    query_add(q, " FROM kanso_audit WHERE 1 = 1");
    int status = add_conditions(call, q);
    if (status == CTL_DONE)
        status = ctl_number(call, "limit", 1, 1000000, &limit);
    if (status != CTL_DONE)
        return status;
    query_add(q, " ORDER BY created DESC, kanso_order DESC LIMIT ?");
    query_param(q, p_int(limit));
    return ctl_select(call, q->text.data, q->params, q->count);
}

const struct ctl_command ctl_audit = {
    .name = "audit",
    .summary = "who did what, from the audit log",
    .synopsis = "[--user NAME|ID] [--object NAME|ID] [--operation TEXT] [--outcome WORD]\n"
                "[--since TIME] [--until TIME] [--limit N]",
    .details = "Lists entries of the audit log, the newest first, which a server with KANSO_AUDIT=on keeps.\n"
               "With --json, they have all that is recorded. TIME is in UTC, such as 2026-01-31 or\n"
               "2026-01-31T12:00:00, or an age with h, d or w for hours, days or weeks, such as 12h.\n",
    .options = {{"user", "NAME|ID", "by that account"},
                {"object", "NAME|ID", "about that object"},
                {"operation", "TEXT", "with that text in the operation: /login, DELETE, kansoctl"},
                {"outcome", "WORD", "done, refused or failed"},
                {"since", "TIME", "at that time or later"},
                {"until", "TIME", "before that time"},
                {"limit", "N", "at most so many (50)"}},
    .columns = columns,
    ON_DATABASE,
    .run = run,
};
