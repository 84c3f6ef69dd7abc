#include "app/dispatch.h"

#include "access/access.h"
#include "app/operations.h"
#include "audit/audit.h"
#include "auth/activity.h"
#include "auth/auth.h"
#include "base/config.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "db/db.h"
#include "http/cors.h"
#include "http/form.h"
#include "resource/filter.h"
#include "resource/sql.h"
#include "resource/view.h"

#include <string.h>
#include <strings.h>

/* The largest body, in bytes, that is read before it is known who sends it. */
enum { UNKNOWN_MAX_BODY = 1024 * 1024 };

static const struct model *body_model(const struct route *r)
{
    if (r->op == OP_CREATE || r->op == OP_UPDATE)
        return r->resource->body;
    return r->body;
}

static bool json_content(const char *type)
{
    size_t len = strcspn(type, "; \t");
    if (len == 0)
        return true;
    if (len == 16 && strncasecmp(type, "application/json", 16) == 0)
        return true;
    return len > 17 && strncasecmp(type, "application/", 12) == 0 && strncasecmp(type + len - 5, "+json", 5) == 0;
}

/* Reads the body, if the route takes one. */
static int read_body(struct ctx *c)
{
    if (!body_model(c->route) && !(c->route->flags & R_BODY_BYTES))
        return OK;
    if (c->route->flags & R_PUBLIC && c->req.content_length > PUBLIC_MAX_BODY)
        return fail_detail(c, 413, "The body has %zu bytes; at most %d are accepted here", c->req.content_length,
                           PUBLIC_MAX_BODY);
    return request_read_body(c);
}

/* Whether the body is a document, which is JSON unless its sender says that it is something else. */
static bool is_document(const struct ctx *c)
{
    return body_model(c->route) && !(c->route->flags & (R_FORM | R_BODY_BYTES));
}

static bool is_json(const struct ctx *c)
{
    return is_document(c) && json_content(c->req.content_type);
}

/* A byte order mark before the text is passed over. */
static void skip_bom(struct ctx *c)
{
    if (c->req.body_len >= 3 && memcmp(c->req.body, "\xef\xbb\xbf", 3) == 0) {
        c->req.body += 3;
        c->req.body_len -= 3;
    }
}

/* Reads the body and checks its syntax, which takes no memory: whoever asks is told of an error at once and alone. */
static int read_syntax(struct ctx *c)
{
    struct json_error error;
    TRY(read_body(c));
    if (!is_document(c) || c->req.body_len == 0)
        return OK;
    skip_bom(c);
    if (!utf8_valid(c->req.body, c->req.body_len)) /* refusals repeat it, whatever it is */
        return fail_detail(c, 400, "The body is not UTF-8");
    if (!is_json(c) || json_check(c->req.body, c->req.body_len, &error))
        return OK;
    struct check *k = c->check = check_new(c->mem);
    struct loc body = {.name = "body"}, at = {.outer = &body, .index = error.at};
    k->at = &at;
    const char *ctx =
        arena_printf(c->mem, "{\"error\":\"%s\"}", strchr(error.message, '\\') ? "Invalid escape" : error.message);
    check_problem(k, NULL, "json_invalid", json_keep(c->mem, json_object_new_object()), ctx, "JSON decode error: %s",
                  error.message);
    return fail_check(c);
}

static void check_path(struct ctx *c)
{
    struct check *k = request_check(c);
    size_t len;
    const char *name;
    for (size_t i = 0; (name = route_param_name(c->route->path, i, &len)); i++) {
        if (c->route->params[i] != PARAM_ID)
            continue;
        struct loc path = {.name = "path"}, here = {.outer = &path, .name = arena_strndup(c->mem, name, len)};
        bool ok;
        k->at = &here;
        struct json_object *v = json_keep(c->mem, json_object_new_string(c->param[i]));
        struct json_object *checked = json_keep(c->mem, type_check(k, &T_UUID, NULL, v, &ok));
        char hex[UUID_HEX + 1];
        if (checked && uuid_read(json_object_get_string(checked), UUID_TEXT, hex))
            c->param[i] = arena_strdup(c->mem, hex);
    }
}

static struct json_object *pairs_object(struct ctx *c, const struct pair *pairs, size_t count, bool skip_empty)
{
    struct json_object *o = json_keep(c->mem, json_object_new_object());
    for (size_t i = 0; i < count; i++)
        if (!skip_empty || pairs[i].value_len)
            json_object_object_add(o, pairs[i].name,
                                   json_object_new_string_len(pairs[i].value, (int)pairs[i].value_len));
    return o;
}

