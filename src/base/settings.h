/*
 * How settings reach a process, and how secret ones leave its environment again, where others could read them
 * (/proc/PID/environ, children, core dumps).
 */
#ifndef KANSO_BASE_SETTINGS_H
#define KANSO_BASE_SETTINGS_H

#include "base/arena.h"

#include <stdbool.h>

/* First thing in main(): no core dump and no other process of the same user shows this one's memory from here on; and
 * the settings on the descriptor that KANSO_SETTINGS_FD names (NAME=value texts, each ended by NUL) join the
 * environment, which wins. Returns NULL, or what is wrong in a sentence. */
const char *settings_receive(void);

/* The NAME=value lines of a file (kanso.conf) join the environment, which wins. A value may stand in quotes; other
 * lines are for scripts/kanso to complain about. False when the file cannot be read. */
bool settings_load(const char *path);

/* The same from the file that KANSO_CONF names, or from kanso.conf beside scripts/: for programs that others start with
 * no settings, a web server or cron. Complains of a file that KANSO_CONF names and that cannot be read. */
void settings_load_own(void);

/* The directory that holds scripts/kanso: above build/bin/PROGRAM in the sources, above bin/PROGRAM where Kanso was
 * installed; NULL when that cannot be told. */
char *settings_tree(struct arena *a);

/* The value of an environment variable, copied to `a`, where an empty one counts as unset: NULL. The variable is
 * removed and its memory erased: a second call returns NULL. */
const char *settings_take(struct arena *a, const char *name);

#endif
