#include "base/notify.h"

#include "base/text.h"
#include "base/timestamp.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A name that begins with @ is one of the abstract namespace. What cannot be sent is not missed by anybody here. */
static void notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    if (!len || len >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, len);
    if (*path == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    (void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, size);
    close(fd);
}

void notify_ready(void)
{
    notify("READY=1");
}

void notify_alive(void)
{
    static double last;
    double now = monotonic_ms();
    int interval = notify_interval();
    if (interval < 0 || now - last < interval / 2.0) /* not with each of many requests */
        return;
    last = now;
    notify("WATCHDOG=1");
}

int notify_interval(void)
{
    enum { LONGEST = 3600000 };
    const char *text = getenv("WATCHDOG_USEC");
    int64_t usec;
    if (!text || !parse_int64(text, &usec) || usec <= 0)
        return -1;
    int64_t ms = usec / 1000 / 3;
    return ms < 1 ? 1 : ms > LONGEST ? LONGEST : (int)ms;
}
