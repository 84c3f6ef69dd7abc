/*
 * kansoctl secret reencrypt: another key for the secrets in the database.
 *
 * The database changes in one transaction, the place of the key by a rename; both cannot be one step. So the new key is
 * on the disk before the transaction is committed, beside the old one (KEY.next), and takes its place afterwards. At
 * any moment one of the two opens all secrets, and which one can be told by trying: a run that was cut short is
 * completed, or undone, by the next one.
 */
#include "audit/audit.h"
#include "auth/password.h"
#include "base/config.h"
#include "base/file.h"
#include "base/text.h"
#include "ctl/conf_file.h"
#include "ctl/ctl.h"
#include "db/migrate.h"
#include "secrets/secrets.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEY_NAME "ZENML_SECRETS_STORE_ENCRYPTION_KEY"

enum { KEY_BYTES = 32, BATCH = 100, KEY_FILE_MAX = 65536 };

/* Where the key is, and how it changes. */
enum place {
    PLACE_CONF,  /* a line of kanso.conf */
    PLACE_FILE,  /* a file that holds nothing else, of the private database */
    PLACE_OTHER, /* somewhere that the operator changes: the new key is left in a file */
};

struct reencrypt {
    const struct ctl_call *call;
    struct arena *mem;
    struct arena batch; /* for what belongs to one batch of rows */
    const char *old_key, *new_key;
    enum place place;
    const char *path; /* the file that holds the key afterwards */
    const char *next; /* where the new key waits until then; the same with PLACE_OTHER */
    uint64_t count;   /* of secrets */
    bool resumed;     /* a run that was cut short has left the new key */
    bool unknown;     /* nobody knows whether the transaction took effect */
};

/* The place of the key --------------------------------------------------------------------------------------------- */

static const char *find_place(struct reencrypt *r)
{
    const char *to = ctl_option(r->call, "to"), *origin = ctl_origin(KEY_NAME);
    const struct ctl_place *place = &r->call->place;
    if (to) {
        r->place = PLACE_OTHER;
        r->path = r->next = to;
        return NULL;
    }
    if (streq(origin, "environment"))
        return "the key comes from the environment, which this cannot change: name a file for the new one with --to";
    bool own = *origin == '/' && !streq(origin, place->conf) && strstr(origin, "/etc/encryption-key");
    r->place = own ? PLACE_FILE : PLACE_CONF;
    r->path = streq(origin, "default") ? place->conf : origin;
    if (!r->path)
        return "where is the key to be? Name a file for it with --to";
    r->next = arena_printf(r->mem, "%s.next", r->path);
    return NULL;
}

/* The key in the file that waits; NULL when there is none. */
static const char *waiting_key(struct reencrypt *r)
{
    const char *problem = NULL;
    if (access(r->next, F_OK) != 0)
        return NULL;
    const char *key = r->place == PLACE_CONF ? conf_value(r->mem, r->next, KEY_NAME)
                                             : file_text(r->mem, r->next, KEY_FILE_MAX, &problem);
    return key && *key ? key : NULL;
}

static const char *put_key(struct reencrypt *r)
{
    const struct conf_line line = {KEY_NAME, r->new_key};
    return r->place == PLACE_CONF ? conf_write(r->mem, r->path, r->next, &line, 1)
                                  : file_save(r->mem, r->next, r->new_key, strlen(r->new_key), r->path);
}

static const char *move_key(struct reencrypt *r)
{
    return r->place == PLACE_OTHER ? NULL : file_move(r->mem, r->next, r->path);
}

/* The secrets ------------------------------------------------------------------------------------------------------ */

/* Calls `each` for every secret, in the order of their ids, a batch of rows in memory at a time. NULL, or what it or
 * the database has to complain of. */
static const char *walk(struct reencrypt *r, const char *lock,
                        const char *(*each)(struct reencrypt *r, const char *id, const struct db_value *stored))
{
    const char *sql = arena_printf(r->mem,
                                   "SELECT id, `values` FROM secret WHERE id > ? AND `values` IS NOT NULL ORDER BY id "
                                   "LIMIT %d%s",
                                   BATCH, lock);
    struct migration m = {.db = r->call->db, .mem = r->mem, .url = r->call->url};
    char last[64] = "";
    struct db_rows rows = {.count = BATCH};
    const char *problem = NULL;
    while (!problem && rows.count == BATCH) {
        const struct db_param after = p_text(last);
        arena_reset(&r->batch);
        if (db_run(r->call->db, &r->batch, &rows, sql, &after, 1) != DB_OK)
            return migrate_trouble(&m);
        for (size_t i = 0; i < rows.count && !problem; i++)
            problem = each(r, db_row(&rows, i)[0].s, &db_row(&rows, i)[1]);
        if (rows.count)
            snprintf(last, sizeof last, "%s", db_row(&rows, rows.count - 1)[0].s);
    }
    return problem ? arena_strdup(r->mem, problem) : NULL;
}

