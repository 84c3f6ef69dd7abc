#include "artifact/store.h"
#include "ctl/ctl.h"

#include <string.h>

static const struct ctl_column columns[] = {{"directory", CTL_TEXT, 0}, {NULL}};

static int print_roots(const struct ctl_call *call)
{
    for (const char *at = store_roots(call->mem); *at; at += strcspn(at, ":"), at += *at == ':')
        ctl_row(call, &(struct db_value){at, strcspn(at, ":")});
    return CTL_DONE;
}

const struct ctl_command ctl_store_roots = {
    .name = "store-roots",
    .summary = "print the directories where the server reads artifact stores",
    .details =
        "Prints the directories below which files of artifact stores are read, one a line (KANSO_STORE_ROOTS).\n",
    .columns = columns,
    .bare = true,
    .configured = true,
    .run = print_roots,
};
