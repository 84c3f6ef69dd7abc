/*
 * What a service manager (systemd) is told, by the protocol of sd_notify(3): a datagram to the socket that
 * NOTIFY_SOCKET names. libsystemd would bring five more libraries into every worker for it.
 */
#ifndef KANSO_BASE_NOTIFY_H
#define KANSO_BASE_NOTIFY_H

/* Says that the process is ready to serve. Without a service manager this and notify_alive() do nothing. */
void notify_ready(void);

/* Says that it has not got stuck; to be called at least each notify_interval() milliseconds while nothing is in hand.
 */
void notify_alive(void);

/* How often the service manager wants to hear that, with some room; -1: never (WATCHDOG_USEC). */
int notify_interval(void);

#endif
