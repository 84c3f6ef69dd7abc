/* The settings of the instance that scripts/kanso runs, for commands that a person calls. */
#include "ctl/ctl.h"

#include "base/arena.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The directory above that of build/bin/kansoctl; NULL when it cannot be told. */
static char *source_tree(struct arena *a)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    for (int up = 0; up < 3 && n > 0; up++)
        while (n > 0 && path[--n] != '/')
            ;
    return n > 0 ? arena_strndup(a, path, (size_t)n) : NULL;
}

/* Exports a line NAME=value unless the environment has that name. Others are for scripts/kanso to
 * complain about. */
static void load_line(char *line)
{
    char *name = line + strspn(line, " \t"), *value = strchr(name, '=');
    if (!value || !(isalpha((unsigned char)*name) || *name == '_'))
        return;
    *value++ = '\0';
    size_t n = strlen(value);
    while (n > 0 && isspace((unsigned char)value[n - 1]))
        value[--n] = '\0';
    if (n >= 2 && (*value == '"' || *value == '\'') && value[n - 1] == *value) {
        value[n - 1] = '\0';
        value++;
    }
    setenv(name, value, 0);
}

static void load_file(const char *path)
{
    char *line = NULL;
    size_t room = 0;
    FILE *f = fopen(path, "re");
    while (f && getline(&line, &room, f) >= 0)
        load_line(line);
    free(line);
    if (f)
        fclose(f);
}

/* The first line of a file that holds a key; NULL when it cannot be read. */
static char *read_key(struct arena *a, const char *home, const char *name)
{
    char key[256];
    FILE *f = fopen(arena_printf(a, "%s/etc/%s", home, name), "re");
    bool ok = f && fgets(key, sizeof key, f);
    if (f)
        fclose(f);
    if (ok)
        key[strcspn(key, "\n")] = '\0';
    return ok && *key ? arena_strdup(a, key) : NULL;
}

/* Where root keeps the instance of a clone that is closed to others (home_default() of scripts/lib/home.sh). */
static const char *default_home(struct arena *a, const char *tree)
{
    const char *own = arena_printf(a, "%s/var", tree), *common = "/var/lib/kanso";
    bool elsewhere = access(arena_printf(a, "%s/etc", own), F_OK) != 0 && access(common, X_OK) == 0;
    return elsewhere ? common : own;
}

void ctl_instance(struct arena *a)
{
    const char *tree = source_tree(a);
    const char *file = ctl_env("KANSO_CONF", NULL), *home = ctl_env("KANSO_HOME", NULL);
    if (file) {
        load_file(file);
    } else {
        if (home)
            load_file(arena_printf(a, "%s/kanso.conf", home));
        if (tree)
            load_file(arena_printf(a, "%s/kanso.conf", tree));
    }
    home = ctl_env("KANSO_HOME", tree ? default_home(a, tree) : NULL);
    if (!home || ctl_env("ZENML_STORE_URL", NULL))
        return;
    const char *password = read_key(a, home, "database-password");
    const char *key = read_key(a, home, "encryption-key");
    if (password)
        setenv("ZENML_STORE_URL",
               arena_printf(a, "mysql://kanso:%s@localhost/zenml?unix_socket=%s/db/mariadb.sock", password, home), 1);
    if (password && key && !ctl_env("ZENML_SECRETS_STORE_ENCRYPTION_KEY", NULL))
        setenv("ZENML_SECRETS_STORE_ENCRYPTION_KEY", key, 1);
}
