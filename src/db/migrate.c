#include "db/migrate.h"

#include "base/text.h"
#include "db/embedded.h"
#include "db/steps.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIGNING_KEY = 32 }; /* bytes */

enum { LOCK_SECONDS = 30, LOCK_TRIES = 20 };

/* Error numbers that some client headers do not name. */
enum { DISK_FULL = 1021, ENGINE_ERROR = 1030, TABLE_FULL = 1114, ACCESS_DENIED_NO_PASSWORD = 1698 };

/* Troubles in plain words ---------------------------------------------------------------------------------------- */

static const char *place(const struct migration *m)
{
    const struct db_url *u = m->url;
    const char *text = u->unix_socket;
    for (size_t i = 0; !u->unix_socket && i < u->host_count; i++) {
        const struct db_host *h = &u->hosts[i];
        bool v6 = strchr(h->name, ':') != NULL;
        text = arena_printf(m->mem, "%s%s%s%s%s:%u", text ? text : "", text ? ", " : "", v6 ? "[" : "", h->name,
                            v6 ? "]" : "", h->port);
    }
    return text;
}

static const char *disk_full(const struct migration *m)
{
    return arena_printf(m->mem, "the disk of the database at %s is full: free some space and start again (%s)",
                        place(m), db_error(m->db));
}

const char *migrate_trouble(const struct migration *m)
{
    const char *words = db_error(m->db);
    switch (db_errno(m->db)) {
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_UNKNOWN_HOST:
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
        return arena_printf(m->mem,
                            "cannot reach the database at %s: is it running, and is ZENML_STORE_URL right? (%s)",
                            place(m), words);
    case CR_SSL_CONNECTION_ERROR:
        return arena_printf(m->mem, "no secure connection to the database at %s: check the ssl_ options (%s)", place(m),
                            words);
    case ER_ACCESS_DENIED_ERROR:
    case ACCESS_DENIED_NO_PASSWORD:
        if (strstr(words, "could not be loaded")) /* the driver's own words, under the server's number */
            return arena_printf(
                m->mem,
                "the driver cannot log in to the database at %s as its user '%s' has to (%s): install the "
                "driver's plugins (Debian: libmariadb3), or give the user another authentication plugin",
                place(m), m->url->user, words);
        return arena_printf(m->mem, "the database at %s refuses user '%s': check user and password in ZENML_STORE_URL",
                            place(m), m->url->user);
    case ER_DBACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
        return arena_printf(m->mem, "user '%s' lacks rights: grant it all rights on database '%s' (%s)", m->url->user,
                            m->url->database, words);
    case DISK_FULL:
    case TABLE_FULL:
        return disk_full(m);
    case ENGINE_ERROR:
        if (strstr(words, " 28 "))
            return disk_full(m);
        break;
    default:
        break;
    }
    return arena_printf(m->mem, "the database at %s reports error %u: %s", place(m), db_errno(m->db), words);
}

/* Connecting and locking ----------------------------------------------------------------------------------------- */

bool migrate_lacks_database(const struct migration *m)
{
    return db_errno(m->db) == ER_BAD_DB_ERROR;
}

const char *migrate_connect(struct migration *m)
{
    if (db_ready(m->db) == DB_OK)
        return NULL;
    if (!migrate_lacks_database(m))
        return migrate_trouble(m);
    struct db_url server = *m->url;
    server.database = NULL;
    struct db *maker = db_new(&server);
    /* The name has been checked and holds no quotes (db_url_from_env). */
    bool made = db_script(maker, arena_printf(m->mem, "CREATE DATABASE IF NOT EXISTS `%s` CHARACTER SET utf8mb4",
                                              m->url->database)) == DB_OK;
    db_free(maker);
    if (!made)
        return arena_printf(m->mem, "there is no database '%s' at %s, and user '%s' may not make one: create it first",
                            m->url->database, place(m), m->url->user);
    return db_ready(m->db) == DB_OK ? NULL : migrate_trouble(m);
}

/* Those of the same user, and of all others when this one may see them. */
static const char OTHERS[] =
    "SELECT COUNT(*), MAX(user), MAX(host) FROM information_schema.processlist WHERE db = DATABASE() AND id <> "
    "CONNECTION_ID()";

