/*
 * Kanso's own changes to a database, as steps. The tables of ZenML stay what they are to ZenML.
 *
 * Every step looks at the database and does what is missing, nothing when nothing is: it may run any number of times,
 * may be cut short at any point and taken up again, and may run on two nodes of a cluster at once. `kansoctl migrate`
 * carries them out in order, on new and old databases alike. To add one, write its function and add a row to STEPS
 * (db/steps.c).
 */
#ifndef KANSO_DB_STEPS_H
#define KANSO_DB_STEPS_H

#include "db/migrate.h"

/* Carries out every step. NULL, or what is wrong in one sentence. */
const char *steps_run(struct migration *m);

/* Changes nothing. NULL, or that the database lacks what Kanso cannot work without. What it lacks and can be done
 * without goes to m->warn. */
const char *steps_look(struct migration *m);

/* For steps ------------------------------------------------------------------------------------------------------ */

/* Runs a statement that changes tables. That what it makes is there already is no failure (another node may have made
 * it a moment ago): then *overtaken is set, unless it is NULL. NULL, or what is wrong. */
const char *steps_change(struct migration *m, const char *sql, bool *overtaken);

/* CREATE TABLE of sql/schema.sql with the order of creation, where the table has one; `sql` itself where not. */
const char *steps_with_order(struct arena *a, const char *sql);

/* Says how far a step that takes long has come: "indexes of pipeline_run (12 of 30)". */
void steps_progress(struct migration *m, const char *what, const char *table, size_t at, size_t of);

/* Copies the next statement of a file of sql/, without the comments before it; NULL at the end. */
const char *next_statement(struct arena *a, const char **at);

/* Whether the first column of some row is this text. */
bool has_text(const struct db_rows *r, const char *text);

#endif
