/*
 * What the error numbers of server and driver mean for a request: one table of classes for all of them.
 */
#ifndef KANSO_DB_ERRORS_H
#define KANSO_DB_ERRORS_H

#include "db/db.h"

/* What has to be done with the connection. */
enum db_then {
    KEEP,
    FORGET_STATEMENTS, /* the server does not know our prepared statements any more */
    RECONNECT,         /* it is gone, or leads to a server that is not the right one any more */
};

struct db_class {
    enum db_status status;
    enum db_then then;
    const char *cause; /* for whoever asked: names no host, user or database; NULL where another answer is due */
};

const struct db_class *db_class_of(unsigned number);

#endif
