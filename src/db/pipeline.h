/*
 * Statements that are sent before the answer to an earlier one has been read. The driver has no public call for that:
 * this is the only file that reaches into its private parts. Written for MariaDB Connector/C 3.3 and 3.4.
 */
#ifndef KANSO_DB_PIPELINE_H
#define KANSO_DB_PIPELINE_H

#include <mysql.h>
#include <stdbool.h>

/* Whether the driver that has been loaded is one that this was written for. */
bool can_pipeline(void);

/* Sends a statement whose parameters are bound, without waiting for its answer. */
bool stmt_send(MYSQL *conn, MYSQL_STMT *stmt);

/* Reads what the server has to say to a statement that was only sent; answers come in the order of sending. */
bool stmt_receive(MYSQL *conn, MYSQL_STMT *stmt);

#endif
