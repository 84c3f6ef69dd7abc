/* kansoctl jobs and events: background work, and what came of webhooks and schedules
 * (docs/architecture.md#background-work). */
#include "base/text.h"
#include "base/uuid.h"
#include "ctl/ctl.h"
#include "jobs/operate.h"
#include "json/write.h"

#include <stdio.h>
#include <string.h>

struct call {
    const struct ctl_call *line;
    struct arena *mem;
    struct db_url url;
    struct db *db;
    struct job_choice choice;
    bool json;
};

/* Command line ----------------------------------------------------------------------------------------------------- */

static bool known_state(const char *state)
{
    static const char *const states[] = {"waiting", "running", "done", "failed"};
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (streq(states[i], state))
            return true;
    return false;
}

static const char *read_id(struct call *c, const char *text)
{
    char hex[UUID_HEX + 1];
    return uuid_read(text, strlen(text), hex) ? arena_strdup(c->mem, hex) : NULL;
}

/* The options that both commands have. NULL, or what is wrong with one of them. */
static const char *read_options(struct call *c)
{
    const char *subject = ctl_option(c->line, "subject"), *limit = ctl_option(c->line, "limit");
    c->json = ctl_option(c->line, "json");
    c->choice.state = ctl_option(c->line, "state");
    c->choice.subject = subject ? read_id(c, subject) : NULL;
    c->choice.limit = 50;
    if (c->choice.state && !known_state(c->choice.state))
        return "--state takes waiting, running, done or failed";
    if (subject && !c->choice.subject)
        return "--subject takes an id, a UUID";
    if (limit && (!parse_int64(limit, &c->choice.limit) || c->choice.limit <= 0 || c->choice.limit > JOBS_LISTED_MAX))
        return "--limit takes a number from 1 to 10000";
    return NULL;
}

static const char *connect(struct call *c)
{
    const char *problem = db_url_from_env(c->mem, &c->url);
    if (!problem)
        c->db = db_new(&c->url);
    return problem;
}

static int failed(const struct call *c)
{
    return ctl_fail("the database cannot say: %s", db_error(c->db));
}

/* Output -------------------------------------------------------------------------------------------------------------
 */

/* Text from elsewhere for a terminal: control characters become blanks. */
static void put(const char *text)
{
    for (; text && *text; text++)
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text);
}

static const char *dashed(struct call *c, const char *hex)
{
    return strlen(hex) == UUID_HEX ? uuid_dashed(c->mem, hex) : hex;
}

static const char *state_of(const struct db_value *v)
{
    bool open = streq(v[JOB_STATE].s, "waiting") || streq(v[JOB_STATE].s, "running");
    return open && streq(v[JOB_CANCELLED].s, "1") ? "ending" : v[JOB_STATE].s;
}

static void write_json(struct call *c, struct jw *w, const struct db_value *v)
{
    static const struct {
        const char *name;
        int column;
        enum { TEXT, ID, STAMP, NUMBER } as;
    } members[] = {
        {"id", JOB_ID, ID},
        {"kind", JOB_KIND, TEXT},
        {"subject", JOB_SUBJECT, ID},
        {"subject_name", JOB_SUBJECT_NAME, TEXT},
        {"key", JOB_KEY, TEXT},
        {"state", JOB_STATE, TEXT},
        {"cancelled", JOB_CANCELLED, NUMBER},
        {"attempt", JOB_ATTEMPT, NUMBER},
        {"created", JOB_CREATED, STAMP},
        {"updated", JOB_UPDATED, STAMP},
        {"due", JOB_DUE, STAMP},
        {"owner", JOB_OWNER, TEXT},
        {"outcome", JOB_OUTCOME, TEXT},
        {"payload_bytes", JOB_PAYLOAD, NUMBER},
    };
    jw_open(w, '{');
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const struct db_value *value = &v[members[i].column];
        jw_key(w, members[i].name);
        if (members[i].column == JOB_CANCELLED)
            jw_bool(w, streq(value->s, "1"));
        else if (!value->s || members[i].as == TEXT)
            jw_str(w, value->s);
        else if (members[i].as == ID)
            jw_str(w, dashed(c, value->s));
        else if (members[i].as == STAMP)
            jw_stamp(w, value->s, value->len < 19 ? value->len : 19);
        else
            jw_raw(w, value->s, value->len);
    }
    jw_close(w, '}');
}

