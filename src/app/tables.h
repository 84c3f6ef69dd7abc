/*
 * Checks of the house's own tables: route tables and descriptors of resources are data, and a row that says something
 * impossible, nothing, or the same as another would be a trap that nobody hears snap. Run by the unit tests, and by
 * workers of a build for debugging (MODE=sanitize) before they serve.
 */
#ifndef KANSO_APP_TABLES_H
#define KANSO_APP_TABLES_H

#include "base/buf.h"
#include "resource/resource.h"

/* Checks every group and every resource. What is wrong is added to `out`, a line each: "FILE: ROW: what".
 * Returns the number of lines. */
size_t tables_check(struct buf *out);

/* The same for one row of a group's route table, and for one resource with its columns, filters and body. */
size_t tables_check_route(struct buf *out, const char *group, const struct route *r);
size_t tables_check_resource(struct buf *out, const struct resource *r);

/* The same for the columns that a text like sql/kanso.sql adds to tables. */
size_t tables_check_added_columns(struct buf *out, const char *sql);

#endif