static void check_query(struct ctx *c)
{
    static const struct field hydrate_true[] = {{"hydrate", &T_BOOL, "true", 0, 0}};
    static const struct field hydrate_false[] = {{"hydrate", &T_BOOL, "false", 0, 0}};
    static const struct model with_true = MODEL("hydrate", hydrate_true), with_false = MODEL("hydrate", hydrate_false);
    const unsigned flags = c->route->flags;
    const struct model *models[] = {flags & R_HYDRATE      ? &with_true
                                    : flags & R_NO_HYDRATE ? &with_false
                                                           : NULL,
                                    c->route->query};
    if (c->route->op == OP_LIST)
        filter_read(c);
    for (size_t i = 0; i < ARRAY_LEN(models); i++) {
        if (!models[i])
            continue;
        struct check *k = request_check(c);
        struct loc query = {.name = "query"};
        k->at = &query;
        struct json_object *given = pairs_object(c, c->req.query, c->req.query_count, false);
        struct json_object *v = model_check(k, models[i], given);
        if (!v)
            continue;
        if (!c->query)
            c->query = json_keep(c->mem, json_object_new_object());
        json_object_object_foreach(v, key, item) json_object_object_add(c->query, key, json_object_get(item));
    }
}

/* The body as an object of texts, for forms: urlencoded, anything else counts as empty. */
static int read_form(struct ctx *c)
{
    struct ctx form = {.mem = c->mem};
    enum form_fault fault = FORM_GOOD;
    if (strncasecmp(c->req.content_type, "application/x-www-form-urlencoded", 33) == 0)
        fault = form_read(&form, c->req.body, c->req.body_len);
    else if (strncasecmp(c->req.content_type, "multipart/form-data", 19) == 0)
        fault = form_read_multipart(&form, c->req.content_type, c->req.body, c->req.body_len);
    if (fault)
        return form_refuse(c, "form", 413, fault);
    c->raw = pairs_object(c, form.req.query, form.req.query_count, true);
    return OK;
}

/* Builds the tree of the body, which only those get who may ask. */
static int read_values(struct ctx *c)
{
    if (c->route->flags & R_FORM)
        return read_form(c);
    if (is_json(c) && c->req.body_len)
        c->raw = json_build(c->mem, c->req.body, c->req.body_len);
    return OK;
}

static void check_body(struct ctx *c)
{
    const struct model *m = body_model(c->route);
    if (!m)
        return;
    struct check *k = request_check(c);
    struct loc body = {.name = "body"};
    k->at = &body;
    if (c->route->flags & R_FORM) {
        c->body = model_check(k, m, c->raw);
        return;
    }
    if (!json_content(c->req.content_type) && c->req.body_len) {
        check_problem(k, NULL, "model_attributes_type",
                      json_keep(c->mem, json_object_new_string_len(c->req.body, (int)c->req.body_len)), NULL,
                      "Input should be a valid dictionary or object to extract fields from; send JSON with "
                      "Content-Type application/json");
        return;
    }
    if (!c->raw) {
        if (!(c->route->flags & R_BODY_OPTIONAL))
            check_problem(k, NULL, "missing", NULL, NULL, "Field required");
        return;
    }
    k->mode = streq(c->route->method, "PUT") ? CHECK_UPDATE : CHECK_CREATE;
    c->body = model_check(k, m, c->raw);
    k->mode = CHECK_CREATE;
}

static bool is_read(const struct ctx *c)
{
    return c->route->op == OP_LIST || c->route->op == OP_GET || c->route->flags & R_DEFER_AUTH;
}

static int run_handler(struct ctx *c)
{
    respond_reset(c);
    c->shown = NULL;
    c->found = false;
    if (is_read(c) && request_abandoned(c))
        return fail_abandoned(c);
    return c->route->handler(c);
}

/* Whether the handler reads before it needs to know more about the caller than the token says. Not when the request is
 * refused for its form anyway: the question about the caller would be the first statement, with none to go along with.
 * Nor with a control plane, which is asked about the caller before the handler runs. */
static bool may_defer_auth(const struct ctx *c)
{
    return is_read(c) && config.db_pipelining && !(c->check && c->check->count) && !access_decides();
}

static int find_caller(struct ctx *c)
{
    if (c->route->flags & R_PUBLIC)
        return OK;
    return sql_retrying(c, may_defer_auth(c) ? authenticate_deferred : authenticate);
}