static int print_buffer(struct buf *out)
{
    buf_addc(out, '\n');
    bool ok = fwrite(out->data, 1, out->len, stdout) == out->len && fflush(stdout) == 0;
    buf_free(out);
    return ok ? CTL_DONE : ctl_fail("cannot write the output");
}

static int print_json(struct call *c, const struct db_rows *rows)
{
    struct buf out = {0};
    struct jw w = {.out = &out};
    jw_open(&w, '[');
    for (size_t i = 0; i < rows->count; i++)
        write_json(c, &w, db_row(rows, i));
    jw_close(&w, ']');
    return print_buffer(&out);
}

static int print_jobs(struct call *c, const struct db_rows *rows)
{
    printf("%-36s  %-10s %-8s %7s  %-19s  %s\n", "ID", "KIND", "STATE", "ATTEMPT", "UPDATED (UTC)", "SUBJECT");
    for (size_t i = 0; i < rows->count; i++) {
        const struct db_value *v = db_row(rows, i);
        printf("%-36s  %-10s %-8s %7s  %-19.19s  ", dashed(c, v[JOB_ID].s), v[JOB_KIND].s, state_of(v),
               v[JOB_ATTEMPT].s, v[JOB_UPDATED].s);
        put(v[JOB_SUBJECT_NAME].s ? v[JOB_SUBJECT_NAME].s : dashed(c, v[JOB_SUBJECT].s));
        putchar('\n');
    }
    return CTL_DONE;
}

static int print_events(struct call *c, const struct db_rows *rows)
{
    printf("%-19s  %-8s  %-8s  %-36s  %s\n", "TIME (UTC)", "KIND", "STATE", "ID", "FROM: OUTCOME");
    for (size_t i = 0; i < rows->count; i++) {
        const struct db_value *v = db_row(rows, i);
        printf("%-19.19s  %-8s  %-8s  %-36s  ", v[JOB_CREATED].s, v[JOB_KIND].s, state_of(v), dashed(c, v[JOB_ID].s));
        put(v[JOB_SUBJECT_NAME].s ? v[JOB_SUBJECT_NAME].s : dashed(c, v[JOB_SUBJECT].s));
        printf(": ");
        put(v[JOB_OUTCOME].s ? v[JOB_OUTCOME].s : "-");
        putchar('\n');
    }
    return CTL_DONE;
}

static int list(struct call *c, int (*print)(struct call *, const struct db_rows *))
{
    struct db_rows rows;
    if (jobs_list(c->db, c->mem, &c->choice, &rows) != DB_OK)
        return failed(c);
    return c->json ? print_json(c, &rows) : print(c, &rows);
}

static void line(const char *name, const char *value)
{
    printf("%-10s ", name);
    put(value ? value : "-");
    putchar('\n');
}

static int print_job(struct call *c, const struct db_value *v)
{
    line("id", dashed(c, v[JOB_ID].s));
    line("kind", v[JOB_KIND].s);
    line("subject", dashed(c, v[JOB_SUBJECT].s));
    if (v[JOB_SUBJECT_NAME].s)
        line("name", v[JOB_SUBJECT_NAME].s);
    if (v[JOB_KEY].s)
        line("key", v[JOB_KEY].s);
    line("state", state_of(v));
    line("attempt", v[JOB_ATTEMPT].s);
    line("created", v[JOB_CREATED].s);
    line("updated", v[JOB_UPDATED].s);
    if (streq(v[JOB_STATE].s, "waiting"))
        line("due", arena_strndup(c->mem, v[JOB_DUE].s, 19));
    if (v[JOB_OWNER].s)
        line("runs on", v[JOB_OWNER].s);
    line("payload", arena_printf(c->mem, "%s bytes", v[JOB_PAYLOAD].s));
    line("outcome", v[JOB_OUTCOME].s);
    return CTL_DONE;
}

/* The job that the command line names: *rows is it, or it was said that there is none. */
static int find(struct call *c, struct db_rows *rows)
{
    if (jobs_list(c->db, c->mem, &c->choice, rows) != DB_OK)
        return failed(c);
    return rows->count ? CTL_DONE : ctl_fail("there is no job %s", c->line->operands[1]);
}

static int show(struct call *c)
{
    struct db_rows rows;
    struct buf out = {0};
    int rc = find(c, &rows);
    if (rc != CTL_DONE || !c->json)
        return rc == CTL_DONE ? print_job(c, db_row(&rows, 0)) : rc;
    struct jw w = {.out = &out};
    write_json(c, &w, db_row(&rows, 0));
    return print_buffer(&out);
}

