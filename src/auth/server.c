#include "auth/server.h"

#include "auth/token.h"
#include "base/config.h"
#include "base/uuid.h"
#include "resource/sql.h"

#include <string.h>

int server_id_of(struct ctx *c, const char **hex)
{
    static char known[UUID_HEX + 1];
    if (!*known) {
        struct db_rows rows;
        TRY(sql0(c, &rows,
                 "SELECT id, (SELECT value FROM kanso_meta WHERE name = 'signing_key') FROM server_settings "
                 "LIMIT 1"));
        if (rows.count == 0)
            return fail(c, EX_RUNTIME, "The database has no server settings: run kansoctl migrate");
        if (!config.jwt_secret_key && db_row(&rows, 0)[1].s)
            token_derive_key(c->mem, db_row(&rows, 0)[1].s, db_password(c->db));
        memcpy(known, db_row(&rows, 0)[0].s, UUID_HEX + 1);
    }
    *hex = known;
    return OK;
}

const char *cookie_name(struct ctx *c, const char *server_id)
{
    char text[UUID_TEXT + 1];
    if (config.auth_cookie_name)
        return config.auth_cookie_name;
    uuid_write(server_id, text);
    return arena_printf(c->mem, "zenml-server-%s", text);
}