/* Connections that have just been closed, or whose process was killed, take the server a moment to end. */
const char *migrate_alone(const struct migration *m, const char *before)
{
    enum { TRIES = 30, PAUSE_US = 100000 };
    struct db_rows r;
    const struct db_value *v = NULL;
    for (int i = 0; i < TRIES; i++) {
        if (db_run(m->db, m->mem, &r, OTHERS, NULL, 0) != DB_OK)
            return migrate_trouble(m);
        v = db_row(&r, 0);
        if (streq(v[0].s, "0"))
            return NULL;
        usleep(PAUSE_US);
    }
    return arena_printf(m->mem,
                        "database '%s' is in use by %s other connections (user %s from %s): stop the server, on every "
                        "host, before %s",
                        m->url->database, v[0].s, v[1].s, v[2].s, before);
}

/* Lock names belong to the server, not to a database, and have at most 64 characters. On a cluster the lock is the
 * node's own: processes on other nodes are not kept out by it, see migrate.h. */
#define LOCK_NAME "CONCAT('kanso.', LEFT(SHA2(DATABASE(), 256), 40))"

const char *migrate_lock(struct migration *m, void (*waiting)(void))
{
    for (int i = 0; i <= LOCK_TRIES; i++) {
        struct db_rows r;
        struct db_param seconds = p_int(i ? LOCK_SECONDS : 0);
        if (db_run(m->db, m->mem, &r, "SELECT GET_LOCK(" LOCK_NAME ", ?)", &seconds, 1) != DB_OK)
            return migrate_trouble(m);
        if (streq(r.values->s, "1"))
            return NULL;
        if (!i)
            waiting();
    }
    return "another process has been preparing this database for ten minutes: look what it waits for";
}

void migrate_unlock(struct migration *m)
{
    db_run(m->db, m->mem, NULL, "DO RELEASE_LOCK(" LOCK_NAME ")", NULL, 0);
}

static const char TABLES[] = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()";

/* Facts in kanso_meta -------------------------------------------------------------------------------------------- */

static enum db_status set_meta(struct migration *m, const char *name, const char *value)
{
    struct db_param p[] = {p_text(name), p_text(value)};
    return db_run(m->db, m->mem, NULL, "REPLACE INTO kanso_meta (name, value) VALUES (?, ?)", p, 2);
}

static enum db_status set_ready(struct migration *m)
{
    enum db_status s = set_meta(m, "schema", arena_printf(m->mem, "%d", KANSO_LEVEL));
    return s == DB_OK ? set_meta(m, "state", "ready") : s;
}

/* What tokens are signed with where no key is configured: the same for all hosts on this database. */
static const char *add_signing_key(struct migration *m)
{
    unsigned char key[SIGNING_KEY];
    random_bytes(key, sizeof key);
    struct db_param p = p_text(hex_encode(m->mem, key, sizeof key));
    enum db_status s =
        db_run(m->db, m->mem, NULL, "INSERT IGNORE INTO kanso_meta (name, value) VALUES ('signing_key', ?)", &p, 1);
    return s == DB_OK ? NULL : migrate_trouble(m);
}

/* A row of kanso_meta; NULL when there is none, or no such table. */
static const char *get_meta(struct migration *m, const struct db_rows *tables, const char *name)
{
    struct db_rows r;
    struct db_param p = p_text(name);
    if (!has_text(tables, "kanso_meta") ||
        db_run(m->db, m->mem, &r, "SELECT value FROM kanso_meta WHERE name = ?", &p, 1) != DB_OK || !r.count)
        return NULL;
    return r.values->s;
}

/* The version ---------------------------------------------------------------------------------------------------- */

/* Compares dotted numbers; a revision that is none counts as earlier. */
static bool version_later(const char *version, const char *than)
{
    for (int part = 0; part < 3; part++) {
        char *after_v, *after_t;
        unsigned long v = strtoul(version, &after_v, 10), t = strtoul(than, &after_t, 10);
        if (after_v == version || *after_v != *after_t)
            return false;
        if (v != t)
            return v > t;
        version = after_v + 1;
        than = after_t + 1;
    }
    return false;
}

static const char *check_version(struct migration *m, const char *version)
{
    if (streq(version, SCHEMA_VERSION))
        return NULL;
    if (version_later(version, SCHEMA_VERSION))
        return arena_printf(m->mem,
                            "database '%s' has the schema of ZenML %s, later than the " SCHEMA_VERSION " that Kanso "
                            "works with: restore a backup from before that upgrade, or name another database",
                            m->url->database, version);
    return arena_printf(m->mem,
                        "database '%s' has the schema of ZenML %s, earlier than the " SCHEMA_VERSION " that Kanso "
                        "works with: make a backup and let ZenML " SCHEMA_VERSION " upgrade it by starting on it once",
                        m->url->database, version);
}

