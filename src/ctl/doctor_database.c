/* kansoctl doctor: what the database says. */
#include "ctl/doctor.h"

#include "base/config.h"
#include "base/text.h"
#include "db/embedded.h"
#include "db/migrate.h"
#include "db/steps.h"
#include "secrets/secrets.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* The statement's rows; false, and it is said, when it fails. */
static bool query(struct doctor *d, struct db_rows *rows, const char *sql)
{
    if (db_run(d->db, d->mem, rows, sql, NULL, 0) == DB_OK)
        return true;
    found_problem(d, "see what the database says", "%s", db_error(d->db));
    return false;
}

/* A variable or status of the server as text; NULL when it has none of that name. */
static const char *variable(struct doctor *d, const char *kind, const char *name)
{
    struct db_rows rows;
    const char *sql = arena_printf(d->mem, "SHOW %s LIKE '%s'", kind, name);
    return db_run(d->db, d->mem, &rows, sql, NULL, 0) == DB_OK && rows.count ? db_row(&rows, 0)[1].s : NULL;
}

/* The same as a number; -1 when there is none. */
static int64_t number(struct doctor *d, const char *name)
{
    int64_t n;
    const char *text = variable(d, "VARIABLES", name);
    return text && parse_int64(text, &n) ? n : -1;
}

static bool is_local(const struct db_url *u)
{
    return u->unix_socket ||
           (u->host_count && (streq(u->hosts[0].name, "localhost") || streq(u->hosts[0].name, "::1") ||
                              starts_with(u->hosts[0].name, "127.")));
}

/* Reaching it ------------------------------------------------------------------------------------------------------ */

static void check_version(struct doctor *d)
{
    const char *text = variable(d, "VARIABLES", "version");
    bool mariadb = text && strcasestr(text, "mariadb");
    long major = text ? strtol(text, NULL, 10) : 0;
    const char *dot = text ? strchr(text, '.') : NULL;
    long minor = dot ? strtol(dot + 1, NULL, 10) : 0;
    bool old = mariadb ? major < 10 || (major == 10 && minor < 11) : major < 8 || (major == 8 && minor < 4);
    if (old)
        found_warning(d, "supported are MariaDB from 10.11 and MySQL from 8.4 on", "the database is %s %s",
                      mariadb ? "MariaDB" : "MySQL", text);
    else
        found_good(d, "%s %s answers", mariadb ? "MariaDB" : "MySQL", text);
}

static void check_reach(struct doctor *d)
{
    const char *problem = ctl_env("ZENML_STORE_URL", NULL) ? db_url_from_env(d->mem, &d->url) : NULL;
    if (problem) {
        found_problem(d, "set ZENML_STORE_URL right", "%s", problem);
        return;
    }
    if (!d->url.host_count && !d->url.unix_socket) {
        found_warning(d, arena_printf(d->mem, "start Kanso: %s", ctl_run_command(d->mem, &d->place, "start")),
                      "the private database has not been made yet");
        return;
    }
    struct db *db = db_new(&d->url);
    struct migration m = {.db = db, .mem = d->mem, .url = &d->url};
    if (db_ready(db) == DB_OK) {
        d->db = db;
        check_version(d);
        return;
    }
    found_problem(d,
                  d->url.disk && !d->up ? arena_printf(d->mem, "start Kanso, and its private database: %s",
                                                       ctl_run_command(d->mem, &d->place, "start"))
                                        : "see that it runs, and takes this user from here",
                  "%s", migrate_trouble(&m));
    db_free(db);
}

/* Days until the certificate of the server ends; false when it does not say. */
static bool certificate_days(struct doctor *d, double *days)
{
    struct tm t = {0};
    const char *text = variable(d, "STATUS", "Ssl_server_not_after");
    if (!text || !strptime(text, "%b %d %T %Y", &t))
        return false;
    *days = difftime(timegm(&t), time(NULL)) / 86400;
    return true;
}

static void check_tls(struct doctor *d)
{
    enum { SOON = 21 };
    double days;
    const char *cipher = variable(d, "STATUS", "Ssl_cipher");
    if (is_local(&d->url)) {
        found_good(d, "the database is on this host");
        return;
    }
    if (!cipher || !*cipher) {
        found_warning(d, "set ssl_ca in ZENML_STORE_URL, and TLS up at the database",
                      "the connection to the database is not encrypted");
        return;
    }
    if (!d->url.ssl_verify)
        found_warning(d, "set ssl_ca and ssl_verify_server_cert in ZENML_STORE_URL",
                      "nobody checks that the database is the right one");
    if (certificate_days(d, &days) && days < SOON)
        found_warning(d, "renew it", "the certificate of the database is good for %.0f more days", days);
    else
        found_good(d, "the connection to the database is encrypted (%s)", cipher);
}

