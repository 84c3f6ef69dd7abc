/* Where ctl_row() writes to. */
#ifndef KANSO_CTL_OUTPUT_H
#define KANSO_CTL_OUTPUT_H

#include "base/buf.h"
#include "ctl/ctl.h"

#include <stdbool.h>
#include <stddef.h>

struct ctl_output {
    struct buf text; /* not yet written */
    size_t rows;
    bool broken; /* something could not be written */
};

/* Ends the results of a command that has returned; returns whether all of them were written. */
bool output_complete(const struct ctl_call *call);

#endif
