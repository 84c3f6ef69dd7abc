/*
 * Workload managers that are programs of the operator's: one JSON object on standard input says what to do, one on
 * standard output is the answer (docs/automation.md#kansocommand). A Python class is served by the same protocol: a
 * small program in Python (scripts/workload-bridge.py) speaks it and calls the class.
 */
#include "base/config.h"
#include "base/spawn.h"
#include "base/text.h"
#include "base/uuid.h"
#include "db/embedded.h"
#include "template/workload.h"

#include <ctype.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_OUTPUT = 8 << 20, /* of an answer: logs above all */
    QUICK = 15,           /* seconds for what is asked again and again */
    WAITED_FOR = 5,       /* for what a client waits for */
    TRY_LATER = 75,       /* EX_TEMPFAIL of sysexits.h */
};

typedef const char *const *(*program)(struct arena *a);

static const char *const *command_program(struct arena *a)
{
    const char **argv = arena_array(a, 2, sizeof *argv);
    argv[0] = config.workload_command;
    return argv;
}

static const char *const *python_program(struct arena *a)
{
    const char **argv = arena_array(a, 5, sizeof *argv);
    argv[0] = config.workload_python;
    argv[1] = "-c";
    argv[2] = workload_bridge;
    argv[3] = config.workload_manager_source;
    return argv;
}

/* Talking to it ------------------------------------------------------------------------------------------------- */

/* Begins the request of an operation; the caller adds members and closes it. */
static struct jw begin_request(struct buf *to, const char *operation, const char *id)
{
    struct jw w = {.out = to};
    jw_open(&w, '{');
    jw_key_str(&w, "operation", operation);
    jw_key_str(&w, "workload_id", id);
    return w;
}

/* The last line of a text that is not blank, at most `room` bytes of it. */
static const char *last_line(struct arena *a, const char *text, size_t len)
{
    enum { SHOWN = 500 };
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    size_t from = len;
    while (from && text[from - 1] != '\n')
        from--;
    if (len - from > SHOWN)
        from = len - SHOWN;
    while (from < len && ((unsigned char)text[from] & 0xc0) == 0x80)
        from++;
    return text_valid(text + from, len - from) ? arena_strndup(a, text + from, len - from) : "";
}

/* Texts of the program with the workload's secret values taken out. */
static const char *without_secrets(struct arena *a, const char *text, const struct workload *w)
{
    enum { SECRET_LEN = 20 }; /* of values that are: nothing else in an environment is both that long and unknown */
    for (size_t i = 0; w && i < w->n_environment; i++) {
        const struct pair *e = &w->environment[i];
        const char *at;
        if (e->value_len < SECRET_LEN || !strstr(e->name, "TOKEN"))
            continue;
        while ((at = strstr(text, e->value)))
            text = arena_printf(a, "%.*s***%s", (int)(at - text), text, at + e->value_len);
    }
    return text;
}

/* Why a program that ended like this has not done its work. */
static const char *explain(struct arena *a, const struct spawned *p, const char *error)
{
    const char *line = error ? error : last_line(a, p->errors, p->errors_len);
    const char *colon = *line ? ": " : "";
    switch (p->end) {
    case SPAWN_UNSTARTED:
        return arena_printf(a, "it cannot be started: %s", strerror(p->code));
    case SPAWN_LATE:
        return "it took too long and was ended";
    case SPAWN_FLOOD:
        return arena_printf(a, "it wrote more than %d bytes and was ended", MAX_OUTPUT);
    case SPAWN_SIGNALLED:
        return arena_printf(a, "it was ended by signal %d%s%s", p->code, colon, line);
    case SPAWN_EXITED:
        break;
    }
    return p->code || error ? arena_printf(a, "exit status %d%s%s", p->code, colon, line)
                            : "its answer is not a JSON object";
}

/* Runs the program for one request and reads its answer. */
static int ask(struct ctx *c, program of, const char *operation, struct buf *request, unsigned timeout,
               const struct workload *w, struct json_object **answer)
{
    const struct spawn s = {.argv = of(c->mem),
                            .input = request->data,
                            .input_len = request->len,
                            .max_output = MAX_OUTPUT,
                            .timeout = timeout};
    const struct spawned p = spawn(c->mem, &s);
    memset(request->data, 0, request->len); /* there may be a token in it */
    buf_free(request);
    bool ran = p.end == SPAWN_EXITED;
    *answer = ran ? json_tree(c->mem, p.output, p.output_len) : NULL;
    const char *error = member_str(*answer, "error");
    if (ran && p.code == 0 && !error && json_object_is_type(*answer, json_type_object))
        return OK;
    const char *why = without_secrets(c->mem, explain(c->mem, &p, error), w);
    fail(c, EX_RUNTIME, "The workload manager's %s failed: %s", operation, why);
    return ran && p.code == TRY_LATER ? RETRY : FAILED;
}

static void write_texts(struct jw *w, const char *name, const char *const *texts)
{
    jw_key_open(w, name, '[');
    for (; *texts; texts++)
        jw_str(w, *texts);
    jw_close(w, ']');
}

static int build_with(struct ctx *c, program of, const char *id, const char *dockerfile, const char *name,
                      const char **image)
{
    struct buf request = {0};
    struct json_object *answer;
    struct jw w = begin_request(&request, "build", id);
    jw_key_str(&w, "dockerfile", dockerfile);
    jw_key_str(&w, "image_name", name);
    jw_close(&w, '}');
    int rc = ask(c, of, "build", &request, (unsigned)config.workload_timeout, NULL, &answer);
    if (rc != OK)
        return rc;
    *image = member_str(answer, "image");
    return *image ? OK : fail(c, EX_RUNTIME, "The workload manager's build failed: its answer names no image");
}

