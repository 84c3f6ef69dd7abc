/* kansoctl setup: from a machine with the programs on it to one where a start is all that is left. */
#include "auth/password.h"
#include "base/config.h"
#include "base/file.h"
#include "base/text.h"
#include "ctl/ask.h"
#include "ctl/conf_file.h"
#include "ctl/ctl.h"
#include "db/migrate.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { KEY_BYTES = 32, PASSWORD_BYTES = 12, MOST_LINES = 8 };

#define PRIVATE "private"

/* What is asked, in this order: an option, the variable that it sets, and what stands there unless somebody says
 * otherwise. */
static const struct question {
    const char *option, *name, *def, *question;
} questions[] = {
    {"database", "ZENML_STORE_URL", PRIVATE, "Database: mysql://USER:PASSWORD@HOST/NAME, or private"},
    {"address", "KANSO_ADDRESS", "127.0.0.1", "Address to listen at (0.0.0.0: all)"},
    {"port", "KANSO_PORT", "8080", "Port"},
    {"url", "ZENML_SERVER_SERVER_URL", "", "URL under which clients reach it, if another one"},
    {"user", "ZENML_DEFAULT_USER_NAME", "default", "Name of the first user"},
};
enum { DATABASE, ADDRESS, PORT, URL, USER, QUESTIONS };

struct setup {
    const struct ctl_call *call;
    struct arena *mem;
    struct ctl_place place;
    const char *answers[QUESTIONS];
    const char *password;
    bool made_up; /* the password is nobody's yet */
    struct conf_line lines[MOST_LINES];
    size_t line_count;
};

/* Questions -------------------------------------------------------------------------------------------------------- */

static bool fits_line(const char *value)
{
    return !strpbrk(value, "\r\n") && value[strspn(value, " \t\"'")] == *value;
}

/* What is said of each question: by its option, on the terminal, before (kanso.conf, the environment), or by nobody. */
static const char *answer(const struct setup *s, const struct question *q)
{
    /* A copy: the environment forgets secrets once they have been used. */
    const char *given = ctl_option(s->call, q->option), *before = arena_strdup(s->mem, ctl_env(q->name, q->def));
    if (given)
        return given;
    if (ask_possible())
        return ask_line(s->mem, q->question, *before ? before : NULL);
    return arena_strdup(s->mem, before); /* config_load() takes passwords out of the environment */
}

static const char *answered(const struct setup *s, size_t i)
{
    return s->answers[i] ? s->answers[i] : "";
}

static const char *ask(struct setup *s)
{
    for (size_t i = 0; i < QUESTIONS; i++) {
        s->answers[i] = answer(s, &questions[i]);
        if (!fits_line(answered(s, i)))
            return arena_printf(s->mem, "%s: expected a text of one line without blanks and quotes at its beginning",
                                questions[i].option);
    }
    return NULL;
}

static bool is_private(const struct setup *s)
{
    return !*answered(s, DATABASE) || streq(answered(s, DATABASE), PRIVATE);
}

/* A first password: given, or made up. One that the server has already is not asked for again. */
static const char *ask_first_password(struct setup *s)
{
    const char *problem = NULL;
    bool asked = ctl_option(s->call, "password-stdin") != NULL;
    if (asked || ask_possible())
        s->password = ask_password(s->mem, answered(s, USER), &problem);
    else
        s->password = secret_token(s->mem, PASSWORD_BYTES);
    s->made_up = !problem && !asked && !ask_possible();
    return problem;
}

/* Settings --------------------------------------------------------------------------------------------------------- */

static void set(struct setup *s, const char *name, const char *value)
{
    s->lines[s->line_count++] = (struct conf_line){name, value};
    setenv(name, value, 1);
}

/* What has been answered goes to the file unless it stands there already, or is what holds without it. A new file says
 * all of it. */
static void take_answers(struct setup *s)
{
    bool new = s->place.conf &&access(s->place.conf, F_OK) != 0;
    for (size_t i = 0; i < QUESTIONS; i++) {
        const struct question *q = &questions[i];
        const char *value = i == DATABASE && is_private(s) ? "" : answered(s, i), *before = ctl_env(q->name, NULL);
        bool in_file = before && streq(ctl_origin(q->name), s->place.conf);
        bool holds = in_file ? streq(value, before) : !before && streq(value, i == DATABASE ? "" : q->def);
        if (!holds || (new &&*value))
            set(s, q->name, value);
    }
}

