/* The settings of the instance that scripts/kanso runs, for commands that a person calls. */
#include "ctl/ctl.h"

#include "base/settings.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Which file has set a variable. */
struct origin {
    const char *name, *file;
};

static struct origin *origins;
static size_t origin_count, origin_room;

extern char **environ;

static size_t count_names(void)
{
    size_t n = 0;
    while (environ[n])
        n++;
    return n;
}

static void note(struct arena *a, const char *name, const char *file)
{
    origins = arena_grow(a, origins, origin_count, &origin_room, sizeof *origins);
    origins[origin_count++] = (struct origin){name, file};
}

/* Notes the variables from that place in the environment on. Empty ones count as unset. */
static void note_from(struct arena *a, size_t place, const char *file)
{
    for (size_t i = place; environ[i]; i++) {
        const char *name = arena_strndup(a, environ[i], strcspn(environ[i], "="));
        if (ctl_env(name, NULL))
            note(a, name, file);
    }
}

/* Loads a file of settings and notes what came from there: new variables stand behind those that were there. */
static void load(struct arena *a, const char *path)
{
    size_t before = count_names();
    settings_load(path);
    note_from(a, before, path);
}

/* The file in $KANSO_HOME may be anybody's. Root takes none of those: whoever wrote it would say what the programs that
 * root starts here load. scripts/kanso refuses the directory altogether (home_check()). */
static void refuse_foreign(const char *path)
{
    struct stat s;
    if (geteuid() == 0 && stat(path, &s) == 0 && s.st_uid != 0)
        exit(ctl_fail("%s is another user's (uid %u), and root takes no settings from there: run this as that user",
                      path, (unsigned)s.st_uid));
}

const char *ctl_origin(const char *name)
{
    for (size_t i = 0; i < origin_count; i++)
        if (streq(origins[i].name, name))
            return origins[i].file;
    return "default";
}

/* What the private database and its key come from, as if a file of settings had said it. */
static void export_own(struct arena *a, const char *name, const char *value, const char *file)
{
    if (ctl_env(name, NULL))
        return;
    setenv(name, value, 1);
    note(a, name, file);
}

/* Where Kanso was installed as a package, settings and data have the places that packages have. */
static bool is_package(const char *tree)
{
    return tree && starts_with(tree, "/usr/");
}

/* Where root keeps the instance of a clone that is closed to others (home_default() of scripts/lib/home.sh). */
static const char *default_home(struct arena *a, const char *tree)
{
    const char *own = arena_printf(a, "%s/var", tree), *common = "/var/lib/kanso";
    bool elsewhere = access(arena_printf(a, "%s/etc", own), F_OK) != 0 && access(common, X_OK) == 0;
    return elsewhere || is_package(tree) ? common : own;
}

/* The file of settings: in $KANSO_HOME when there is one or nowhere else to have it, beside the sources otherwise. */
static const char *default_conf(struct arena *a, const char *tree, const char *home)
{
    if (is_package(tree))
        return "/etc/kanso/kanso.conf";
    const char *in_home = home ? arena_printf(a, "%s/kanso.conf", home) : NULL;
    bool here = !tree || (in_home && access(in_home, F_OK) == 0);
    return here ? in_home : arena_printf(a, "%s/kanso.conf", tree);
}

static const char private_database[] = "the private database";

bool ctl_database_is_private(void)
{
    return streq(ctl_origin("ZENML_STORE_URL"), private_database);
}

struct ctl_place ctl_instance(struct arena *a)
{
    struct ctl_place place = {.tree = settings_tree(a), .conf = ctl_env("KANSO_CONF", NULL)};
    const char *home = ctl_env("KANSO_HOME", NULL);
    bool given = place.conf;
    note_from(a, 0, "environment");
    if (!place.conf)
        place.conf = default_conf(a, place.tree, home);
    if (!given && home && streq(place.conf, arena_printf(a, "%s/kanso.conf", home)))
        refuse_foreign(place.conf);
    if (place.conf)
        load(a, place.conf);
    if (!given && place.tree && !is_package(place.tree))
        load(a, arena_printf(a, "%s/kanso.conf", place.tree)); /* behind that of $KANSO_HOME */
    place.home = ctl_env("KANSO_HOME", place.tree ? default_home(a, place.tree) : NULL);
    if (place.home)
        export_own(a, "KANSO_HOME", place.home, "default");
    if (!place.home || ctl_env("ZENML_STORE_URL", NULL))
        return place;
    const char *password = read_key(a, place.home, "database-password");
    const char *key = read_key(a, place.home, "encryption-key");
    if (password)
        export_own(
            a, "ZENML_STORE_URL",
            arena_printf(a, "mysql://kanso:%s@localhost/zenml?unix_socket=%s/db/mariadb.sock", password, place.home),
            private_database);
    if (password && key)
        export_own(a, "ZENML_SECRETS_STORE_ENCRYPTION_KEY", key, arena_printf(a, "%s/etc/encryption-key", place.home));
    return place;
}

bool ctl_is_service(void)
{
    return access("/lib/systemd/system/kanso.service", F_OK) == 0 && access("/run/systemd/system", F_OK) == 0;
}

const char *ctl_run_command(struct arena *a, const struct ctl_place *place, const char *verb)
{
    if (is_package(place->tree) && ctl_is_service())
        return arena_printf(a, "systemctl %s kanso", verb);
    return arena_printf(a, "%s/scripts/kanso %s", place->tree ? place->tree : "", verb);
}
