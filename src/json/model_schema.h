/* JSON schemas of documents that are described as data, for clients that make forms of them. */
#ifndef KANSO_JSON_MODEL_SCHEMA_H
#define KANSO_JSON_MODEL_SCHEMA_H

#include "json/model.h"

/* What the schema of a value of a plain kind says, without braces: of numbers, and of texts of some form. NULL for any
 * other kind. */
const char *kind_schema(enum kind kind);

/* Writes the schema of a document: its members in their order, titles made of their names, and below $defs the
 * documents and lists of words that it refers to. Nothing of a document is said more than once. */
void model_write_schema(struct jw *w, struct arena *a, const struct model *m);

#endif
