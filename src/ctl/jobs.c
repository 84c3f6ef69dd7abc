/* kansoctl jobs and events: background work, and what came of webhooks and schedules
 * (docs/architecture.md#background-work). */
#include "audit/audit.h"
#include "base/text.h"
#include "base/uuid.h"
#include "ctl/ctl.h"
#include "jobs/operate.h"

#include <string.h>

static const struct ctl_column columns[] = {
    {"id", CTL_ID, 0},
    {"kind", CTL_TEXT, 10},
    {"subject", CTL_ID, CTL_HIDDEN},
    {"key", CTL_TEXT, CTL_HIDDEN},
    {"state", CTL_TEXT, 8},
    {"cancelled", CTL_BOOL, CTL_HIDDEN},
    {"attempt", CTL_NUMBER, 7},
    {"created", CTL_STAMP, CTL_HIDDEN},
    {"updated", CTL_STAMP, 0},
    {"due", CTL_STAMP, CTL_HIDDEN},
    {"owner", CTL_TEXT, CTL_HIDDEN},
    {"subject_name", CTL_TEXT, 0},
    {"outcome", CTL_TEXT, CTL_HIDDEN},
    {"payload_bytes", CTL_NUMBER, CTL_HIDDEN},
    {NULL},
};

static const struct ctl_column one_columns[] = {
    {"id", CTL_ID, 0},
    {"kind", CTL_TEXT, 0},
    {"subject", CTL_ID, 0},
    {"key", CTL_TEXT, 0},
    {"state", CTL_TEXT, 0},
    {"cancelled", CTL_BOOL, 0},
    {"attempt", CTL_NUMBER, 0},
    {"created", CTL_STAMP, 0},
    {"updated", CTL_STAMP, 0},
    {"due", CTL_STAMP, 0},
    {"owner", CTL_TEXT, 0},
    {"subject_name", CTL_TEXT, 0},
    {"outcome", CTL_TEXT, 0},
    {"payload_bytes", CTL_NUMBER, 0},
    {NULL},
};

static const struct ctl_column event_columns[] = {
    {"created", CTL_STAMP, 0},
    {"kind", CTL_TEXT, 8},
    {"state", CTL_TEXT, 8},
    {"id", CTL_ID, 0},
    {"subject", CTL_ID, CTL_HIDDEN},
    {"subject_name", CTL_TEXT, 20},
    {"key", CTL_TEXT, CTL_HIDDEN},
    {"cancelled", CTL_BOOL, CTL_HIDDEN},
    {"attempt", CTL_NUMBER, CTL_HIDDEN},
    {"updated", CTL_STAMP, CTL_HIDDEN},
    {"due", CTL_STAMP, CTL_HIDDEN},
    {"owner", CTL_TEXT, CTL_HIDDEN},
    {"outcome", CTL_TEXT, 0},
    {"payload_bytes", CTL_NUMBER, CTL_HIDDEN},
    {NULL},
};

/* Where the columns of results stand in the rows of jobs_list(). */
static const struct {
    const char *name;
    int at;
} places[] = {
    {"id", JOB_ID},
    {"kind", JOB_KIND},
    {"subject", JOB_SUBJECT},
    {"subject_name", JOB_SUBJECT_NAME},
    {"key", JOB_KEY},
    {"state", JOB_STATE},
    {"cancelled", JOB_CANCELLED},
    {"attempt", JOB_ATTEMPT},
    {"created", JOB_CREATED},
    {"updated", JOB_UPDATED},
    {"due", JOB_DUE},
    {"owner", JOB_OWNER},
    {"outcome", JOB_OUTCOME},
    {"payload_bytes", JOB_PAYLOAD},
};

static bool known_state(const char *state)
{
    static const char *const states[] = {"waiting", "running", "done", "failed"};
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (streq(states[i], state))
            return true;
    return false;
}

/* The options that both lists have. Returns CTL_DONE, or CTL_MISUSED, and has complained. */
static int read_choice(const struct ctl_call *call, struct job_choice *choice)
{
    const char *subject = ctl_option(call, "subject");
    choice->state = ctl_option(call, "state");
    choice->subject = uuid_hex(call->mem, subject);
    choice->limit = 50;
    if (choice->state && !known_state(choice->state))
        return ctl_misused(call->command, "--state takes waiting, running, done or failed");
    if (subject && !choice->subject)
        return ctl_misused(call->command, "--subject takes an id, a UUID");
    return ctl_number(call, "limit", 1, JOBS_LISTED_MAX, &choice->limit);
}

static const char *state_of(const struct db_value *v)
{
    bool open = streq(v[JOB_STATE].s, "waiting") || streq(v[JOB_STATE].s, "running");
    return open && streq(v[JOB_CANCELLED].s, "1") ? "ending" : v[JOB_STATE].s;
}

static struct db_value value_of(const struct ctl_call *call, const char *column, const struct db_value *v)
{
    bool table = !call->json;
    if (table && streq(column, "state"))
        return ctl_value(state_of(v));
    if (table && streq(column, "subject_name") && !v[JOB_SUBJECT_NAME].s)
        return ctl_value(uuid_dashed(call->mem, v[JOB_SUBJECT].s));
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (streq(places[i].name, column))
            return v[places[i].at];
    return ctl_value(NULL);
}

static void print(const struct ctl_call *call, const struct db_value *v)
{
    struct db_value values[ARRAY_LEN(places)];
    for (size_t i = 0; call->command->columns[i].name; i++)
        values[i] = value_of(call, call->command->columns[i].name, v);
    ctl_row(call, values);
}