/* A page somewhere else must not act with what a browser adds to its requests: a cookie, a password, the way in. */
static int refuse_foreign(struct ctx *c)
{
    static const char *const reading[] = {"GET", "HEAD", "OPTIONS"};
    for (size_t i = 0; i < ARRAY_LEN(reading); i++)
        if (streq(c->req.method, reading[i]))
            return OK;
    if (!c->auth || !c->auth->ambient || !cors_foreign(c))
        return OK;
    return fail(c, EX_ILLEGAL_OPERATION,
                "A page of another origin asked for this with the session of a browser; if it may, name its origin in "
                "ZENML_SERVER_CORS_ALLOW_ORIGINS");
}

/*
 * Nothing is answered, good or bad, to somebody who is not who he says: a deferred question about the caller is asked
 * here at the latest, and its 401 takes the place of whatever has been composed. Headers of that answer must not stay
 * on the 401 (a Location, a cookie), nor be lost when the caller is good: they are set aside meanwhile.
 */
static int authenticated_outcome(struct ctx *c, int rc)
{
    if (!c->auth || !c->auth->confirm)
        return rc;
    struct header *headers = c->res.headers; /* of a first refusal */
    c->res.headers = NULL;
    int proof = sql_retrying(c, sql_authenticate);
    c->res.headers = proof == OK ? headers : c->res.headers;
    return proof == OK ? rc : proof;
}

/* Large bodies are read when it is known who sends them: until then they stay where the web server has put them. */
static bool body_after_auth(const struct ctx *c)
{
    return !(c->route->flags & R_PUBLIC) && c->req.content_length > UNKNOWN_MAX_BODY;
}

/* The rest of the body, and the answer to all that is wrong with path, query and body. */
static int read_checked_body(struct ctx *c)
{
    if (body_after_auth(c))
        TRY(read_syntax(c));
    TRY(read_values(c));
    check_body(c);
    return c->check && c->check->count ? fail_check(c) : OK;
}

/*
 * The order is a contract (docs/contract/validation.md#order-of-checks) and a defence. What costs nothing comes first;
 * memory in proportion to the body is spent only on a caller who is known; problems of path, query and body are told
 * together, but to nobody who would have got a 401; permissions are asked about before the handler has begun, and about
 * what it loads before that is written (c->authorize_rows).
 */
static int handle_request(struct ctx *c, const struct app *app)
{
    TRY(route_find(c, app->groups, app->group_count));
    audit_request(c);
    if (!body_after_auth(c))
        TRY(read_syntax(c));
    check_path(c);
    check_query(c);
    if (request_abandoned(c))
        return fail_abandoned(c);
    TRY(find_caller(c));
    TRY(refuse_foreign(c));
    int rc = read_checked_body(c);
    if (rc != OK)
        return authenticated_outcome(c, rc);
    TRY(sql_retrying(c, access_before));
    TRY(authenticated_outcome(c, sql_retrying(c, run_handler)));
    return sql_retrying(c, access_after);
}

/* Only a request that went well to its end is answered as one that did: whatever else comes out of it has an answer of
 * its own, or gets one here, and nothing that has been written until then leaves. */
static int conclude(struct ctx *c, int rc)
{
    if (rc == OK) {
        if (c->res.status == UNANSWERED)
            c->res.status = 200;
        return OK;
    }
    if (rc == RETRY)
        return sql_unavailable(c);
    if (c->res.status == UNANSWERED) {
        log_error("%s %s: failed without an answer", c->req.method, c->req.path);
        return fail(c, EX_RUNTIME, "The server failed to handle the request");
    }
    return FAILED;
}

int dispatch(struct ctx *c, void *data)
{
    struct app *app = data;
    c->db = app->db;
    db_trace_begin(c->db);
    if (cors_preflight(c))
        return OK;
    int rc = audit_conclude(c, conclude(c, handle_request(c, app)));
    cors_answer(c);
    return rc;
}

void dispatch_finish(struct ctx *c, void *data)
{
    (void)data;
    operation_report(c);
    /* Nobody has asked for the caller after all. The announcement lies in this request's arena and is about its caller:
     * left alone, it would go along with the first statement of the next request, from memory that is another's. */
    if (c->db)
        db_prefetch(c->db, NULL, NULL, NULL, 0);
    if (c->after)
        c->after(c);
    activity_note(c);
    if (c->db)
        db_rollback(c->db);
}
