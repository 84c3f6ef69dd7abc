/*
 * Bringing a database to the state in which Kanso works with it: the tables of ZenML 0.66.0
 * (docs/contract/schema.md#upgraded-databases) and what sql/kanso.sql adds. Databases of other ZenML versions are
 * refused, never changed.
 */
#ifndef KANSO_DB_MIGRATE_H
#define KANSO_DB_MIGRATE_H

#include "db/db.h"

#include <stdbool.h>

/* What alembic_version says in a database that Kanso works with. */
#define SCHEMA_VERSION "0.66.0"

/* The level of kanso.sql. Raised when a change of it is one that an older Kanso cannot live with. */
enum { KANSO_LEVEL = 1 };

/* A table that a database has while `kansoctl restore` fills it. It is there still when that was cut short: the
 * database is not whole then, and refused. */
#define MIGRATE_RESTORING "kanso_restoring"

/* One migration: where, whom to tell, and what it found and did. Set the first five, zero the rest. */
struct migration {
    struct db *db;
    struct arena *mem;
    const struct db_url *url;
    void (*progress)(const char *what); /* called before each piece of work that may take long; NULL: nobody */
    void (*warn)(const char *sentence); /* what is missing and can be done without; NULL: nobody */
    bool fresh;                         /* there were no tables; they have been made, and rows have to follow */
    unsigned additions;                 /* tables and indexes of Kanso's own that were missing */
};

/*
 * The functions below that return text return NULL, or what is wrong in one sentence that says what to do.
 */

/* Connects; makes the database when the server has none of that name and the user may. */
const char *migrate_connect(struct migration *m);

/* Whether the last failure was that the server has no database of that name. */
bool migrate_lacks_database(const struct migration *m);

/* Whether nobody else is connected to the database; `before` is what this is asked for: "it is restored". */
const char *migrate_alone(const struct migration *m, const char *before);

/* One at a time for one database on one server: a second caller waits, having called waiting() once, until the first
 * unlocks or loses its connection. On a cluster, processes that start on two nodes at once do not wait for each other:
 * tables may be made by both (see db/steps.h), and rows by one (migrate_claim_rows). */
const char *migrate_lock(struct migration *m, void (*waiting)(void));
void migrate_unlock(struct migration *m);

/* Checks the version and makes what is missing. With `look_only` nothing is made, and missing tables are an error.
 * A start that was cut short is taken up again. The lock must be held. */
const char *migrate_tables(struct migration *m, bool look_only);

/* The first statement of the transaction that adds missing rows: of two such transactions, on whatever nodes, the
 * second waits or ends with DB_AGAIN, and finds when it is tried again what the first has added. */
enum db_status migrate_claim_rows(struct migration *m);

/* Stamps a fresh database as complete: belongs into the transaction that writes its first rows. */
enum db_status migrate_done(struct migration *m);

/* The sentence for the last failure of the connection. */
const char *migrate_trouble(const struct migration *m);

#endif
