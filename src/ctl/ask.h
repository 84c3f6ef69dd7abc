/* Questions to a person, or to what stands on standard input in his place. */
#ifndef KANSO_CTL_ASK_H
#define KANSO_CTL_ASK_H

#include "base/arena.h"

#include <stdbool.h>

/* Whether a person can be asked: standard input is a terminal. */
bool ask_possible(void);

/* A line for the question; `otherwise`, of which a URL's password is not shown, when it is empty. NULL at the end of
 * the input. */
const char *ask_line(struct arena *a, const char *question, const char *otherwise);

/* A password: from a terminal without echo, and twice, unless standard input is none: then its next line, unasked.
 * NULL when there is none, and *problem says why. */
const char *ask_password(struct arena *a, const char *whose, const char **problem);

#endif
