/*
 * One workspace's objects as lines of JSON, and back into a workspace of this or another server.
 *
 * The first line says what the file is; then comes a line for each row, rows that others refer to first; the last line
 * says that it is whole:
 *
 *   {"kanso_export":1,"kanso":"0.1.0","zenml":"0.66.0","workspace":{"id":"...","name":"default"},"secrets":false}
 *   {"table":"stack","row":{"id":"...","created":"2024-05-06
 * 07:08:09","name":"default","user_id":{"user":"alice"},...}}
 *   {"rows":1234}
 *
 * Members of a row are its columns in the database. Numbers are numbers, NULL is null, times and all else are texts;
 * bytes that are no text are {"base64":"..."}. Users are named: {"user":"alice"} or {"service_account":"bot"}. The
 * workspace is left out. Secrets are in the file only when that is asked for, and then with their values in clear:
 * "values" is an object.
 *
 * Ids are kept. One that belongs to something else here, in another workspace for example, is renewed: from the id and
 * the workspace, so that the same file gives the same ids again. What has the same name as something here (a stack, a
 * pipeline, a model, a tag, ...) is taken to be that. Every mention of such an id follows, also within JSON.
 */
#ifndef KANSO_TRANSFER_TRANSFER_H
#define KANSO_TRANSFER_TRANSFER_H

#include "db/migrate.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct transfer {
    struct migration m;    /* its database, URL and arena */
    const char *workspace; /* name; NULL on import: that of the file */
    bool secrets;          /* export: with secrets and their values */
    bool runs;             /* export: with runs and what belongs to them */
    const char *user;      /* import: who gets what belongs to users who are not here; NULL: nobody */
    bool missing;          /* afterwards: what is wrong is that there is no such workspace */
    uint64_t written;      /* rows: exported, or imported */
    uint64_t known;        /* import: rows that are here already */
    enum db_status (*record)(struct transfer *t); /* import: last of all in its transaction; NULL: nothing */
};

/* Each returns NULL, or what is wrong in one sentence. */

/* Writes the file, as the workspace is at one moment. */
const char *transfer_export(struct transfer *t, FILE *to);

/* Reads the file (twice: one that can be wound back) and adds what is missing, all of it in one transaction or nothing.
 */
const char *transfer_import(struct transfer *t, FILE *from);

/* For the two of them ---------------------------------------------------------------------------------------------- */

enum { TRANSFER_FORM = 1 };

struct transfer_kind {
    const char *table;
    const char *where; /* what belongs to a workspace, on t: @ is its id */
    const char *same;  /* columns: a row with the same values in them is taken to be this one; NULL: none is */
    const char *taken; /* columns: a row with the same values in them stands in the way; NULL: none does */
    const char *scope; /* column with what an id's row belongs to; NULL: to the workspace, or to all of them */
    bool link;         /* rows have no id of their own; they belong to what their first column names */
    bool history;      /* runs and what belongs to them */
};

/* In the order in which rows can be added. Ended by one without a table. */
extern const struct transfer_kind transfer_kinds[];

/* Whether a column of that name holds the id of a user. */
bool transfer_is_user(const char *column);

/* The columns that rows of a file have of a table: name, type (information_schema), whether it may be NULL ("YES"). */
enum { TRANSFER_COLUMN, TRANSFER_TYPE, TRANSFER_NULLABLE };
const char *transfer_columns(struct transfer *t, const char *table, struct db_rows *out);

/* The id (hex) of a workspace by its name. */
const char *transfer_workspace(struct transfer *t, const char *name, const char **id);

#endif