static const char *check_level(struct migration *m, const struct db_rows *tables)
{
    const char *level = get_meta(m, tables, "schema");
    int64_t number;
    if (level && parse_int64(level, &number) && number > KANSO_LEVEL)
        return arena_printf(m->mem,
                            "a later Kanso has prepared database '%s' (level %s, and this one knows %d): use that one",
                            m->url->database, level, KANSO_LEVEL);
    return NULL;
}

/* All of it ------------------------------------------------------------------------------------------------------ */

/* Whether there is nothing in it but what Kanso puts there first. */
static bool is_empty(const struct db_rows *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        if (!starts_with(db_row(tables, i)->s, "kanso_"))
            return false;
    return true;
}

static const char *make_tables(struct migration *m)
{
    const char *at = strstr(sql_kanso, "CREATE TABLE IF NOT EXISTS `kanso_meta`");
    const char *problem = steps_change(m, next_statement(m->mem, &at), NULL);
    if (problem)
        return problem;
    if (set_meta(m, "state", "initialising") != DB_OK)
        return migrate_trouble(m);
    m->fresh = true;
    const char *sql;
    at = sql_schema;
    while (!problem && (sql = next_statement(m->mem, &at)))
        problem = steps_change(m, steps_with_order(m->mem, sql), NULL);
    if (!problem)
        problem = steps_run(m);
    return problem ? problem : add_signing_key(m);
}

static const char *open_tables(struct migration *m, const char *version, bool look_only)
{
    const char *problem = check_version(m, version);
    if (problem)
        return problem;
    if (look_only)
        return steps_look(m);
    problem = steps_run(m);
    if (!problem)
        problem = add_signing_key(m);
    if (problem || !m->additions)
        return problem;
    return set_ready(m) == DB_OK ? NULL : migrate_trouble(m);
}

static const char *bring_forward(struct migration *m, bool look_only)
{
    struct db_rows tables, version = {0};
    if (db_run(m->db, m->mem, &tables, TABLES, NULL, 0) != DB_OK)
        return migrate_trouble(m);
    if (has_text(&tables, "alembic_version") &&
        db_run(m->db, m->mem, &version, "SELECT version_num FROM alembic_version", NULL, 0) != DB_OK)
        return migrate_trouble(m);
    if (has_text(&tables, MIGRATE_RESTORING))
        return arena_printf(m->mem,
                            "a restore of database '%s' was cut short, so it is not whole: run `kansoctl restore FILE "
                            "--force` again",
                            m->url->database);
    const char *problem = check_level(m, &tables);
    if (problem)
        return problem;
    if (version.count)
        return open_tables(m, version.values->s, look_only);
    const char *state = get_meta(m, &tables, "state");
    if (!is_empty(&tables) && !streq(state, "initialising"))
        return arena_printf(m->mem,
                            "database '%s' holds tables that are not those of a ZenML server (alembic_version is "
                            "missing or empty): name an empty database in ZENML_STORE_URL",
                            m->url->database);
    if (look_only)
        return "the database is empty, and DISABLE_DATABASE_MIGRATION forbids making its tables";
    return make_tables(m);
}

/* Whether the last statement was given up for somebody else's: MySQL ends one of two changes that wait for each other's
 * tables, a node of a cluster what runs on it when the change of another node arrives. */
static bool gave_way(const struct migration *m)
{
    unsigned number = db_errno(m->db);
    return number == ER_LOCK_DEADLOCK || number == ER_LOCK_WAIT_TIMEOUT || number == ER_QUERY_INTERRUPTED;
}

const char *migrate_tables(struct migration *m, bool look_only)
{
    enum { TRIES = 50, PAUSE_US = 50000 };
    const char *problem;
    for (int i = 1; (problem = bring_forward(m, look_only)) && gave_way(m) && i < TRIES; i++)
        usleep(PAUSE_US);
    return problem;
}

enum db_status migrate_claim_rows(struct migration *m)
{
    unsigned char mark[16];
    random_bytes(mark, sizeof mark);
    return set_meta(m, "starting", hex_encode(m->mem, mark, sizeof mark));
}

enum db_status migrate_done(struct migration *m)
{
    struct db_param version = p_text(SCHEMA_VERSION);
    enum db_status s =
        db_run(m->db, m->mem, NULL, "INSERT IGNORE INTO alembic_version (version_num) VALUES (?)", &version, 1);
    return s == DB_OK ? set_ready(m) : s;
}