/* Tables ----------------------------------------------------------------------------------------------------------- */

/* The doctor of the checks that run, for those who say something by a function without more. */
static struct doctor *listening;

static void lacks(const char *sentence)
{
    found_warning(listening, "run `kansoctl migrate` as a user who may make indexes", "%s", sentence);
}

/* The next column of CREATE TABLE: a line that begins with its name in backquotes. */
static const char *next_column(struct arena *a, const char **at)
{
    for (*at = strchr(*at, '\n'); *at; *at = strchr(*at, '\n')) {
        const char *line = *at += 1;
        line += strspn(line, " ");
        if (*line == '`')
            return arena_strndup(a, line + 1, strcspn(line + 1, "`"));
    }
    return NULL;
}

/* Columns of ZenML's tables that the database lacks. */
static unsigned check_columns(struct doctor *d, const struct db_rows *have)
{
    const char *at = sql_schema, *sql, *column;
    unsigned missing = 0;
    while ((sql = next_statement(d->mem, &at))) {
        const char *name = strchr(sql, '`') + 1, *table = arena_strndup(d->mem, name, strcspn(name, "`")), *line = sql;
        if (!starts_with(sql, "CREATE TABLE"))
            continue;
        while ((column = next_column(d->mem, &line))) {
            const char *full = arena_printf(d->mem, "%s.%s", table, column);
            if (has_text(have, full))
                continue;
            found_problem(d, "restore it from a backup; its rows are gone", "the database has no %s", full);
            missing++;
        }
    }
    return missing;
}

static void check_schema(struct doctor *d)
{
    struct db_rows have;
    struct migration m = {.db = d->db, .mem = d->mem, .url = &d->url, .warn = lacks};
    if (!query(d, &have,
               "SELECT CONCAT(table_name, '.', column_name) FROM information_schema.columns WHERE "
               "table_schema = DATABASE()"))
        return;
    listening = d;
    const char *problem = migrate_tables(&m, true);
    if (problem)
        found_problem(d, "run `kansoctl migrate`", "%s", problem);
    else if (!check_columns(d, &have))
        found_good(d, "the tables are those of ZenML " SCHEMA_VERSION);
}

/* Rights ----------------------------------------------------------------------------------------------------------- */

/* Whether what a grant is ON covers the database: *.*, `name`.*, or a pattern for it. */
static bool covers(struct doctor *d, const char *on)
{
    if (starts_with(on, "*.*"))
        return true;
    const char *end = *on == '`' ? strchr(on + 1, '`') : NULL;
    if (!end || !starts_with(end, "`.*"))
        return false;
    const struct db_param p[] = {p_text(d->url.database), p_textn(on + 1, (size_t)(end - on - 1))};
    struct db_rows rows;
    return db_run(d->db, d->mem, &rows, "SELECT ? LIKE ?", p, ARRAY_LEN(p)) == DB_OK && streq(db_row(&rows, 0)->s, "1");
}

/* All that is granted on the database, with ", " around each; *roles: something comes from roles, which is not said. */
static const char *granted(struct doctor *d, const struct db_rows *grants, bool *roles)
{
    const char *all = ", ";
    for (size_t i = 0; i < grants->count; i++) {
        const char *text = db_row(grants, i)->s, *on = strstr(text, " ON ");
        if (!on)
            *roles = true;
        else if (starts_with(text, "GRANT ") && covers(d, on + 4))
            all = arena_printf(d->mem, "%s%.*s, ", all, (int)(on - text - 6), text + 6);
    }
    return all;
}

static void check_rights(struct doctor *d)
{
    static const char *const words[] = {"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX"};
    enum { TO_READ_AND_WRITE = 4 };
    struct db_rows grants;
    bool roles = false;
    const char *missing = NULL;
    if (!query(d, &grants, "SHOW GRANTS"))
        return;
    const char *all = granted(d, &grants, &roles);
    size_t needed = ctl_env("DISABLE_DATABASE_MIGRATION", NULL) ? TO_READ_AND_WRITE : ARRAY_LEN(words);
    for (size_t i = 0; i < needed && !strstr(all, ", ALL PRIVILEGES, "); i++)
        if (!strstr(all, arena_printf(d->mem, ", %s, ", words[i])))
            missing = missing ? arena_printf(d->mem, "%s, %s", missing, words[i]) : words[i];
    const char *advice = arena_printf(d->mem, "GRANT ALL ON `%s`.* TO the user", d->url.database);
    if (!missing)
        found_good(d, "user '%s' has the rights that Kanso needs", d->url.user);
    else if (roles)
        found_warning(d, advice, "user '%s' lacks %s, unless a role gives that", d->url.user, missing);
    else
        found_problem(d, advice, "user '%s' lacks %s", d->url.user, missing);
}