static int change(struct call *c, enum db_status (*how)(struct db *, struct arena *, const char *, bool *),
                  const char *said, const char *refused)
{
    bool done;
    struct db_rows rows;
    if (how(c->db, c->mem, c->choice.id, &done) != DB_OK)
        return failed(c);
    if (done) {
        printf("%s\n", said);
        return CTL_DONE;
    }
    int rc = find(c, &rows);
    return rc == CTL_DONE ? ctl_fail("the job is %s; %s", state_of(db_row(&rows, 0)), refused) : rc;
}

/* The commands --------------------------------------------------------------------------------------------------------
 */

static int with_one(struct call *c, const char *command)
{
    if (streq(command, "show"))
        return show(c);
    if (streq(command, "retry"))
        return change(c, jobs_retry, "it starts anew", "only one that has failed can start anew");
    return change(c, jobs_cancel, "it is being ended", "only one that waits or runs can be ended");
}

static int run_jobs(struct call *c)
{
    const struct ctl_call *line = c->line;
    const char *command = line->operand_count ? line->operands[0] : "list";
    bool one = streq(command, "show") || streq(command, "retry") || streq(command, "cancel");
    c->choice.kind = ctl_option(line, "kind");
    if (!one && !streq(command, "list"))
        return ctl_misused(line->command, "the command is list, show, retry or cancel");
    if (one ? line->operand_count < 2 : line->operand_count > 1)
        return ctl_misused(line->command, one ? "one id is needed" : "list takes no ids");
    if (one && !(c->choice.id = read_id(c, line->operands[1])))
        return ctl_misused(line->command, "the id of a job is a UUID");
    const char *problem = connect(c);
    if (problem)
        return ctl_fail("%s", problem);
    return one ? with_one(c, command) : list(c, print_jobs);
}

static int run_events(struct call *c)
{
    c->choice.events = true;
    const char *problem = connect(c);
    return problem ? ctl_fail("%s", problem) : list(c, print_events);
}

static int run(const struct ctl_call *line, int (*command)(struct call *))
{
    struct call c = {.line = line, .mem = line->mem};
    const char *problem = read_options(&c);
    if (problem)
        return ctl_misused(line->command, "%s", problem);
    int rc = command(&c);
    db_free(c.db);
    return rc;
}

static int jobs(const struct ctl_call *line)
{
    return run(line, run_jobs);
}

static int events(const struct ctl_call *line)
{
    return run(line, run_events);
}

#define STATE                                                                                                          \
    {                                                                                                                  \
        "state", "STATE", "waiting, running, done or failed"                                                           \
    }
#define LIMIT                                                                                                          \
    {                                                                                                                  \
        "limit", "N", "at most so many (50)"                                                                           \
    }
#define JSON                                                                                                           \
    {                                                                                                                  \
        "json", NULL, "JSON instead of text"                                                                           \
    }

const struct ctl_command ctl_jobs = {
    .name = "jobs",
    .summary = "background work: list, show, retry, cancel",
    .synopsis = "[list] [--kind KIND] [--state STATE] [--subject ID] [--limit N] [--json]\n"
                "show ID [--json]\n"
                "retry ID\n"
                "cancel ID",
    .details = "Background work: what kanso-jobs does for all hosts that share the database,\n"
               "that of ZENML_STORE_URL or the one of the Kanso in KANSO_HOME.\n"
               "\n"
               "  list     the latest jobs, newest first\n"
               "  show     all about one, and what came of it\n"
               "  retry    lets one that has failed start anew\n"
               "  cancel   ends one that waits or runs, as a failure\n",
    .options = {{"kind", "KIND", "delivery, firing, action, workload, watch or discard"},
                STATE,
                {"subject", "ID", "of an event source, a trigger or a run"},
                LIMIT,
                JSON},
    .most_operands = 2,
    .of_instance = true,
    .configured = true,
    .run = jobs,
};

const struct ctl_command ctl_events = {
    .name = "events",
    .summary = "what came of deliveries to webhooks and firings of schedules",
    .synopsis = "[--subject ID] [--state STATE] [--limit N] [--json]",
    .details = "The latest deliveries to webhooks and firings of schedules, newest first, and what\n"
               "came of them. The database is that of ZENML_STORE_URL, or the one of the Kanso in\n"
               "KANSO_HOME.\n",
    .options = {{"subject", "ID", "of an event source or a trigger"}, STATE, LIMIT, JSON},
    .of_instance = true,
    .configured = true,
    .run = events,
};
