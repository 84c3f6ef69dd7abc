#include "artifact/store.h"
#include "base/config.h"
#include "base/text.h"
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

int ctl_store_roots(int argc, char **argv)
{
    if (argc > 1) {
        fputs("Usage: kansoctl store-roots\n\nPrints the directories below which files of artifact stores are read, "
              "one a "
              "line (KANSO_STORE_ROOTS).\n",
              streq(argv[1], "--help") ? stdout : stderr);
        return streq(argv[1], "--help") ? CTL_DONE : CTL_MISUSED;
    }
    struct arena mem = {0};
    const char *problem = config_load(&mem), *at = problem ? "" : store_roots(&mem);
    for (; *at; at += strcspn(at, ":"), at += *at == ':')
        printf("%.*s\n", (int)strcspn(at, ":"), at);
    int rc = problem ? ctl_fail("%s", problem) : CTL_DONE;
    arena_free(&mem);
    return rc;
}
