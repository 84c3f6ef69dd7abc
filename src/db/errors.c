#include "db/errors.h"

#include "base/text.h"

/*
 * Numbers below 2000 and from 3000 on are the server's, those between are the driver's (from 2000) and MariaDB's own
 * (from 1900 on, and from 4000 on). They are written as numbers because no header has them all: MySQL's and MariaDB's
 * name different ones, and some mean different things.
 */

static const struct db_class
    unreachable = {DB_LOST, RECONNECT, "The database cannot be reached at the moment"},
    unknown_host = {DB_UNAVAILABLE, RECONNECT, "The name of the database's host cannot be resolved at the moment"},
    lost = {DB_LOST, RECONNECT, "The connection to the database was lost"},
    shutdown = {DB_LOST, RECONNECT, "The database is shutting down or starting"},
    read_only = {DB_AGAIN, RECONNECT, "The database accepts no changes at the moment: it is read-only"},
    not_ready = {DB_AGAIN, RECONNECT, "The database's node is not ready: it is not part of its cluster at the moment"},
    crowded = {DB_LOST, RECONNECT, "The database has no connection left for the server (max_connections)"},
    user_limit = {DB_UNAVAILABLE, RECONNECT, "The database's limits for the server's account are used up"},
    blocked = {DB_UNAVAILABLE, RECONNECT, "The database refuses connections from the server's host"},
    credentials = {DB_UNAVAILABLE, RECONNECT,
                   "The database does not accept the user or password that the server is configured with"},
    no_database = {DB_UNAVAILABLE, RECONNECT, "The database that the server is configured with is not there for it"},
    no_table = {DB_UNAVAILABLE, KEEP, "A table is missing in the database"},
    rights = {DB_UNAVAILABLE, KEEP, "The server's account lacks rights in the database"},
    tls = {DB_UNAVAILABLE, RECONNECT, "No secure connection to the database can be made"},
    busy = {DB_AGAIN, KEEP, "The database is too busy at the moment: changes wait for each other"},
    replication = {DB_AGAIN, KEEP, "The database's cluster could not agree on the change"},
    forgotten = {DB_AGAIN, FORGET_STATEMENTS, "The database has forgotten its prepared statements"},
    statements = {DB_UNAVAILABLE, FORGET_STATEMENTS,
                  "The database has no prepared statement left for the server (max_prepared_stmt_count)"},
    disk = {DB_UNAVAILABLE, KEEP, "The database has no space left on its disk"},
    memory = {DB_UNAVAILABLE, KEEP, "The database has too little memory at the moment"},
    stopped = {DB_UNAVAILABLE, KEEP, "The database stopped the operation because it took too long"},
    duplicate = {DB_DUPLICATE, KEEP, NULL}, foreign = {DB_FOREIGN, KEEP, NULL}, invalid = {DB_INVALID, KEEP, NULL},
    too_large = {DB_INVALID, RECONNECT, NULL}, charset = {DB_CHARSET, KEEP, NULL}, other = {DB_ERROR, KEEP, NULL};

static const struct {
    unsigned number;
    const struct db_class *class;
} NUMBERS[] = {
    /* connecting */
    {2001, &unreachable}, /* no socket */
    {2002, &unreachable}, /* Unix socket */
    {2003, &unreachable}, /* TCP */
    {2004, &unreachable},
    {2012, &lost}, /* in the handshake */
    {2005, &unknown_host},
    {1040, &crowded},
    {1203, &user_limit},  /* connections of the account */
    {1226, &user_limit},  /* a resource of the account: connections, queries an hour, ... */
    {1129, &blocked},     /* after too many broken handshakes */
    {1130, &blocked},     /* host not allowed */
    {1045, &credentials}, /* password */
    {1044, &no_database}, /* not granted */
    {1049, &no_database},
    {1251, &credentials}, /* method of authentication */
    {1698, &credentials}, /* the same without a password */
    {1820, &credentials}, /* password has to be changed */
    {1862, &credentials}, /* password expired */
    {3118, &credentials}, /* MySQL: account locked */
    {3955, &credentials}, /* MySQL: locked after wrong passwords */
    {4151, &credentials}, /* MariaDB: account locked */
    {2049, &credentials},
    {2059, &credentials}, /* method of authentication unknown to the driver */
    {2061, &credentials},
    {2026, &tls},
    {3159, &tls}, /* MySQL: require_secure_transport */

    /* the connection ends */
    {2006, &lost},
    {2013, &lost},
    {2014, &lost}, /* driver and server have lost step */
    {2027, &lost}, /* malformed packet */
    {2055, &lost},
    {1152, &lost}, /* aborted */
    {1156, &lost}, /* packets out of order, not to be read or written in time */
    {1157, &lost},
    {1158, &lost},
    {1159, &lost},
    {1160, &lost},
    {1161, &lost},
    {1184, &lost},
    {1927, &lost}, /* MariaDB: killed */
    {3169, &lost}, /* MySQL: killed */
    {4031, &lost}, /* MySQL: closed for inactivity */
    {1053, &shutdown},
    {1077, &shutdown},
    {1079, &shutdown},
    {3032, &shutdown}, /* MySQL: offline mode */

    /* a server that was the right one */
    {1290, &read_only}, /* read_only, super_read_only */
    {1792, &read_only}, /* in a transaction that began read-only */
    {1836, &read_only}, /* MySQL: read-only mode; Aurora's readers */
    {1874, &read_only}, /* MySQL: InnoDB read-only */
    {1047, &not_ready}, /* Galera */

    /* a text is compared with a column whose character set lacks some character of it */
    {1267, &charset},
    {1270, &charset},
    {1271, &charset},
    {3854, &charset}, /* MySQL: conversion impossible */
    {3988, &charset}, /* MySQL: the same of a parameter */

    /* the transaction may be tried again */
    {1213, &busy}, /* deadlock; Galera: another node was faster */
    {1205, &busy}, /* lock wait */
    {1020, &busy}, /* MariaDB: the record has changed since it was read */
    {3572, &busy}, /* MySQL: NOWAIT */
    {3100, &replication},
    {3101, &replication},
    {1180, &lost}, /* at COMMIT: nobody knows */
    {1181, &lost}, /* at ROLLBACK */

    /* prepared statements */
    {1461, &statements},
    {1243, &forgotten}, /* unknown to the server: a proxy has changed it */
    {1615, &forgotten}, /* tables change too fast */

    /* short of something */
    {1021, &disk},
    {1114, &disk},
    {3675, &disk}, /* MySQL: tablespace cannot be extended */
    {1037, &memory},
    {1038, &memory}, /* for sorting */
    {1041, &memory},
    {1135, &memory},  /* no thread */
    {2008, &memory},  /* our own */
    {1317, &stopped}, /* KILL QUERY */
    {1969, &stopped}, /* MariaDB: max_statement_time */
    {3024, &stopped}, /* MySQL: max_execution_time */

    /* what was there when the server started */
    {1142, &rights}, /* table */
    {1143, &rights}, /* column */
    {1146, &no_table},

    /* what the request asked for */
    {1022, &duplicate},
    {1062, &duplicate},
    {1169, &duplicate},
    {1586, &duplicate},
    {1451, &foreign},
    {1452, &foreign},
    {1048, &invalid},
    {1264, &invalid},
    {1292, &invalid},
    {1366, &invalid},
    {1406, &invalid},
    {1153, &too_large}, /* max_allowed_packet; the server closes the connection */
    {2020, &too_large},
};

const struct db_class *db_class_of(unsigned number)
{
    for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++)
        if (NUMBERS[i].number == number)
            return NUMBERS[i].class;
    return &other;
}
