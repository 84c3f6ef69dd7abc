#include "jobs/schedule.h"

#include "base/timestamp.h"
#include "json/write.h"

static int64_t time_of(struct json_object *schedule, const char *name)
{
    struct json_object *v = NULL;
    char stamp[STAMP_LEN + 1];
    if (!json_object_object_get_ex(schedule, name, &v) || !json_object_is_type(v, json_type_string))
        return -1;
    const char *text = json_object_get_string(v);
    if (!stamp_parse(text, (size_t)json_object_get_string_len(v), stamp))
        return -1;
    int64_t seconds = stamp_seconds(stamp);
    return seconds > 0 ? seconds : 0; /* who begins before 1970 has begun */
}

/* At least a second: nobody can want more than that. */
static int64_t interval_of(struct json_object *schedule)
{
    struct json_object *v = NULL;
    double seconds = 0;
    if (!json_object_object_get_ex(schedule, "interval_second", &v) || !v)
        return -1;
    if (json_object_is_type(v, json_type_string))
        duration_parse(json_object_get_string(v), (size_t)json_object_get_string_len(v), &seconds);
    else
        seconds = json_object_get_double(v);
    if (!(seconds > 0) || !duration_possible(seconds))
        return -1;
    return seconds < 1 ? 1 : (int64_t)seconds;
}

static const char *expression_of(struct json_object *schedule)
{
    struct json_object *v = NULL;
    if (!json_object_object_get_ex(schedule, "cron_expression", &v) || !json_object_is_type(v, json_type_string))
        return NULL;
    const char *text = json_object_get_string(v);
    return *text ? text : NULL;
}

const char *schedule_read(struct arena *a, struct span text, struct schedule *out)
{
    struct json_object *schedule = json_tree(a, text.s, text.len), *catchup = NULL;
    if (!json_object_is_type(schedule, json_type_object))
        return "The schedule is no JSON object";
    const char *expression = expression_of(schedule);
    *out = (struct schedule){.start = time_of(schedule, "start_time"),
                             .end = time_of(schedule, "end_time"),
                             .interval = interval_of(schedule)};
    out->catchup = json_object_object_get_ex(schedule, "catchup", &catchup) && json_object_get_boolean(catchup);
    if (expression) {
        out->by = BY_CRON;
        const char *problem = cron_read(expression, &out->cron);
        return problem ? arena_printf(a, "The cron expression '%s' cannot be read: %s", expression, problem) : NULL;
    }
    if (out->start >= 0 && out->interval > 0) {
        out->by = BY_INTERVAL;
        return NULL;
    }
    out->by = ONCE;
    out->start = time_of(schedule, "run_once_start_time");
    return out->start >= 0 ? NULL : "The schedule has no cron expression, no interval with a start, and no single time";
}

int64_t schedule_next(const struct schedule *s, int64_t after)
{
    int64_t next = -1;
    if (after < s->start)
        after = s->start - 1;
    if (s->by == BY_CRON)
        next = cron_next(&s->cron, after);
    else if (s->by == BY_INTERVAL)
        next = s->start + (after < s->start ? 0 : (after - s->start) / s->interval + 1) * s->interval;
    else if (after < s->start)
        next = s->start;
    return s->end >= 0 && next > s->end ? -1 : next;
}

int64_t schedule_last(const struct schedule *s, int64_t until)
{
    if (s->end >= 0 && until > s->end)
        until = s->end;
    if (until < s->start)
        return -1;
    int64_t last = s->start;
    if (s->by == BY_CRON)
        last = cron_last(&s->cron, until);
    else if (s->by == BY_INTERVAL)
        last = s->start + (until - s->start) / s->interval * s->interval;
    return last >= s->start ? last : -1;
}