static int list(const struct ctl_call *call, const struct job_choice *choice)
{
    struct db_rows rows = {0};
    if (jobs_list(call->db, call->mem, choice, &rows) != DB_OK)
        return ctl_db_failed(call);
    for (size_t i = 0; i < rows.count; i++)
        print(call, db_row(&rows, i));
    return CTL_DONE;
}

/* The job that the command line names: *rows is it, or it was said that there is none. */
static int find(const struct ctl_call *call, const char *id, struct db_rows *rows)
{
    const struct job_choice choice = {.id = id, .limit = 1};
    if (jobs_list(call->db, call->mem, &choice, rows) != DB_OK)
        return ctl_db_failed(call);
    return rows->count ? CTL_DONE : ctl_missing("there is no job %s", call->operands[0]);
}

static enum db_status record(const struct ctl_call *call, const char *id)
{
    return audit_operator(call->db, call->mem, arena_printf(call->mem, "kansoctl %s", call->command->name), "job", id,
                          NULL, "updated");
}

static int change(const struct ctl_call *call, enum db_status (*how)(struct db *, struct arena *, const char *, bool *),
                  const char *refused)
{
    bool done;
    struct db_rows rows = {0};
    const char *id = uuid_hex(call->mem, call->operands[0]);
    if (!id)
        return ctl_misused(call->command, "the id of a job is a UUID");
    if (db_begin(call->db) != DB_OK || how(call->db, call->mem, id, &done) != DB_OK ||
        (done && record(call, id) != DB_OK) || db_commit(call->db) != DB_OK)
        return ctl_db_failed(call);
    int rc = find(call, id, &rows);
    if (rc == CTL_DONE && !done)
        return ctl_fail("the job is %s; %s", state_of(db_row(&rows, 0)), refused);
    if (rc == CTL_DONE)
        print(call, db_row(&rows, 0));
    return rc;
}

/* The commands ----------------------------------------------------------------------------------------------------- */

static int list_jobs(const struct ctl_call *call)
{
    struct job_choice choice = {.kind = ctl_option(call, "kind")};
    int rc = read_choice(call, &choice);
    return rc == CTL_DONE ? list(call, &choice) : rc;
}

static int list_events(const struct ctl_call *call)
{
    struct job_choice choice = {.events = true};
    int rc = read_choice(call, &choice);
    return rc == CTL_DONE ? list(call, &choice) : rc;
}

static int show(const struct ctl_call *call)
{
    struct db_rows rows = {0};
    const char *id = uuid_hex(call->mem, call->operands[0]);
    if (!id)
        return ctl_misused(call->command, "the id of a job is a UUID");
    int rc = find(call, id, &rows);
    if (rc == CTL_DONE)
        print(call, db_row(&rows, 0));
    return rc;
}

static int retry(const struct ctl_call *call)
{
    return change(call, jobs_retry, "only one that has failed can start anew");
}

static int cancel(const struct ctl_call *call)
{
    return change(call, jobs_cancel, "only one that waits or runs can be ended");
}

#define STATE                                                                                                          \
    {                                                                                                                  \
        "state", "STATE", "waiting, running, done or failed"                                                           \
    }
#define LIMIT                                                                                                          \
    {                                                                                                                  \
        "limit", "N", "at most so many (50)"                                                                           \
    }

const struct ctl_command ctl_jobs = {
    .name = "jobs",
    .summary = "background work",
    .details = "Background work: what kanso-jobs does for all hosts that share the database.\n",
};

const struct ctl_command ctl_jobs_list = {
    .name = "jobs list",
    .summary = "the latest jobs of background work",
    .synopsis = "[--kind KIND] [--state STATE] [--subject ID] [--limit N]",
    .details = "The latest jobs, newest first.\n",
    .options = {{"kind", "KIND", "delivery, firing, action, workload, watch or discard"},
                STATE,
                {"subject", "ID", "of an event source, a trigger or a run"},
                LIMIT},
    .columns = columns,
    ON_DATABASE,
    .run = list_jobs,
};

#define ONE_JOB                                                                                                        \
    .synopsis = "ID", .columns = one_columns, .single = true, .least_operands = 1, .most_operands = 1, ON_DATABASE

const struct ctl_command ctl_jobs_show = {
    .name = "jobs show",
    .summary = "all about one job, and what came of it",
    .details = "All about one job, and what came of it.\n",
    ONE_JOB,
    .run = show,
};

const struct ctl_command ctl_jobs_retry = {
    .name = "jobs retry",
    .summary = "let a job that has failed start anew",
    .details = "Lets a job that has failed start anew.\n",
    ONE_JOB,
    .run = retry,
};

const struct ctl_command ctl_jobs_cancel = {
    .name = "jobs cancel",
    .summary = "end a job that waits or runs",
    .details = "Ends a job that waits or runs, as a failure.\n",
    ONE_JOB,
    .run = cancel,
};

const struct ctl_command ctl_events = {
    .name = "events",
    .summary = "what came of deliveries to webhooks and firings of schedules",
    .synopsis = "[--subject ID] [--state STATE] [--limit N]",
    .details = "The latest deliveries to webhooks and firings of schedules, newest first, and what\n"
               "came of them.\n",
    .options = {{"subject", "ID", "of an event source or a trigger"}, STATE, LIMIT},
    .columns = event_columns,
    ON_DATABASE,
    .run = list_events,
};
