/* kansoctl migrate: a database that the workers can start on (docs/contract/auth.md#first-start). */
#include "db/migrate.h"
#include "auth/password.h"
#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "ctl/ctl.h"
#include "db/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOURS = 12 * 3600, ROW_TRIES = 10 };

static void say_waiting(void)
{
    fputs("kanso: another process prepares this database; waiting for it\n", stderr);
}

/* Where is said what is done: results of `migrate` are on standard output, those of others are something else. */
static FILE *told;

static void say_progress(const char *what)
{
    fprintf(told, "%s\n", what);
    fflush(told);
}

static void say_warning(const char *sentence)
{
    fprintf(stderr, "kanso: warning: %s\n", sentence);
}

void ctl_warn_packet(struct db *db)
{
    uint64_t most = db_packet_limit(db);
    if (most && most < (uint64_t)config.max_body)
        fprintf(stderr,
                "kanso: warning: the database takes %llu bytes at once and a request may have %lld: larger values are "
                "refused. Set max_allowed_packet=%lld at the database, or KANSO_MAX_BODY=%llu here\n",
                (unsigned long long)most, (long long)config.max_body, (long long)config.max_body,
                (unsigned long long)most);
}

/* The settings of a new database. */
static const char *first_settings(struct arena *a, struct seed_settings *out)
{
    *out = (struct seed_settings){
        .server_name = config.server_name,
        .analytics = config.analytics_opt_in,
        .announcements = config.display_announcements,
        .updates = config.display_updates,
    };
    const char *id = config.external_server_id;
    char hex[UUID_HEX + 1];
    if (id && !uuid_read(id, strlen(id), hex))
        return arena_printf(a, "ZENML_SERVER_EXTERNAL_SERVER_ID is '%s'; it must be a UUID", id);
    out->server_id = id ? arena_strdup(a, hex) : NULL;
    return NULL;
}

/* A server that has not been activated, unless it waits for somebody to do so. Under the scheme EXTERNAL users come
 * from elsewhere. */
static enum db_status activate(struct migration *m)
{
    bool external = config.auth_scheme == SCHEME_EXTERNAL, made = false;
    if (!external && !config.auto_activate && !config.use_legacy_dashboard)
        return DB_OK;
    const char *user = external ? NULL : config.default_user;
    const char *hash = external ? NULL : password_hash(m->mem, config.default_password);
    enum db_status s = seed_activation(m->db, m->mem, user, hash, &made);
    if (s == DB_OK && made)
        say_progress(arena_printf(m->mem, "user %s made", user));
    return s;
}

/* Rows that are missing, in one transaction with the mark that the database is complete. */
static enum db_status write_rows_once(struct migration *m, const struct seed_settings *settings)
{
    bool active = false, has_flavors = false;
    enum db_status s = db_begin(m->db);
    if (s == DB_OK)
        s = migrate_claim_rows(m);
    if (s == DB_OK)
        s = seed_settings(m->db, m->mem, settings, &active);
    if (s == DB_OK)
        s = seed_workspace(m->db, m->mem, config.default_workspace);
    if (s == DB_OK)
        s = seed_has_flavors(m->db, m->mem, &has_flavors);
    if (s == DB_OK && !has_flavors)
        s = seed_flavors(m->db, m->mem);
    if (s == DB_OK && !active)
        s = activate(m);
    if (s == DB_OK && m->fresh)
        s = migrate_done(m);
    return s == DB_OK ? db_commit(m->db) : s;
}

static enum db_status write_rows(struct migration *m, const struct seed_settings *settings)
{
    enum db_status s = DB_AGAIN;
    for (int i = 0; i < ROW_TRIES && s == DB_AGAIN; i++) {
        s = write_rows_once(m, settings);
        if (s != DB_OK)
            db_rollback(m->db);
    }
    return s;
}

static const char *migrate(struct migration *m)
{
    struct seed_settings settings;
    const char *problem = first_settings(m->mem, &settings);
    if (!problem)
        problem = migrate_connect(m);
    if (!problem)
        ctl_warn_packet(m->db);
    if (!problem)
        problem = migrate_lock(m, say_waiting);
    if (!problem)
        problem = migrate_tables(m, getenv("DISABLE_DATABASE_MIGRATION"));
    if (problem)
        return problem;
    if (write_rows(m, &settings) != DB_OK)
        return migrate_trouble(m);
    if (m->fresh)
        say_progress("the database was empty; its tables are made");
    else if (m->additions)
        say_progress(arena_printf(m->mem, "a database of ZenML %s; %u tables and indexes of Kanso's own added",
                                  SCHEMA_VERSION, m->additions));
    migrate_unlock(m);
    return NULL;
}

const char *ctl_prepare_database(struct arena *mem, const struct db_url *url)
{
    struct db_url patient = *url;
    patient.io_timeout = HOURS; /* adding an index to a large table takes its time */
    struct migration m = {
        .db = db_new(&patient), .mem = mem, .url = &patient, .progress = say_progress, .warn = say_warning};
    told = told ? told : stderr;
    const char *problem = migrate(&m);
    db_free(m.db);
    return problem;
}

static int run(const struct ctl_call *call)
{
    struct db_url url;
    const char *problem = db_url_from_env(call->mem, &url);
    told = stdout;
    if (!problem)
        problem = ctl_prepare_database(call->mem, &url);
    return problem ? ctl_fail("%s", problem) : CTL_DONE;
}

const struct ctl_command ctl_migrate = {
    .name = "migrate",
    .summary = "make an empty database ready, or check and complete one of ZenML",
    .details = "Makes the database of ZENML_STORE_URL ready: tables and first rows in an empty\n"
               "one; Kanso's own indexes in one that ZenML " SCHEMA_VERSION " made. Other versions are refused.\n",
    .configured = true,
    .run = run,
};