static const char *check_settings(struct setup *s)
{
    int64_t port;
    if (!parse_int64(answered(s, PORT), &port) || port < 1 || port > 65535)
        return arena_printf(s->mem, "the port is '%s'; it must be a number from 1 to 65535", answered(s, PORT));
    if (*answered(s, URL) && !starts_with(answered(s, URL), "http://") && !starts_with(answered(s, URL), "https://"))
        return arena_printf(s->mem, "the URL is '%s'; it must begin with http:// or https://", answered(s, URL));
    return *answered(s, USER) ? NULL : "the first user needs a name";
}

static const char *write_settings(struct setup *s)
{
    if (!s->place.conf)
        return "where is kanso.conf to be? Set KANSO_CONF, or KANSO_HOME";
    return s->line_count ? conf_change(s->mem, s->place.conf, s->lines, s->line_count) : NULL;
}

/* The database ----------------------------------------------------------------------------------------------------- */

/* Whether there are users who can sign in, in *ready; and whether there is anything, in *empty. */
static const char *look(struct setup *s, const struct db_url *url, bool *empty, bool *ready)
{
    static const char tables[] =
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'user'";
    static const char users[] = "SELECT COUNT(*) FROM `user` WHERE active = 1 AND is_service_account = 0";
    struct migration m = {.db = db_new(url), .mem = s->mem, .url = url};
    struct db_rows rows;
    const char *problem = migrate_connect(&m);
    *empty = true;
    *ready = false;
    if (!problem && db_run(m.db, s->mem, &rows, tables, NULL, 0) != DB_OK)
        problem = migrate_trouble(&m);
    *empty = !problem && streq(db_row(&rows, 0)->s, "0");
    if (!problem && !*empty && db_run(m.db, s->mem, &rows, users, NULL, 0) != DB_OK)
        problem = migrate_trouble(&m);
    *ready = !problem && !*empty && !streq(db_row(&rows, 0)->s, "0");
    db_free(m.db);
    return problem;
}

/* Tables, first rows and the first user in a database that is somewhere else. A key for secrets is made for an empty
 * one only: others have been written with the key that they have, or with none. */
static const char *prepare(struct setup *s)
{
    struct db_url url;
    bool empty, ready;
    const char *problem = db_url_from_env(s->mem, &url);
    if (!problem)
        problem = look(s, &url, &empty, &ready);
    if (!problem && !ready)
        problem = ask_first_password(s);
    if (problem)
        return problem;
    if (empty && !ctl_env("ZENML_SECRETS_STORE_ENCRYPTION_KEY", NULL))
        set(s, "ZENML_SECRETS_STORE_ENCRYPTION_KEY", secret_token(s->mem, KEY_BYTES));
    problem = write_settings(s);
    if (s->password) {
        setenv("ZENML_DEFAULT_USER_PASSWORD", s->password, 1);
        setenv("ZENML_SERVER_AUTO_ACTIVATE", "true", 1);
    }
    if (!problem)
        problem = config_load(s->mem);
    return problem ? problem : ctl_prepare_database(s->mem, &url);
}

/* A directory that others can enter when root makes it, as scripts/kanso does: who runs everything is another user. */
static const char *make_directory(struct arena *a, const char *path)
{
    if (mkdir(path, geteuid() == 0 ? 0711 : 0700) == 0 || errno == EEXIST)
        return NULL;
    return arena_printf(a, "cannot make the directory %s: %s", path, strerror(errno));
}

/* The private database is made at the first start, which takes the first user's password from a file. */
static const char *leave_password(struct setup *s)
{
    const char *etc = arena_printf(s->mem, "%s/etc", s->place.home),
               *file = arena_printf(s->mem, "%s/default-password", etc);
    if (access(file, F_OK) == 0 || access(arena_printf(s->mem, "%s/database-password", etc), F_OK) == 0)
        return NULL; /* it has been started, or set up */
    const char *problem = ask_first_password(s);
    if (!problem)
        problem = make_directory(s->mem, s->place.home);
    if (!problem)
        problem = make_directory(s->mem, etc);
    return problem ? problem : file_save(s->mem, file, s->password, strlen(s->password), NULL);
}

