#include "jobs/scheduler.h"

#include "base/log.h"
#include "base/lookup.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "jobs/jobs.h"
#include "jobs/schedule.h"
#include "resource/sql.h"

#include <string.h>

/* How many missed firings of one trigger are made up for at each look. */
enum { AT_ONCE = 20 };

struct trigger {
    const char *id, *name;
    struct schedule schedule;
    int64_t created;
    int64_t seen; /* firings until then have been dealt with; -1: it is new */
};

struct look {
    int64_t now;   /* by the database */
    int64_t since; /* when this database's schedules began to fire */
    int64_t next;  /* the earliest firing that is still to come; -1 for none */
};

static int64_t number_of(const struct db_value *v)
{
    int64_t n = -1;
    if (v->s)
        parse_int64(v->s, &n);
    return n;
}

/* Triggers that are older than this scheduler, as in a database that ZenML has used, fire from when it began. */
static int load_beginning(struct ctx *c, struct look *look)
{
    static const char text[] =
        "SELECT UNIX_TIMESTAMP(), (SELECT value FROM kanso_meta WHERE name = 'schedules_fire_since')";
    struct db_rows rows;
    TRY(sql0(c, &rows, text));
    look->now = number_of(&db_row(&rows, 0)[0]);
    look->since = number_of(&db_row(&rows, 0)[1]);
    if (look->since >= 0)
        return OK;
    TRY(sql0(c, NULL,
             "INSERT INTO kanso_meta (name, value) VALUES ('schedules_fire_since', UNIX_TIMESTAMP()) ON DUPLICATE KEY "
             "UPDATE name = name"));
    look->since = look->now;
    return OK;
}

/* A schedule that cannot be read is told of once, when its trigger is new to this process. */
static void complain(const char *id, const char *name, const char *problem)
{
    static struct arena mem;
    static struct lookup *told;
    if (!told)
        told = lookup_new(&mem);
    if (lookup_add(told, arena_strdup(&mem, id), "told"))
        log_warn("the schedule of trigger '%s' (%s) does not fire: %s", name, id, problem);
}

static bool read_trigger(struct ctx *c, const struct db_value *v, struct trigger *out)
{
    size_t len;
    const char *text = base64_decode(c->mem, v[2].s, v[2].len, &len);
    *out = (struct trigger){.id = v[0].s, .name = v[1].s, .created = number_of(&v[3]), .seen = -1};
    const char *problem = text ? schedule_read(c->mem, (struct span){text, len}, &out->schedule) : "It is no base64";
    if (problem)
        complain(out->id, out->name, problem);
    return !problem;
}

/* The active triggers whose schedules can be read. */
static int load_triggers(struct ctx *c, struct trigger **out, size_t *count)
{
    struct db_rows rows, seen;
    *count = 0;
    TRY(sql0(c, &rows,
             "SELECT id, name, schedule, UNIX_TIMESTAMP(created) FROM `trigger` WHERE schedule IS NOT NULL AND "
             "is_active = 1"));
    if (!rows.count)
        return OK;
    TRY(sql0(c, &seen, "SELECT trigger_id, seen FROM kanso_trigger_schedule"));
    struct lookup *by_id = lookup_new(c->mem);
    for (size_t i = 0; i < seen.count; i++)
        lookup_put(by_id, db_row(&seen, i)[0].s, &db_row(&seen, i)[1]);
    *out = arena_array(c->mem, rows.count, sizeof **out);
    for (size_t i = 0; i < rows.count; i++) {
        struct trigger *t = &(*out)[*count];
        if (!read_trigger(c, db_row(&rows, i), t))
            continue;
        const struct db_value *v = lookup_get(by_id, t->id);
        if (v)
            t->seen = number_of(v);
        ++*count;
    }
    return OK;
}

/* Until when the firings of a new trigger count as dealt with: those between its start and its creation are missed
 * ones, unless it had ended by then. */
static int64_t beginning_of(const struct trigger *t, const struct look *look)
{
    const struct schedule *s = &t->schedule;
    if (t->created < look->since)
        return look->since;
    if (s->start >= 0 && s->start <= t->created && (s->end < 0 || s->end >= t->created))
        return s->start - 1;
    return t->created;
}

