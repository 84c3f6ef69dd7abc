/* What kansoctl doctor looks at: each check says what it has found, and what to do. */
#ifndef KANSO_CTL_DOCTOR_H
#define KANSO_CTL_DOCTOR_H

#include "ctl/ctl.h"
#include "ctl/plan.h"

struct doctor {
    const struct ctl_call *call;
    struct arena *mem;
    struct ctl_place place;
    const char *check; /* the name of the one that runs */
    bool configured;   /* the configuration has been loaded */
    bool service;      /* systemd runs the instance on this host */
    bool up;           /* somebody does: scripts/kanso has started it and not stopped it, or systemd */
    struct plan plan;  /* of the workers; without sockets when it cannot be read */
    struct db_url url;
    struct db *db;          /* NULL until the database has been reached */
    const char *nginx_conf; /* what nginx would be started with now; NULL when it cannot be made */
    const char *nginx_problem;
    unsigned problems;
};

struct doctor_check {
    const char *name;
    void (*run)(struct doctor *d);
    bool on_database; /* left out when the database cannot be reached */
};

/* Checks, ended by one without a name. */
extern const struct doctor_check host_checks[], database_checks[];

/* What a check has found: all right; something that will or may hurt; something that does. `advice` says what to do. */
void found_good(struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void found_warning(struct doctor *d, const char *advice, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void found_problem(struct doctor *d, const char *advice, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* How many processes hold a connection to the database at a time. */
unsigned doctor_connections(const struct doctor *d);

#endif
