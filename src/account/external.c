#include "account/external.h"

#include "account/user.h"
#include "auth/server.h"
#include "base/config.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "http/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { TIMEOUT_MS = 5000, EXTERNAL_CALLS = 2, TURN_MS = 500, PAUSE_MS = 10 };

/* A slow authenticator must not hold up all workers that serve logins: of those on one socket, EXTERNAL_CALLS may be
 * waiting for it at a time. Each of these turns is a lock on a byte of the listening socket, which the workers share
 * and nobody else has; it ends with the process at the latest. Returns the turn, or -1 when all are taken. */
static int take_lock(void)
{
    for (int waited = 0; waited < TURN_MS; waited += PAUSE_MS) {
        for (int turn = 0; turn < EXTERNAL_CALLS; turn++) {
            struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = turn, .l_len = 1};
            if (fcntl(STDIN_FILENO, F_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES))
                return turn;
        }
        usleep(PAUSE_MS * 1000);
    }
    return -1;
}

static void release_lock(int turn)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = turn, .l_len = 1};
    fcntl(STDIN_FILENO, F_SETLK, &lock);
}

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

static int fail_unavailable(struct ctx *c)
{
    return refuse(c, "The external authenticator could not be asked who you are");
}

static int fail_bad_answer(struct ctx *c)
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
    TRY(server_id_of(c, &server));
    if (config.external_server_id && uuid_read(config.external_server_id, strlen(config.external_server_id), given))
        server = given;
    const char *headers[] = {arena_printf(c->mem, "Authorization: Bearer %s", token), NULL};
    if (strpbrk(token, "\r\n"))
        return refuse(c, "Not authorized to access this server");
    struct fetch f = {
        .method = "GET", .url = info_url(c, server), .headers = headers, .timeout_ms = TIMEOUT_MS, .redirects = true};
    if (request_abandoned(c))
        return fail_abandoned(c);
    int turn = take_lock();
    if (turn < 0)
        return fail(c, EX_UNAVAILABLE, "The external authenticator is slow, and others wait for it already; try again");
    *answer = fetch(c->mem, &f);
    release_lock(turn);
    if (answer->failure == FETCH_OK && answer->status >= 200 && answer->status < 300)
        return OK;
    log_warn("external authenticator: %s, status %ld", answer->error, answer->status);
    if (answer->failure == FETCH_OK && (answer->status == 401 || answer->status == 403))
        return refuse(c, "Not authorized to access this server");
    if (answer->failure == FETCH_OK && answer->status == 404)
        return refuse(c, "The external authenticator does not know this server");
    return fail_unavailable(c);
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
    TRY(ask(c, token, &answer));
    struct json_object *user = json_tree(c->mem, answer.body, answer.len);
    user = json_object_is_type(user, json_type_object) ? model_check(check_new(c->mem), &USER, user) : NULL;
    if (!user || !uuid_read(member_str(user, "id"), strlen(member_str(user, "id")), hex))
        return fail_bad_answer(c);
    struct external_user e = {.id = hex,
                              .email = member_str(user, "email"),
                              .name = member_str(user, "name"),
                              .is_admin = member_bool(user, "is_admin")};
    TRY(sql_begin(c));
    return user_from_external(c, &e, id);
}
