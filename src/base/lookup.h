/*
 * Texts that lead to pointers: json-c's hash table, whose hash is seeded at random for each process. For lists that may
 * be long, where walking along them for each other item would take time in proportion to the square.
 */
#ifndef KANSO_BASE_LOOKUP_H
#define KANSO_BASE_LOOKUP_H

#include "base/arena.h"

#include <stdbool.h>

struct lookup;

/* An empty one. It lives until the arena's next reset; so must the texts and what they lead to. */
struct lookup *lookup_new(struct arena *a);

/* What the text leads to; NULL when it is not there. */
void *lookup_get(const struct lookup *l, const char *text);

/* Adds a text with something that is not NULL. False, and nothing is changed, when it is there already. */
bool lookup_add(struct lookup *l, const char *text, const void *to);

/* The same, and what the text has led to is replaced. */
void lookup_put(struct lookup *l, const char *text, const void *to);

#endif
