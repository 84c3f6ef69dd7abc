#include "template/workload.h"

#include "base/config.h"
#include "base/log.h"
#include "base/text.h"

static const struct workload_manager *const MANAGERS[] = {&workload_docker, &workload_kubernetes, &workload_command};

bool workload_configured(void)
{
    return config.workload_manager_source && *config.workload_manager_source;
}

const struct workload_manager *workload_manager(void)
{
    if (!workload_configured())
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(MANAGERS); i++)
        if (streq(MANAGERS[i]->name, config.workload_manager_source))
            return MANAGERS[i];
    return &workload_python;
}

/* Whether the manager could work when this process looked. What is mended later is seen by the next process. */
static bool can_work(void)
{
    static enum { NOT_LOOKED, CAN, CANNOT } known;
    if (known == NOT_LOOKED) {
        struct buf why = {0};
        known = workload_manager()->check(&why) == OK ? CAN : CANNOT;
        if (known == CANNOT)
            log_warn("templates cannot be run: %s", why.data ? why.data : "the workload manager does not work");
        buf_free(&why);
    }
    return known == CAN;
}

void workload_announce(void)
{
    if (workload_configured())
        can_work();
}

int workload_manager_ready(struct ctx *c, const struct workload_manager **m)
{
    *m = workload_manager();
    return *m && can_work() ? OK : fail(c, EX_RUNTIME, "Workload manager component not initialized");
}
