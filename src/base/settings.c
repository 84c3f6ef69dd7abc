#include "base/settings.h"

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAX_SETTINGS = 1 << 20 };

/* The environment refers to it for as long as the process lives. */
static char *received;

/* Reads to the end, by position where the descriptor has one: other processes read the same. Returns the length, 0 for
 * none or too much. */
static size_t read_all(int fd, char *to, size_t room)
{
    size_t len = 0;
    ssize_t n = 1;
    while (len < room && n != 0) {
        n = pread(fd, to + len, room - len, (off_t)len);
        if (n < 0 && errno == ESPIPE)
            n = read(fd, to + len, room - len);
        if (n < 0 && errno != EINTR)
            return 0;
        len += n > 0 ? (size_t)n : 0;
    }
    return len < room ? len : 0;
}

const char *settings_receive(void)
{
    static const char refusal[] = "KANSO_SETTINGS_FD: expected a descriptor with NAME=value texts, each ended by NUL";
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    int64_t fd;
    const char *text = getenv("KANSO_SETTINGS_FD");
    if (!text || received)
        return NULL;
    if (!parse_int64(text, &fd) || fd < 0 || fd > INT32_MAX || !(received = calloc(1, MAX_SETTINGS)))
        return refusal;
    size_t len = read_all((int)fd, received, MAX_SETTINGS);
    close((int)fd);
    if (!len || received[len - 1])
        return refusal;
    for (char *entry = received; entry < received + len; entry += strlen(entry) + 1) {
        const char *equals = strchr(entry, '=');
        if (!equals)
            return refusal;
        char *name = strndup(entry, (size_t)(equals - entry));
        if (name && !getenv(name))
            putenv(entry); /* not setenv(): glibc keeps copies that cannot be erased */
        free(name);
    }
    return NULL;
}

/* Exports a line NAME=value unless the environment has that name. The line stays where it is. */
static void load_line(char *line)
{
    char *name = line + strspn(line, " \t"), *value = strchr(name, '=');
    if (!value || !(isalpha((unsigned char)*name) || *name == '_'))
        return;
    char *text = ++value;
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    if (n >= 2 && (*text == '"' || *text == '\'') && text[n - 1] == *text) {
        text++;
        n -= 2;
    }
    memmove(value, text, n);
    value[n] = '\0';
    value[-1] = '\0';
    bool known = getenv(name) != NULL;
    value[-1] = '=';
    if (!known)
        putenv(name);
}

/* The texts that were loaded: the environment refers to them until the process ends. */
static struct loaded {
    struct loaded *before;
    char text[MAX_SETTINGS];
} * loaded;

bool settings_load(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct loaded *l = fd >= 0 ? calloc(1, sizeof *l) : NULL;
    char *text = l ? l->text : NULL;
    size_t len = text ? read_all(fd, text, MAX_SETTINGS) : 0;
    if (fd >= 0)
        close(fd);
    if (!text)
        return false;
    l->before = loaded;
    loaded = l;
    for (char *line = text, *next; line < text + len; line = next) {
        char *end = strchr(line, '\n');
        next = end ? end + 1 : text + len;
        if (end)
            *end = '\0';
        load_line(line);
    }
    return true;
}

char *settings_tree(struct arena *a)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    for (int up = 0; up < 4 && n > 0; up++) { /* build/sanitize/bin lies deepest */
        while (n > 0 && path[--n] != '/')
            ;
        char *tree = arena_strndup(a, path, (size_t)n);
        if (up > 0 && access(arena_printf(a, "%s/scripts/kanso", tree), X_OK) == 0)
            return tree;
    }
    return NULL;
}

void settings_load_own(void)
{
    struct arena a = {0};
    const char *named = getenv("KANSO_CONF"), *tree = settings_tree(&a);
    const char *file = named || !tree ? named : arena_printf(&a, "%s/kanso.conf", tree);
    if (file && !settings_load(file) && named)
        fprintf(stderr, "kanso: KANSO_CONF: cannot read %s\n", file);
    arena_free(&a);
}

const char *settings_take(struct arena *a, const char *name)
{
    char *value = getenv(name);
    if (!value)
        return NULL;
    const char *copy = *value ? arena_strdup(a, value) : NULL;
    explicit_bzero(value, strlen(value));
    unsetenv(name);
    return copy;
}