/* Whether the trigger's row is still as it was read; it is locked until the end of the transaction. */
static int take(struct ctx *c, const struct trigger *t, int64_t seen, bool *ours)
{
    struct db_rows rows;
    if (t->seen < 0)
        TRY(sql(c, NULL,
                "INSERT INTO kanso_trigger_schedule (trigger_id, seen) VALUES (?, ?) ON DUPLICATE KEY UPDATE "
                "trigger_id = trigger_id",
                p_text(t->id), p_int(seen)));
    TRY(sql(c, &rows, "SELECT seen FROM kanso_trigger_schedule WHERE trigger_id = ? FOR UPDATE", p_text(t->id)));
    *ours = rows.count && number_of(db_row(&rows, 0)) == seen;
    return OK;
}

static int add_firing(struct ctx *c, const struct trigger *t, int64_t time)
{
    char stamp[STAMP_LEN + 1];
    stamp_from_seconds(time, stamp);
    stamp[10] = 'T';
    const char *text = arena_printf(c->mem, "{\"scheduled_time\":\"%s\"}", stamp);
    return job_add(c, "firing", t->id, arena_printf(c->mem, "%s@%lld", t->id, (long long)time),
                   (struct span){text, strlen(text)}, 0);
}

/* Adds the firings after `seen`, and tells until when they have been dealt with now. */
static int add_firings(struct ctx *c, const struct trigger *t, int64_t seen, int64_t now, int64_t *dealt_with)
{
    int64_t time = t->schedule.catchup ? schedule_next(&t->schedule, seen) : schedule_last(&t->schedule, now);
    *dealt_with = now;
    for (int i = 0; time > seen && time <= now; i++) {
        if (i == AT_ONCE)
            return OK;
        TRY(add_firing(c, t, time));
        *dealt_with = t->schedule.catchup ? time : now;
        time = t->schedule.catchup ? schedule_next(&t->schedule, time) : -1;
    }
    *dealt_with = now;
    return OK;
}

static int fire(struct ctx *c, const struct trigger *t, int64_t seen, int64_t now)
{
    bool ours;
    int64_t dealt_with;
    TRY(sql_begin(c));
    TRY(take(c, t, seen, &ours));
    if (!ours) { /* another host has been faster */
        db_rollback(c->db);
        return OK;
    }
    TRY(add_firings(c, t, seen, now, &dealt_with));
    TRY(sql(c, NULL, "UPDATE kanso_trigger_schedule SET seen = ? WHERE trigger_id = ?", p_int(dealt_with),
            p_text(t->id)));
    TRY(sql_commit(c));
    c->committed = false; /* the next trigger's transaction is another one */
    return OK;
}

static int look_at(struct ctx *c, const struct trigger *t, struct look *look)
{
    int64_t seen = t->seen >= 0 ? t->seen : beginning_of(t, look);
    int64_t next = schedule_next(&t->schedule, seen);
    if (t->seen < 0 || (next >= 0 && next <= look->now)) {
        TRY(fire(c, t, seen, look->now));
        next = schedule_next(&t->schedule, look->now);
    }
    if (next >= 0 && (look->next < 0 || next < look->next))
        look->next = next;
    return OK;
}

int scheduler_fire(struct ctx *c, int64_t *wait)
{
    struct look look = {.next = -1};
    struct trigger *triggers = NULL;
    size_t count;
    *wait = SCHEDULER_EVERY;
    TRY(load_beginning(c, &look));
    TRY(load_triggers(c, &triggers, &count));
    for (size_t i = 0; i < count; i++)
        TRY(look_at(c, &triggers[i], &look));
    if (look.next >= 0 && look.next - look.now < SCHEDULER_EVERY)
        *wait = look.next > look.now ? look.next - look.now : 1;
    return OK;
}

enum db_status scheduler_sweep(struct db *db, struct arena *a)
{
    return db_run(db, a, NULL, "DELETE FROM kanso_trigger_schedule WHERE trigger_id NOT IN (SELECT id FROM `trigger`)",
                  NULL, 0);
}
