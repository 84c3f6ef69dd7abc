/*
 * One operation of a workload manager, for tests that bring the manager's other side along:
 *   workload_tool MANAGER check|state|logs|remove|build|run ID [...]
 *     build ID DOCKERFILE NAME
 *     run ID IMAGE COMMAND...      with the environment of TOOL_ENV: NAME=value, one a line
 * Settings come from the environment. Prints one JSON object: rc (ok, failed, retry), error, and what there is to tell.
 */
#include "base/config.h"
#include "base/text.h"
#include "template/workload.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct workload_manager *const managers[] = {&workload_docker, &workload_kubernetes};

static const struct workload_manager *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(managers); i++)
        if (streq(managers[i]->name, name))
            return managers[i];
    fprintf(stderr, "no manager %s\n", name);
    exit(2);
}

static void tell(struct jw *w, const char *name, const char *value)
{
    jw_key(w, name);
    jw_str(w, value);
}

static size_t environment(struct arena *a, struct pair *out, size_t room)
{
    const char *given = getenv("TOOL_ENV");
    char *text = arena_strdup(a, given ? given : ""), *line;
    size_t n = 0;
    while ((line = strsep(&text, "\n")) && n < room) {
        char *value = strchr(line, '=');
        if (!value)
            continue;
        *value++ = '\0';
        out[n++] = (struct pair){.name = line, .value = value, .value_len = strlen(value)};
    }
    return n;
}

static int run(struct ctx *c, const struct workload_manager *m, char **argv)
{
    static const char *const none[] = {NULL};
    struct pair pairs[32];
    struct workload w = {.id = argv[0], .image = argv[1], .arguments = none, .environment = pairs};
    const char *command[] = {argv[2], NULL};
    w.command = command;
    w.arguments = (const char *const *)argv + 3;
    w.n_environment = environment(c->mem, pairs, ARRAY_LEN(pairs));
    return m->run(c, &w);
}

static int operate(struct ctx *c, const struct workload_manager *m, char **argv, struct jw *w)
{
    static const char *const states[] = {"unknown", "running", "succeeded", "failed"};
    const char *operation = argv[0], *text = NULL;
    enum workload_state state = WORKLOAD_UNKNOWN;
    struct buf buf = {0};
    int rc = FAILED;
    if (streq(operation, "check")) {
        rc = m->check(&buf);
        tell(w, "why", buf.data);
    } else if (streq(operation, "build")) {
        rc = m->build(c, argv[1], argv[2], argv[3], &text);
        tell(w, "image", text);
    } else if (streq(operation, "run")) {
        rc = run(c, m, argv + 1);
    } else if (streq(operation, "state")) {
        rc = m->state(c, argv[1], &state, &text);
        tell(w, "state", states[state]);
        tell(w, "reason", text);
    } else if (streq(operation, "logs")) {
        rc = m->logs(c, argv[1], &buf);
        tell(w, "logs", buf.data ? buf.data : "");
    } else if (streq(operation, "remove")) {
        rc = m->remove(c, argv[1]);
    }
    buf_free(&buf);
    return rc;
}

int main(int argc, char **argv)
{
    static const char *const results[] = {[OK] = "ok", [FAILED] = "failed", [RETRY] = "retry"};
    struct arena mem = {0};
    struct buf out = {0};
    struct ctx c = {.mem = &mem};
    struct jw w = {.out = &out};
    if (argc < 4 || config_load(&mem))
        return 2;
    jw_open(&w, '{');
    int rc = operate(&c, find(argv[1]), argv + 2, &w);
    jw_key(&w, "rc");
    jw_str(&w, results[rc]);
    jw_key(&w, "error");
    if (c.res.body.len)
        jw_raw(&w, c.res.body.data, c.res.body.len);
    else
        jw_null(&w);
    jw_close(&w, '}');
    puts(out.data);
    buf_free(&out);
    buf_free(&c.res.body);
    arena_free(&mem);
    return 0;
}
