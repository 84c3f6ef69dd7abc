/* kansoctl config: the values in force, and where each comes from. */
#include "ctl/config.h"

#include "base/text.h"
#include "base/url.h"
#include "ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is not read by config_load(): by scripts/kanso, by the commands that make nginx.conf and the plan, and by
 * db_url_from_env(). */
static const struct config_variable of_instance[] = {
    {"KANSO_CONF", NULL, "the file of settings", false},
    {"KANSO_HOME", NULL, "directory of this instance: private database, sockets, logs, keys", false},
    {"KANSO_ADDRESS", "127.0.0.1", "where nginx listens", false},
    {"KANSO_PORT", "8080", "and its port", false},
    {"KANSO_WORKERS", "default", "which endpoint groups share a worker, and how many processes", false},
    {"KANSO_USER", "kanso", "user that everything runs as when started by root", false},
    {"KANSO_LOG_SIZE", "10000000", "bytes after which a log makes room for a new one", false},
    {"KANSO_ACCESS_LOG", NULL, "on or off; on in `scripts/kanso run`, else off", false},
    {"KANSO_METRICS", "off", "where counters can be read: a port of 127.0.0.1, ADDRESS:PORT, unix:/PATH, or off",
     false},
    {"KANSO_HTML", NULL, "directory of the pages", false},
    {"KANSO_DASHBOARD_DIR", NULL, "ZenML's own dashboard instead of Kanso's pages", false},
    {"KANSO_NGINX_WORKERS", "1", "nginx processes", false},
    {"KANSO_LOGIN_RATE", "3", "sign-ins a second from one client; 0 = no limit", false},
    {"KANSO_CLIENT_REQUESTS", "512", "requests of one client that may be under way", false},
    {"KANSO_CLIENT_UPLOADS", "32", "of those, requests with large bodies", false},
    {"KANSO_MARIADB_CNF", NULL, "options of the private MariaDB", false},
    {"KANSO_BUILD", NULL, "a finished build to use instead of building", false},
    {"ZENML_STORE_URL", NULL, "the database; not set: a private one", false},
    {"ZENML_STORE_USERNAME", NULL, "what the URL leaves out", false},
    {"ZENML_STORE_PASSWORD", NULL, "likewise", true},
    {"ZENML_STORE_DATABASE", NULL, "likewise", false},
    {"ZENML_STORE_SSL_CA", NULL, "certificate authority of the database", false},
    {"ZENML_STORE_SSL_CERT", NULL, "certificate for the database", false},
    {"ZENML_STORE_SSL_KEY", NULL, "and the file with its key", false},
    {"ZENML_STORE_SSL_VERIFY_SERVER_CERT", NULL, "whether the name in the database's certificate counts", false},
    {"DISABLE_DATABASE_MIGRATION", NULL, "set: the tables are looked at, and not changed", false},
};

bool known_variable(size_t i, struct config_variable *out)
{
    if (i >= ARRAY_LEN(of_instance))
        return config_variable(i - ARRAY_LEN(of_instance), out);
    *out = of_instance[i];
    return true;
}

extern char **environ;

static bool is_known(const char *name)
{
    /* Not settings of a server: how settings are handed on, what `kansoctl deploy` and the stock client read. */
    static const char *const others[] = {"KANSO_SETTINGS_FD", "KANSO_DOCKER", "ZENML_ANALYTICS_OPT_IN",
                                         "ZENML_LOGGING_VERBOSITY"};
    struct config_variable v;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (streq(others[i], name))
            return true;
    for (size_t i = 0; known_variable(i, &v); i++)
        if (streq(v.name, name))
            return true;
    return false;
}

const char *unknown_variable(struct arena *a, size_t *at)
{
    while (environ[*at]) {
        const char *entry = environ[(*at)++], *name = arena_strndup(a, entry, strcspn(entry, "="));
        if ((starts_with(name, "KANSO_") || starts_with(name, "ZENML_")) && !is_known(name))
            return name;
    }
    return NULL;
}

static const struct ctl_column columns[] = {
    {"name", CTL_TEXT, 48},
    {"origin", CTL_TEXT, 34},
    {"value", CTL_TEXT, 0},
    {"secret", CTL_BOOL, CTL_HIDDEN},
    {"known", CTL_BOOL, CTL_HIDDEN},
    {"about", CTL_TEXT, CTL_HIDDEN},
    {NULL},
};

static void print(const struct ctl_call *call, const struct config_variable *v, bool known)
{
    const char *value = ctl_env(v->name, v->def);
    if (value && v->secret)
        value = *value ? "********" : "";
    else if (value)
        value = url_without_password(call->mem, value);
    const struct db_value values[] = {ctl_value(v->name),
                                      ctl_value(ctl_origin(v->name)),
                                      ctl_value(value),
                                      ctl_value(v->secret ? "1" : "0"),
                                      ctl_value(known ? "1" : "0"),
                                      ctl_value(v->about)};
    ctl_row(call, values);
}

static int show(const struct ctl_call *call)
{
    struct config_variable v;
    const char *name;
    size_t at = 0;
    bool all = !ctl_option(call, "set");
    ctl_instance(call->mem);
    for (size_t i = 0; known_variable(i, &v); i++)
        if (all || ctl_env(v.name, NULL))
            print(call, &v, true);
    while ((name = unknown_variable(call->mem, &at)))
        print(call, &(struct config_variable){name, NULL, "not known to Kanso: misspelt?", true}, false);
    const char *problem = config_load(call->mem);
    if (problem)
        fprintf(stderr, "kanso: %s\n", problem);
    return problem ? CTL_FOUND : CTL_DONE;
}

const struct ctl_command ctl_config = {
    .name = "config",
    .summary = "print all settings, and where each comes from",
    .synopsis = "[--set]",
    .details = "Prints all settings with the values in force, and where each comes from: the environment, a file\n"
               "(kanso.conf, or a key in KANSO_HOME), or Kanso itself (default). Secrets and unknown variables are\n"
               "shown as ********. Says on standard error when a value is wrong, and ends with 3.\n",
    .options = {{"set", NULL, "only what is set somewhere"}},
    .columns = columns,
    .run = show,
};
