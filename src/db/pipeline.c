#include "db/pipeline.h"

/* Of the driver, as mysql_get_client_version() writes versions. */
enum { SINCE = 30300, BEFORE = 30500 };

bool can_pipeline(void)
{
    unsigned long loaded = mysql_get_client_version();
    return loaded >= SINCE && loaded < BEFORE;
}

bool stmt_send(MYSQL *conn, MYSQL_STMT *stmt)
{
    my_bool on = 1, off = 0;
    mysql_optionsv(conn, MARIADB_OPT_SKIP_READ_RESPONSE, &on);
    bool sent = mysql_stmt_execute(stmt) == 0;
    mysql_optionsv(conn, MARIADB_OPT_SKIP_READ_RESPONSE, &off);
    return sent;
}

bool stmt_receive(MYSQL *conn, MYSQL_STMT *stmt)
{
    return conn->methods->db_read_execute_response(stmt) == 0;
}
