#include "supervise/log.h"

#include "supervise/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A log may exceed its limit by that much, so that lines stay whole. */
enum { LONGEST_LINE = 1 << 16 };

/* Appends to a regular file of ours that has no other name, or makes a new one: whatever else has that name (a link
 * that was put there, a pipe) is removed, not written to. */
static int open_log(const char *path)
{
    enum { FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };
    struct stat st;
    int fd = open(path, FLAGS, 0600);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid == geteuid())
        return fd;
    if (fd < 0 && errno != ELOOP && errno != ENXIO && errno != EISDIR)
        return -1;
    if (fd >= 0)
        close(fd);
    return unlink(path) == 0 ? open(path, FLAGS | O_EXCL, 0600) : -1;
}

static void log_open(struct log *log)
{
    struct stat st;
    int fd = open_log(log->path);
    log->out = fd < 0 ? -1 : own(fd);
    log->size = log->out >= 0 && fstat(log->out, &st) == 0 ? st.st_size : 0;
    log->whole_lines = true;
}

/* The log so far becomes LOG.1. Where it cannot be renamed, it is emptied: the limit holds. */
static void log_rotate(struct log *log)
{
    char old[4096];
    snprintf(old, sizeof old, "%s.1", log->path);
    if (rename(log->path, old) != 0 && ftruncate(log->out, 0) == 0) {
        log->size = 0;
        return;
    }
    close(log->out);
    log_open(log);
}

/* What the disk does not take is counted and dropped: those who write must not wait for it. */
static void log_put(struct log *log, const char *data, size_t len)
{
    if (log->out < 0)
        log_open(log);
    ssize_t n = log->out < 0 ? -1 : write(log->out, data, len);
    size_t done = n > 0 ? (size_t)n : 0;
    log->size += (off_t)done;
    log->lost += len - done;
    if (done)
        log->whole_lines = data[done - 1] == '\n';
}

void log_write(struct log *log, const char *data, size_t len)
{
    if (log->size >= log->limit && (log->whole_lines || log->size >= log->limit + LONGEST_LINE))
        log_rotate(log);
    if (log->lost) {
        char line[100];
        uint64_t lost = log->lost;
        int n = snprintf(line, sizeof line, "%skanso: %llu bytes of log were lost here: the disk was full\n",
                         log->whole_lines ? "" : "\n", (unsigned long long)lost);
        log->lost = 0;
        log_put(log, line, (size_t)n);
        log->lost = log->lost ? lost : 0;
    }
    log_put(log, data, len);
}

void log_reopen(struct log *log)
{
    if (log->out >= 0)
        close(log->out);
    log_open(log);
}

void log_start(struct log *log)
{
    int ends[2];
    log_open(log);
    if (log->out < 0)
        die("cannot write %s: %s", log->path, strerror(errno));
    if (pipe2(ends, O_CLOEXEC) != 0)
        die("cannot make a pipe: %s", strerror(errno));
    log->in = own(ends[0]);
    log->child = own(ends[1]);
    fcntl(log->in, F_SETFL, O_NONBLOCK);
}

bool log_drain(struct log *log)
{
    static char room[65536];
    ssize_t n = read(log->in, room, sizeof room);
    if (n > 0)
        log_write(log, room, (size_t)n);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}
