#include "base/new_file.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a signal has to remove. */
static char unfinished[PATH_MAX];

static void on_signal(int number)
{
    if (*unfinished)
        unlink(unfinished);
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_signals(void)
{
    const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct sigaction now;
        if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaction(ends[i], &action, NULL);
    }
}

static const char *open_temporary(struct new_file *f)
{
    struct stat there;
    if (stat(f->path, &there) == 0 && S_ISDIR(there.st_mode))
        return arena_printf(f->mem, "%s is a directory: name a file", f->path);
    if (!f->force && lstat(f->path, &there) == 0)
        return arena_printf(f->mem, "%s is there already; --force replaces it", f->path);
    f->temporary = arena_printf(f->mem, "%s.XXXXXX", f->path);
    if (strlen(f->temporary) >= sizeof unfinished)
        return arena_printf(f->mem, "the name %s is too long", f->path);
    watch_signals();
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    f->fd = mkostemp(f->temporary, O_CLOEXEC); /* mode 0600 */
    if (f->fd >= 0)
        memcpy(unfinished, f->temporary, strlen(f->temporary) + 1);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return f->fd >= 0 ? NULL : arena_printf(f->mem, "cannot make a file beside %s: %s", f->path, strerror(errno));
}

const char *new_file_trouble(const struct new_file *f, const char *why)
{
    return arena_printf(f->mem, "cannot write %s: %s", f->path ? f->path : "standard output", why);
}

const char *new_file_begin(struct arena *a, const char *path, bool force, struct new_file *out)
{
    *out = (struct new_file){.mem = a, .path = streq(path, "-") ? NULL : path, .force = force, .fd = -1};
    if (out->path)
        return open_temporary(out);
    out->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    return out->fd >= 0 ? NULL : new_file_trouble(out, strerror(errno));
}

/* That the name is in its directory is the directory's to keep. */
static void sync_directory(struct new_file *f)
{
    const char *slash = strrchr(f->path, '/');
    const char *name = !slash             ? "."
                       : slash == f->path ? "/"
                                          : arena_strndup(f->mem, f->path, (size_t)(slash - f->path));
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* A file system that cannot keep from replacing is asked before. */
static int give_name(const struct new_file *f)
{
    if (f->force)
        return rename(f->temporary, f->path);
    if (renameat2(AT_FDCWD, f->temporary, AT_FDCWD, f->path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    struct stat there;
    if (lstat(f->path, &there) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(f->temporary, f->path);
}

static const char *give_to_disk(struct new_file *f)
{
    if (fsync(f->fd) != 0 || give_name(f) != 0)
        return new_file_trouble(f, strerror(errno));
    *unfinished = '\0';
    sync_directory(f);
    return NULL;
}

const char *new_file_finish(struct new_file *f)
{
    const char *problem = f->path ? give_to_disk(f) : NULL;
    new_file_abandon(f);
    return problem;
}

void new_file_abandon(struct new_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    if (*unfinished)
        unlink(unfinished);
    *unfinished = '\0';
}
