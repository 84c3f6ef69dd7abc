#include "ctl/request.h"

#include "app/app.h"
#include "audit/audit.h"
#include "base/text.h"
#include "http/route.h"
#include "resource/resource.h"
#include "resource/sql.h"
#include "json/write.h"

#include <string.h>

enum { NOT_FOUND = 404 };

struct ctx request_begin(const struct ctl_call *call, const char *id)
{
    static const struct route none = {.method = "", .path = ""};
    struct ctx c = {.mem = call->mem, .db = call->db, .route = &none};
    c.req = (struct request){.method = "kansoctl", .path = call->command->name, .connection = -1};
    c.param[0] = id;
    audit_command(&c, call->command->name);
    return c;
}

void request_check_body(struct ctx *c, const struct model *model, bool update, struct json_object *body)
{
    struct check *k = request_check(c);
    k->mode = update ? CHECK_UPDATE : CHECK_CREATE;
    c->body = model_check(k, model, json_keep(c->mem, body));
}

/* The tree of the answer; NULL when there is none. */
static struct json_object *answer_of(struct ctx *c)
{
    return c->res.body.len ? json_tree(c->mem, c->res.body.data, c->res.body.len) : NULL;
}

static const char *text_at(struct json_object *list, size_t i)
{
    struct json_object *v = json_object_is_type(list, json_type_array) ? json_object_array_get_idx(list, i) : NULL;
    return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

/* What is wrong with the body first of all: where, and what. */
static const char *problem_text(struct ctx *c)
{
    const char *items = arena_printf(c->mem, "[%s]", c->check->problems.data);
    struct json_object *list = json_tree(c->mem, items, strlen(items));
    struct json_object *problem = list ? json_object_array_get_idx(list, 0) : NULL, *loc = member(problem, "loc"), *at;
    size_t len = json_object_is_type(loc, json_type_array) ? json_object_array_length(loc) : 0;
    at = len ? json_object_array_get_idx(loc, len - 1) : NULL;
    return arena_printf(c->mem, "%s: %s", at ? json_object_get_string(at) : "", member_str(problem, "msg"));
}

/* Why a step was refused: {"detail": "text"}, or {"detail": ["Class", "text"]} (docs/contract/validation.md#shapes). */
static const char *reason_of(struct ctx *c)
{
    struct json_object *detail = member(answer_of(c), "detail");
    const char *text =
        json_object_is_type(detail, json_type_string) ? json_object_get_string(detail) : text_at(detail, 1);
    return text ? text : "it was refused without a reason";
}

int request_run(struct ctx *c, int (*step)(struct ctx *))
{
    if (c->check && c->check->count)
        return ctl_fail("%s", problem_text(c));
    if (sql_retrying(c, step) == OK)
        return CTL_DONE;
    const char *reason = reason_of(c);
    return c->res.status == NOT_FOUND ? ctl_missing("%s", reason) : ctl_fail("%s", reason);
}

/* The handler begins with an empty answer each time, as in dispatch. */
static int run_handler(struct ctx *c)
{
    respond_reset(c);
    return c->route->handler(c);
}

int request_route(struct ctx *c, const char *method, const char *path, struct json_object *body)
{
    size_t groups = 0;
    while (all_groups[groups])
        groups++;
    c->req.method = method;
    c->req.path = path;
    c->req.path_len = strlen(path);
    if (route_find(c, all_groups, groups) != OK)
        return ctl_fail("%s", reason_of(c));
    const struct model *model = c->route->body ? c->route->body : c->route->resource->body;
    if (body)
        request_check_body(c, model, streq(method, "PUT"), body);
    return request_run(c, run_handler);
}

const char *request_answer(struct ctx *c, const char *section, const char *name)
{
    struct json_object *answer = answer_of(c);
    return member_str(section ? member(answer, section) : answer, name);
}
