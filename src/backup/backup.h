/*
 * Backups: all tables of a database, their definitions and rows, as they were at one moment, while others go on
 * writing; and restoring them.
 *
 * Rows are read and written by the driver that Kanso has in any case: mariadb-dump and mysqldump are not on every host,
 * each is made for its own server, and text made of a value can be longer than a statement may be. Values are passed on
 * as the bytes that the server has, so whatever a column can hold comes back as it was. Secrets stay encrypted; the key
 * is not in the backup.
 */
#ifndef KANSO_BACKUP_BACKUP_H
#define KANSO_BACKUP_BACKUP_H

#include "backup/archive.h"
#include "db/migrate.h"

#include <stdbool.h>
#include <stdint.h>

/* The table that a database has while it is being restored: no Kanso works with it then (migrate_tables()). */
#define RESTORE_MARK MIGRATE_RESTORING

struct backup_table {
    const char *name, *create; /* SHOW CREATE TABLE */
    const char **columns;      /* those whose values are kept: not generated ones */
    bool *is_float;            /* by column: read as a double, in which text keeps each digit */
    size_t column_count;
    uint64_t expected; /* rows, as the server guesses */
    uint64_t rows;
    const char *sum;
};

/* What a backup says of itself. */
struct backup_facts {
    const char *kanso;   /* the version that made it */
    const char *created; /* UTC, SQL form */
    const char *server;  /* VERSION() */
    const char *database, *charset, *collation;
    const char *schema; /* what alembic_version says; NULL: it says nothing */
    int64_t level;      /* of Kanso's own tables; 0: there are none */
    struct backup_table *tables;
    size_t table_count;
    uint64_t rows;
    uint64_t longest; /* row, in bytes */
};

struct backup {
    struct migration m; /* its database and arena; progress and warn are used as there */
    /* Called every few rows and with each table. NULL: nobody. */
    void (*progress)(const char *doing, const char *table, uint64_t rows, int percent);
    void (*waiting)(void); /* called once when a restore waits for another process that prepares the database */
    struct backup_facts facts;
};

/* The functions return NULL, or what is wrong in one sentence that says what to do. */

/* Writes all tables to `out`, and the facts to b->facts. The database is not locked against writers; who changes tables
 * waits until the backup has ended. */
const char *backup_write(struct backup *b, struct archive_out *out);

/* Reads all of a backup and changes nothing: whether it is whole and unchanged. */
const char *backup_check(struct backup *b, struct archive_in *in);

/* Restores what backup_check() has found good into b->m's database, which is made when there is none, and compares each
 * row. One that holds rows is an error unless `force`, with which its tables are replaced; those that neither the
 * backup nor ZenML nor Kanso knows are left alone. Nobody else may be connected to the database. What was cut short has
 * left a mark with which no server starts, until a restore with `force` has gone through. */
const char *backup_restore(struct backup *b, struct archive_in *in, bool force);

/* For the functions above ------------------------------------------------------------------------------------------ */

/* Prepares the session for values as they are: no conversion between character sets, no limit of time. */
const char *backup_session(struct backup *b);

/* Reads a table's rows: each as the content of a record (backup/archive.h). `row` as that of db_stream(). */
const char *backup_rows(struct backup *b, const struct backup_table *t,
                        bool (*row)(void *data, const struct buf *content), void *data);

/* A name as statements have it: in backquotes. */
const char *backup_name(struct arena *a, const char *name);

void backup_progress(struct backup *b, const char *doing, const char *table, uint64_t rows, int percent);

/* What SHOW CREATE TABLE has said, in words that the server that b->m is connected to understands, of whichever kind.
 * *collated: it compares in another way, because the server lacks the collation. */
const char *portable_create(struct backup *b, const char *create, const char **out, bool *collated);

/* Whether that makes the table of this name in the database at hand, as SHOW CREATE TABLE says it, and fills it from
 * nowhere: a file may say anything, also what is to be done to other databases of the same account. */
bool portable_is_table(struct backup *b, const char *name, const char *create);

/* A collation of the same character set that the server has: `name` itself, or the one most like it. */
const char *portable_collation(struct backup *b, const char *name, const char **out);

#endif