static int run_with(struct ctx *c, program of, const struct workload *load)
{
    struct buf request = {0};
    struct json_object *answer;
    struct jw w = begin_request(&request, "run", load->id);
    jw_key_str(&w, "image", load->image);
    write_texts(&w, "command", load->command);
    write_texts(&w, "arguments", load->arguments);
    jw_key_open(&w, "environment", '{');
    for (size_t i = 0; i < load->n_environment; i++) {
        jw_key(&w, load->environment[i].name);
        jw_strn(&w, load->environment[i].value, load->environment[i].value_len);
    }
    jw_close(&w, '}');
    jw_key(&w, "timeout_in_seconds");
    jw_int(&w, load->timeout);
    jw_close(&w, '}');
    return ask(c, of, "run", &request, (unsigned)config.workload_timeout, load, &answer);
}

static int logs_with(struct ctx *c, program of, const char *id, struct buf *text)
{
    struct buf request = {0};
    struct json_object *answer;
    struct jw w = begin_request(&request, "logs", id);
    jw_close(&w, '}');
    int rc = ask(c, of, "logs", &request, WAITED_FOR, NULL, &answer);
    const char *logs = rc == OK ? member_str(answer, "logs") : NULL;
    if (logs)
        buf_adds(text, logs);
    return rc;
}

static int remove_with(struct ctx *c, program of, const char *id)
{
    struct buf request = {0};
    struct json_object *answer;
    struct jw w = begin_request(&request, "delete", id);
    jw_close(&w, '}');
    return ask(c, of, "delete", &request, QUICK, NULL, &answer);
}

/* kanso.command -------------------------------------------------------------------------------------------------- */

static int command_check(struct buf *why)
{
    const char *path = config.workload_command;
    struct stat st;
    if (!path)
        buf_adds(why, "KANSO_WORKLOAD_COMMAND names no program");
    else if (path[0] != '/')
        buf_addf(why, "KANSO_WORKLOAD_COMMAND is %s, not an absolute path", path);
    else if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || access(path, X_OK) != 0)
        buf_addf(why, "%s is not a program that can be run", path);
    else
        return OK;
    return FAILED;
}

static int command_build(struct ctx *c, const char *id, const char *dockerfile, const char *name, const char **image)
{
    return build_with(c, command_program, id, dockerfile, name, image);
}

static int command_run(struct ctx *c, const struct workload *w)
{
    return run_with(c, command_program, w);
}

static int command_state(struct ctx *c, const char *id, enum workload_state *state, const char **reason)
{
    static const char *const names[] = {[WORKLOAD_UNKNOWN] = "unknown",
                                        [WORKLOAD_RUNNING] = "running",
                                        [WORKLOAD_SUCCEEDED] = "succeeded",
                                        [WORKLOAD_FAILED] = "failed"};
    struct buf request = {0};
    struct json_object *answer;
    struct jw w = begin_request(&request, "state", id);
    jw_close(&w, '}');
    int rc = ask(c, command_program, "state", &request, QUICK, NULL, &answer);
    if (rc != OK)
        return rc;
    const char *said = member_str(answer, "state");
    *reason = member_str(answer, "reason");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (streq(said, names[i])) {
            *state = (enum workload_state)i;
            return OK;
        }
    return fail(c, EX_RUNTIME, "The workload manager's state failed: its answer says %s", said ? said : "no state");
}

static int command_logs(struct ctx *c, const char *id, struct buf *text)
{
    return logs_with(c, command_program, id, text);
}

static int command_remove(struct ctx *c, const char *id)
{
    return remove_with(c, command_program, id);
}

const struct workload_manager workload_command = {
    .name = "kanso.command",
    .check = command_check,
    .build = command_build,
    .run = command_run,
    .state = command_state,
    .logs = command_logs,
    .remove = command_remove,
};

/* A class of the operator's --------------------------------------------------------------------------------------- */

/* Whether python3 is there and has the class: it is imported and made, as each operation does. */
static int python_check(struct buf *why)
{
    struct arena mem = {0};
    const char *request = "{\"operation\":\"check\"}";
    const struct spawn s = {.argv = python_program(&mem),
                            .input = request,
                            .input_len = strlen(request),
                            .max_output = MAX_OUTPUT,
                            .timeout = 60};
    const struct spawned p = spawn(&mem, &s);
    const char *error = p.end == SPAWN_EXITED ? member_str(json_tree(&mem, p.output, p.output_len), "error") : NULL;
    bool good = p.end == SPAWN_EXITED && p.code == 0;
    if (!good)
        buf_addf(why, "%s for the class %s: %s", config.workload_python, config.workload_manager_source,
                 explain(&mem, &p, error));
    arena_free(&mem);
    return good ? OK : FAILED;
}

static int python_build(struct ctx *c, const char *id, const char *dockerfile, const char *name, const char **image)
{
    return build_with(c, python_program, id, dockerfile, name, image);
}

static int python_run(struct ctx *c, const struct workload *w)
{
    return run_with(c, python_program, w);
}

static int python_logs(struct ctx *c, const char *id, struct buf *text)
{
    return logs_with(c, python_program, id, text);
}

static int python_remove(struct ctx *c, const char *id)
{
    return remove_with(c, python_program, id);
}

/* The reference's interface has no question for the state. */
const struct workload_manager workload_python = {
    .name = "python",
    .check = python_check,
    .build = python_build,
    .run = python_run,
    .logs = python_logs,
    .remove = python_remove,
};
