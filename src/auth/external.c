#include "auth/external.h"

#include "auth/server.h"
#include "base/config.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "http/fetch.h"
#include "model/user.h"

#include <string.h>
#include <strings.h>

enum { TIMEOUT_MS = 10000 };

const char *external_token(struct ctx *c)
{
    const char *cookie = config.external_cookie_name ? request_cookie(c, config.external_cookie_name) : NULL;
    if (cookie && *cookie)
        return cookie;
    const char *header = request_header(c, "HTTP_AUTHORIZATION");
    return header && strncasecmp(header, "bearer ", 7) == 0 && header[7] ? header + 7 : NULL;
}

static int refuse(struct ctx *c, const char *why)
{
    return fail(c, EX_AUTHORIZATION, "%s", why);
}

static int trouble(struct ctx *c)
{
    return refuse(c, "The external authenticator could not be asked who you are");
}

static int strange(struct ctx *c)
{
    return refuse(c, "The external authenticator answered something that is not understood");
}

static const char *info_url(struct ctx *c, const char *server)
{
    char text[UUID_TEXT + 1];
    uuid_write(server, text);
    const char *base = config.external_user_info_url;
    base = strchr(base, '?') ? base : arena_printf(c->mem, "%s?", base);
    return query_append(c->mem, base, "server_id", text);
}

static int ask(struct ctx *c, const char *token, struct fetched *answer)
{
    const char *server;
    char given[UUID_HEX + 1];
    int rc = server_id_of(c, &server);
    if (rc != OK)
        return rc;
    if (config.external_server_id && uuid_read(config.external_server_id, strlen(config.external_server_id), given))
        server = given;
    const char *headers[] = {arena_printf(c->mem, "Authorization: Bearer %s", token), NULL};
    if (strpbrk(token, "\r\n"))
        return refuse(c, "Not authorized to access this server");
    struct fetch f = {
        .method = "GET", .url = info_url(c, server), .headers = headers, .timeout_ms = TIMEOUT_MS, .redirects = true};
    *answer = fetch(c->mem, &f);
    if (answer->failure == FETCH_DONE && answer->status >= 200 && answer->status < 300)
        return OK;
    log_warn("external authenticator: %s, status %ld", answer->error, answer->status);
    if (answer->failure == FETCH_DONE && (answer->status == 401 || answer->status == 403))
        return refuse(c, "Not authorized to access this server");
    if (answer->failure == FETCH_DONE && answer->status == 404)
        return refuse(c, "The external authenticator does not know this server");
    return trouble(c);
}

static const struct field USER_FIELDS[] = {
    {"id", &T_UUID, NULL, 0, REQ},
    {"email", &T_STRING, NULL, 255, REQ},
    {"name", &T_STRING, NULL, 255, NUL},
    {"is_admin", &T_BOOL, "false", 0, 0},
};
static const struct model USER = MODEL("external_user", USER_FIELDS);

int external_login(struct ctx *c, const char *token, char id[33])
{
    struct fetched answer = {0};
    char hex[UUID_HEX + 1];
    int rc = ask(c, token, &answer);
    if (rc != OK)
        return rc;
    struct json_object *user = json_tree(c->mem, answer.body, answer.len);
    user = json_object_is_type(user, json_type_object) ? model_check(check_new(c->mem), &USER, user) : NULL;
    if (!user || !uuid_read(member_str(user, "id"), strlen(member_str(user, "id")), hex))
        return strange(c);
    struct external_user e = {.id = hex,
                              .email = member_str(user, "email"),
                              .name = member_str(user, "name"),
                              .is_admin = member_bool(user, "is_admin")};
    return user_from_external(c, &e, id);
}