/* One secret under the new key, unless it is already. */
static const char *store_anew(struct reencrypt *r, const char *id, const struct db_value *stored)
{
    struct json_object *values = secret_values(&r->batch, r->old_key, stored->s, stored->len);
    bool done = !values && secret_values(&r->batch, r->new_key, stored->s, stored->len);
    r->count++;
    if (done)
        return NULL;
    if (!values)
        return arena_printf(&r->batch, "secret %s is not opened by the key that is configured: nothing was changed",
                            id);
    const char *form = secret_store(&r->batch, r->new_key, values);
    if (strlen(form) > SECRET_STORED_MAX)
        return arena_printf(&r->batch, "secret %s is too large to be encrypted: nothing was changed", id);
    const struct db_param p[] = {p_text(form), p_text(id)};
    struct migration m = {.db = r->call->db, .mem = &r->batch, .url = r->call->url};
    return db_run(r->call->db, &r->batch, NULL, "UPDATE secret SET `values` = ? WHERE id = ?", p, ARRAY_LEN(p)) == DB_OK
               ? NULL
               : migrate_trouble(&m);
}

/* All secrets under the new key, or none of them. */
static const char *change_all(struct reencrypt *r)
{
    struct migration m = {.db = r->call->db, .mem = r->mem, .url = r->call->url};
    r->count = 0;
    if (db_begin(m.db) != DB_OK)
        return migrate_trouble(&m);
    const char *problem = walk(r, " FOR UPDATE", store_anew);
    if (!problem && audit_operator(m.db, r->mem, "kansoctl secret reencrypt", "secret", NULL, NULL, "updated") != DB_OK)
        problem = migrate_trouble(&m);
    if (problem) {
        db_rollback(m.db);
        return problem;
    }
    r->unknown = db_commit(m.db) != DB_OK;
    if (r->unknown)
        return arena_printf(r->mem, "nobody knows whether it took effect (%s): run this again, which finds out",
                            db_error(m.db));
    return NULL;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static const struct ctl_column columns[] = {
    {"secrets", CTL_NUMBER, 0}, {"key", CTL_TEXT, 0}, {"resumed", CTL_BOOL, CTL_HIDDEN}, {"next", CTL_TEXT, 0}, {NULL}};

static int report(struct reencrypt *r)
{
    const char *next =
        r->place == PLACE_OTHER
            ? arena_printf(r->mem, "set " KEY_NAME " to what %s holds, on every host, and start", r->path)
            : "start Kanso; other hosts need the new key as well. Keep the old one for old backups";
    const struct db_value values[] = {ctl_value(arena_printf(r->mem, "%llu", (unsigned long long)r->count)),
                                      ctl_value(r->path), ctl_value(r->resumed ? "1" : "0"), ctl_value(next)};
    ctl_row(r->call, values);
    return CTL_DONE;
}

static int change_key(struct reencrypt *r)
{
    const char *problem = NULL;
    r->new_key = waiting_key(r);
    r->resumed = r->new_key && r->place != PLACE_OTHER;
    bool made = !r->new_key;
    if (made) {
        r->new_key = secret_token(r->mem, KEY_BYTES);
        problem = put_key(r);
    }
    if (!problem)
        problem = change_all(r);
    if (problem && made && !r->unknown)
        unlink(r->next); /* nothing has been stored with it */
    if (!problem)
        problem = move_key(r);
    return problem ? ctl_fail("%s", problem) : report(r);
}

static int reencrypt(const struct ctl_call *call)
{
    struct reencrypt r = {.call = call, .mem = call->mem, .old_key = config.secrets.encryption_key};
    struct migration m = {.db = call->db, .mem = call->mem, .url = call->url};
    if (!streq(config.secrets.type, "sql"))
        return ctl_fail("secrets are not in the database: ZENML_SECRETS_STORE_TYPE is '%s'", config.secrets.type);
    const char *problem = find_place(&r);
    if (!problem && !ctl_option(call, "force"))
        problem =
            migrate_alone(&m, "its key is changed: programs with the old key could not open the secrets any more");
    int status = problem ? ctl_fail("%s", problem) : change_key(&r);
    arena_free(&r.batch);
    return status;
}

const struct ctl_command ctl_secret = {
    .name = "secret",
    .summary = "the secrets in the database",
    .details = "The secrets in the database.\n",
};

const struct ctl_command ctl_secret_reencrypt = {
    .name = "secret reencrypt",
    .summary = "change the key of the secrets in the database",
    .synopsis = "[--to FILE] [--force]",
    .details = "Makes a new key and stores all secrets with it, in one transaction. The key changes where it is: in\n"
               "kanso.conf, or in KANSO_HOME for the private database. Secrets that had none get one.\n"
               "\n"
               "Stop the server on every host before; a private database is started alone by `make database`. When\n"
               "this is cut short, the old or the new key opens everything: run it again, and it completes what was\n"
               "begun. Backups keep the key that they were made with.\n",
    .options = {{"to", "FILE",
                 "the new key is the one in this file, or is left there when there is none; the\n"
                 "configuration stays as it is"},
                {"force", NULL, "also while somebody is connected to the database"}},
    .columns = columns,
    .single = true,
    ON_DATABASE,
    .run = reencrypt,
};