static const char *set_up_private(struct setup *s)
{
    if (!s->place.home)
        return "where is the private database to be? Set KANSO_HOME";
    const char *problem = leave_password(s);
    if (!problem)
        problem = write_settings(s);
    return problem ? problem : config_load(s->mem);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static const struct ctl_column columns[] = {
    {"settings", CTL_TEXT, 0},
    {"database", CTL_TEXT, 0},
    {"listens", CTL_TEXT, 0},
    {"user", CTL_TEXT, 0},
    {"password", CTL_TEXT, 0},
    {"next", CTL_TEXT, 0},
    {NULL},
};

/* Starting --------------------------------------------------------------------------------------------------------- */

/* Runs a program to its end; false when that was not well. */
static bool run_program(const char *const argv[])
{
    pid_t pid;
    int status;
    fflush(NULL);
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ) != 0)
        return false;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Starts the service; one that runs takes up what has changed. */
static bool start_service(void)
{
    const char *const read[] = {"systemctl", "daemon-reload", NULL},
                      *const enable[] = {"systemctl", "--quiet", "enable", "kanso.service", NULL},
                      *const start[] = {"systemctl", "reload-or-restart", "kanso.service", NULL};
    unsetenv("ZENML_DEFAULT_USER_PASSWORD");
    return run_program(read) && run_program(enable) && run_program(start);
}

static bool starts(const struct setup *s)
{
    return ctl_is_service() && geteuid() == 0 && !ctl_option(s->call, "no-start");
}

static const char *next_step(const struct setup *s)
{
    if (starts(s))
        return "it is being started; then kansoctl doctor";
    if (ctl_is_service())
        return "systemctl enable --now kanso, then kansoctl doctor";
    return arena_printf(s->mem, "%s, then kansoctl doctor", ctl_run_command(s->mem, &s->place, "start"));
}

static void report(const struct setup *s)
{
    bool private = is_private(s);
    const struct db_value values[] = {
        ctl_value(s->place.conf),
        ctl_value(private ? arena_printf(s->mem, "a private one in %s", s->place.home) : "ready"),
        ctl_value(arena_printf(s->mem, "%s, port %s", answered(s, ADDRESS), answered(s, PORT))),
        ctl_value(s->password ? answered(s, USER) : NULL),
        ctl_value(s->made_up ? s->password : NULL),
        ctl_value(next_step(s)),
    };
    ctl_row(s->call, values);
}

static int run(const struct ctl_call *call)
{
    struct setup s = {.call = call, .mem = call->mem};
    const char *conf = ctl_option(call, "conf");
    if (conf)
        setenv("KANSO_CONF", conf, 1);
    bool other = ctl_env("ZENML_STORE_URL", NULL);
    s.place = ctl_instance(call->mem);
    if (!other && ctl_database_is_private())
        unsetenv("ZENML_STORE_URL");
    const char *problem = ask(&s);
    if (!problem)
        problem = check_settings(&s);
    if (problem)
        return ctl_misused(call->command, "%s", problem);
    take_answers(&s);
    if (is_private(&s))
        unsetenv("ZENML_STORE_URL");
    problem = is_private(&s) ? set_up_private(&s) : prepare(&s);
    if (problem)
        return ctl_fail("%s", problem);
    report(&s);
    if (starts(&s) && !start_service())
        return ctl_fail("the service does not start; see `systemctl status kanso` and `journalctl -u \'kanso*\'`");
    return CTL_DONE;
}

const struct ctl_command ctl_setup = {
    .name = "setup",
    .summary = "write kanso.conf, prepare the database and make the first user",
    .synopsis = "[OPTION]...",
    .details = "Writes kanso.conf, tries the database, makes its tables and the first user, and says how to\n"
               "start. What is not said by an option is asked on a terminal; without one the values hold that are\n"
               "there already, or the defaults. It may be run again, and changes what is said anew.\n"
               "\n"
               "Without a terminal and without --password-stdin a password is made up, and printed once. When there\n"
               "are users already, none is made.\n",
    .options = {{"database", "URL",
                 "mysql://USER:PASSWORD@HOST[:PORT]/NAME; or `private`, for one of Kanso's own.\n"
                 "Others can see a command line: ZENML_STORE_URL in the environment is taken as well"},
                {"address", "ADDRESS", "where nginx listens (127.0.0.1)"},
                {"port", "PORT", "and its port (8080)"},
                {"url", "URL", "under which clients reach it, when that is another one"},
                {"user", "NAME", "of the first user (default)"},
                {"password-stdin", NULL, "the first user's password is the first line of standard input"},
                {"no-start", NULL, "leaves a service of systemd as it is; else root starts it"},
                {"conf", "FILE", "the file of settings; KANSO_CONF, or kanso.conf in its usual place"}},
    .columns = columns,
    .single = true,
    .run = run,
};
