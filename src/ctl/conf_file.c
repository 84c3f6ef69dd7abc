#include "ctl/conf_file.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONF_MAX = 1 << 20 };

static const char *cannot(struct arena *a, const char *what, const char *path)
{
    return arena_printf(a, "cannot %s %s: %s", what, path, strerror(errno));
}

/* The line that sets a variable, in `text`; NULL when there is none. */
static const char *line_of(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *at = line + strspn(line, " \t");
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return line;
    }
    return NULL;
}

/* Replaces the line of a variable, or adds one; the text may move. */
static void set_line(struct buf *text, const struct conf_line *l)
{
    struct buf out = {0};
    const char *all = text->data ? text->data : "", *line = line_of(all, l->name);
    if (line) {
        const char *rest = line + strcspn(line, "\n");
        buf_add(&out, all, (size_t)(line - all));
        buf_addf(&out, "%s=%s%s", l->name, l->value, rest);
    } else {
        buf_addf(&out, "%s%s%s=%s\n", all, text->len && all[text->len - 1] != '\n' ? "\n" : "", l->name, l->value);
    }
    buf_free(text);
    *text = out;
}

const char *conf_write(struct arena *a, const char *path, const char *to, const struct conf_line *lines, size_t count)
{
    struct buf text = {0};
    size_t len = 0;
    char *was = file_read(a, path, CONF_MAX, &len);
    if (!was && errno != ENOENT)
        return cannot(a, "read", path);
    buf_add(&text, was ? was : "", len);
    for (size_t i = 0; i < count; i++)
        set_line(&text, &lines[i]);
    const char *problem = file_save(a, to, text.data, text.len, path);
    buf_free(&text);
    return problem;
}

const char *conf_change(struct arena *a, const char *path, const struct conf_line *lines, size_t count)
{
    const char *directory = file_directory(a, path);
    char *real = realpath(path, NULL); /* of a link, what it leads to is changed */
    const char *target = real ? arena_strdup(a, real) : path, *new = arena_printf(a, "%s.new", target);
    free(real);
    if (mkdir(directory, 0755) != 0 && errno != EEXIST)
        return cannot(a, "make the directory", directory);
    const char *problem = conf_write(a, target, new, lines, count);
    return problem ? problem : file_move(a, new, target);
}

const char *conf_value(struct arena *a, const char *path, const char *name)
{
    size_t len;
    const char *text = file_read(a, path, CONF_MAX, &len), *line = text ? line_of(text, name) : NULL;
    if (!line)
        return NULL;
    const char *value = strchr(line, '=') + 1;
    size_t n = strcspn(value, "\r\n");
    while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
        n--;
    bool quoted = n >= 2 && (*value == '"' || *value == '\'') && value[n - 1] == *value;
    return quoted ? arena_strndup(a, value + 1, n - 2) : arena_strndup(a, value, n);
}
