/*
 * libFuzzer target: what may arrive at a worker's socket. Each input is one connection's bytes. Behind it comes a sound
 * request, which the worker must answer whatever the first one was.
 */
#include "fuzz.h"

#include "base/log.h"
#include "http/worker.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* libfcgi forgets 48 bytes for each management record of a kind that it does not know. Only nginx can reach the socket.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static bool answered;

static void unlink_socket(void)
{
    unlink(address.sun_path);
}

static void listen_on_descriptor_0(void)
{
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/kanso-fuzz-%d.sock", (int)getpid());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    expect(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0);
    expect(dup2(fd, 0) == 0);
    close(fd);
    atexit(unlink_socket);
    log_threshold = LOG_ERROR;
}

static int handle(struct ctx *c, void *app)
{
    (void)app;
    answered = answered || streq(c->req.path, "/sound");
    c->res.status = 200;
    buf_adds(&c->res.body, "{}");
    return OK;
}

static void count(struct ctx *c)
{
    expect(c->res.status != 0);
}

static void finish(struct ctx *c, void *app)
{
    (void)c, (void)app;
    if (answered)
        raise(SIGTERM); /* ends worker_run() */
}

/* A connection that sends these bytes, and says that no more will come when it is `ended`. */
static int send_bytes(const uint8_t *data, size_t size, bool ended)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    expect(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    expect(send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size);
    if (ended)
        shutdown(fd, SHUT_WR);
    return fd;
}

static const uint8_t SOUND[] = "\1\1\0\1\0\10\0\0"
                               "\0\1\0\0\0\0\0\0"
                               "\1\4\0\1\0\46\2\0"
                               "\16\3REQUEST_METHODGET"
                               "\13\6REQUEST_URI/sound"
                               "\0\0"
                               "\1\4\0\1\0\0\0\0"
                               "\1\5\0\1\0\0\0\0";

/* libfcgi allocates what the length of a name says, up to 2 GB, and ends the process when it cannot: lengths of four
 * bytes are made lengths of one, unless they are small. */
static uint8_t *with_short_names(const uint8_t *data, size_t size)
{
    uint8_t *out = (uint8_t *)input_text(data, size, true);
    for (size_t i = 0; i < size; i++)
        if (out[i] & 0x80 && (out[i] & 0x7f || (i + 1 < size && out[i + 1] & 0xf0)))
            out[i] &= 0x7f;
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool listens;
    struct worker w = {
        .root_path = "", .max_body = 1 << 20, .headers = "", .handle = handle, .count = count, .finish = finish};
    sigset_t term;
    if (!listens)
        listen_on_descriptor_0();
    listens = true;
    answered = false;
    uint8_t *bytes = with_short_names(data, size);
    int first = send_bytes(bytes, size, true), second = send_bytes(SOUND, sizeof SOUND - 1, false);
    expect(worker_run(&w) == 0 && answered);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigtimedwait(&term, NULL, &(struct timespec){0});
    close(first);
    close(second);
    free(bytes);
    return 0;
}
