/* Every variable that Kanso knows: those of config_load(), and those of scripts/kanso, nginx and the database. */
#ifndef KANSO_CTL_CONFIG_H
#define KANSO_CTL_CONFIG_H

#include "base/arena.h"
#include "base/config.h"

#include <stdbool.h>
#include <stddef.h>

/* The variables by their place from 0; false when there are fewer. */
bool known_variable(size_t i, struct config_variable *out);

/* The next name in the environment, from *at (0 at first) on, that begins as Kanso's do and is none of them; NULL when
 * there are no more. */
const char *unknown_variable(struct arena *a, size_t *at);

#endif