/* Clock, limits and time-outs -------------------------------------------------------------------------------------- */

static void check_clock(struct doctor *d)
{
    enum { NOTICED = 2 };
    struct db_rows rows;
    int64_t theirs;
    time_t before = time(NULL);
    if (!query(d, &rows, "SELECT CAST(UNIX_TIMESTAMP() AS CHAR)") || !parse_int64(db_row(&rows, 0)->s, &theirs))
        return;
    long long off = theirs < before ? theirs - before : theirs > time(NULL) ? theirs - time(NULL) : 0;
    const char *advice = "let both take their time from NTP: tokens and schedules depend on it";
    if (llabs(off) > (d->configured ? config.jwt_leeway : NOTICED))
        found_problem(d, advice, "the database's clock is %lld seconds from this host's", off);
    else if (llabs(off) > NOTICED)
        found_warning(d, advice, "the database's clock is %lld seconds from this host's", off);
    else
        found_good(d, "the database has the time of this host");
}

static void check_connections(struct doctor *d)
{
    int64_t most = number(d, "max_connections"), own = number(d, "max_user_connections"),
            statements = number(d, "max_prepared_stmt_count"), idle = number(d, "wait_timeout");
    unsigned needed = doctor_connections(d);
    enum { STATEMENTS = 300, IDLE = 60 };
    if (own > 0 && own < most)
        most = own;
    if (most >= 0 && most < needed)
        found_problem(d, "raise max_connections, or have fewer processes: KANSO_WORKERS, KANSO_JOBS",
                      "the database takes %lld connections and this host alone needs up to %u", (long long)most,
                      needed);
    else
        found_good(d, "up to %u connections of this host, of %lld", needed, (long long)most);
    if (statements >= 0 && statements < (int64_t)needed * STATEMENTS)
        found_warning(d, "raise max_prepared_stmt_count",
                      "the database keeps %lld prepared statements; %u connections use up to %u", (long long)statements,
                      needed, needed * STATEMENTS);
    if (idle >= 0 && idle < IDLE)
        found_warning(d, "raise wait_timeout", "the database ends connections that are idle for %lld seconds",
                      (long long)idle);
}

static void check_packet(struct doctor *d)
{
    uint64_t most = db_packet_limit(d->db);
    if (most && d->configured && most < (uint64_t)config.max_body)
        found_warning(d,
                      arena_printf(d->mem, "set max_allowed_packet=%lld at the database, or KANSO_MAX_BODY=%llu here",
                                   (long long)config.max_body, (unsigned long long)most),
                      "the database takes %llu bytes at once and a request may have %lld", (unsigned long long)most,
                      (long long)config.max_body);
    else
        found_good(d, "values as large as requests fit into the database");
}

static void check_timeouts(struct doctor *d)
{
    enum { DEFAULT = 120 };
    long patience = d->url.io_timeout ? (long)d->url.io_timeout : DEFAULT;
    const char *at = d->nginx_conf ? strstr(d->nginx_conf, "fastcgi_read_timeout ") : NULL;
    long front = at ? strtol(strchr(at, ' '), NULL, 10) : 0;
    int64_t locks = number(d, "innodb_lock_wait_timeout");
    bool good = true;
    if (front && front <= patience) {
        good = false;
        found_warning(d, "lower read_timeout in ZENML_STORE_URL",
                      "nginx gives a request up after %ld seconds, a worker waits %ld for the database", front,
                      patience);
    }
    if (locks >= patience) {
        good = false;
        found_warning(d, "raise read_timeout in ZENML_STORE_URL, or lower innodb_lock_wait_timeout",
                      "a statement may wait %lld seconds for a lock, a worker gives the database up after %ld",
                      (long long)locks, patience);
    }
    if (good && front)
        found_good(d, "nginx waits %ld s, a worker %ld s, a lock %lld s", front, patience, (long long)locks);
    else if (good)
        found_good(d, "a worker waits %ld s, a lock %lld s", patience, (long long)locks);
}

