/* What a program has written: its end, bounded, and as text that may stand in an answer. */
#ifndef KANSO_TEMPLATE_OUTPUT_H
#define KANSO_TEMPLATE_OUTPUT_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>

/* Zero-initialise it but for the limit. */
struct output {
    struct buf kept; /* up to twice the limit */
    size_t limit;    /* bytes of the end that are kept */
    bool cut;        /* something in front of them has been left out */
};

void output_add(struct output *o, const void *data, size_t len);

/* Appends what is kept: from the beginning of a line on when it was cut, with U+FFFD for NUL and for bytes that are not
 * UTF-8. The output is then empty and its memory given back. */
void output_take(struct output *o, struct buf *to);

/* The same as a text of the arena. */
char *output_text(struct arena *a, struct output *o);

#endif