static void check_durability(struct doctor *d)
{
    int64_t flush = number(d, "innodb_flush_log_at_trx_commit");
    const char *read_only = variable(d, "VARIABLES", "read_only");
    if (read_only && (streq(read_only, "ON") || streq(read_only, "1")))
        found_problem(d, "name the primary in ZENML_STORE_URL", "the database takes no changes (read_only)");
    if (db_room(d->db) != DB_OK)
        found_problem(d, "free some space on its disk",
                      "the disk of the private database is full: changes are refused");
    if (flush >= 0 && flush != 1)
        found_warning(d, "set innodb_flush_log_at_trx_commit=1",
                      "the database answers before a change is on its disk: a power cut loses the last second");
    else
        found_good(d, "a change is on the disk when the database says so");
}

/* Contents --------------------------------------------------------------------------------------------------------- */

static void check_users(struct doctor *d)
{
    struct db_rows rows;
    if (!query(d, &rows,
               "SELECT (SELECT COUNT(*) FROM `user` WHERE active = 1 AND is_admin = 1 AND "
               "is_service_account = 0), (SELECT COUNT(*) FROM server_settings WHERE active = 1)"))
        return;
    const struct db_value *v = db_row(&rows, 0);
    if (streq(v[1].s, "0"))
        found_warning(d, "open it in a browser and make the first user, or run `kansoctl setup`",
                      "the server has not been activated");
    else if (streq(v[0].s, "0"))
        found_problem(d, "`kansoctl user admin NAME`, `kansoctl user activate NAME`",
                      "there is no active administrator");
    else
        found_good(d, "%s active administrator%s", v[0].s, streq(v[0].s, "1") ? "" : "s");
}

/* Whether the key opens what is there: the latest secrets are enough, all have the same. */
static void check_secrets(struct doctor *d)
{
    struct db_rows rows;
    unsigned closed = 0, open = 0;
    if (!d->configured || !streq(config.secrets.type, "sql") ||
        !query(d, &rows, "SELECT `values` FROM secret WHERE `values` IS NOT NULL ORDER BY created DESC LIMIT 50"))
        return;
    for (size_t i = 0; i < rows.count; i++) {
        const struct db_value *v = db_row(&rows, i);
        bool opens = secret_values(d->mem, config.secrets.encryption_key, v->s, v->len);
        open += opens;
        closed += !opens;
    }
    if (closed)
        found_problem(d, "set the key that they were stored with; `kansoctl secret reencrypt` changes it",
                      "ZENML_SECRETS_STORE_ENCRYPTION_KEY does not open %u of the latest %zu secrets", closed,
                      rows.count);
    else if (!config.secrets.encryption_key)
        found_warning(d, "`kansoctl secret reencrypt` makes a key", "secrets are stored without a key");
    else
        found_good(d, "the key opens the latest %u secrets", open);
}

static void check_jobs(struct doctor *d)
{
    enum { LATE = 300 };
    struct db_rows rows;
    if (!query(
            d, &rows,
            "SELECT (SELECT COUNT(*) FROM kanso_job WHERE state = 'waiting' AND due < UNIX_TIMESTAMP() - 300), "
            "(SELECT COUNT(*) FROM kanso_job WHERE state = 'failed' AND updated > UTC_TIMESTAMP() - INTERVAL 1 DAY)"))
        return;
    const struct db_value *v = db_row(&rows, 0);
    if (!streq(v[0].s, "0"))
        found_problem(d, "see that kanso-jobs runs on some host (KANSO_JOBS is not 0); `kansoctl jobs list`",
                      "%s jobs wait for more than %d seconds", v[0].s, LATE);
    if (!streq(v[1].s, "0"))
        found_warning(d, "`kansoctl jobs list --state failed`", "%s jobs have failed within a day", v[1].s);
    if (streq(v[0].s, "0") && streq(v[1].s, "0"))
        found_good(d, "background work is done in time");
}

const struct doctor_check database_checks[] = {
    {"database", check_reach, false},
    {"tls", check_tls, true},
    {"rights", check_rights, true},
    {"schema", check_schema, true},
    {"clock", check_clock, true},
    {"connections", check_connections, true},
    {"packet", check_packet, true},
    {"time-outs", check_timeouts, true},
    {"durability", check_durability, true},
    {"users", check_users, true},
    {"secrets", check_secrets, true},
    {"jobs", check_jobs, true},
    {NULL},
};
