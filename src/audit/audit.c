#include "audit/audit.h"

#include "base/config.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "http/client.h"
#include "resource/view.h"

#include <openssl/sha.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_CHARACTERS = 255, ADDRESS_MAX_CHARACTERS = 64 };
enum { WELL = 200, FIRST_REFUSAL = 400, FIRST_FAILURE = 500, TAKEN = 409 }; /* statuses */

static const char *const EFFECTS[] = {[CREATED] = "created", [UPDATED] = "updated", [DELETED] = "deleted"};

/* An object of a row. */
struct object {
    const char *type, *id, *name;
    const char *effect; /* NULL: it was not changed */
};

struct audit {
    struct arena *mem;     /* of the whole request: a handler may work in another one for a while */
    char id[UUID_HEX + 1]; /* of its first row: the same however often the request is tried */
    const char *operation;
    bool job;                /* not a request: only what it changes is recorded */
    const struct actor *who; /* as audit_actor() said; NULL: c->auth knows */
    struct actor behalf;     /* of a job */
    struct object about;     /* as audit_about() said */
    bool wanted;             /* the request is one of those that are recorded whatever they change */
    bool tried;              /* a secret was tried */
    int status;              /* what came of it, once that is known */
    bool written, committed; /* rows: within the open transaction; for good */
    struct object *changes;  /* of the open transaction */
    size_t count, room;
};

static const struct recorder recorder;

/* Beginning ------------------------------------------------------------------------------------------------------ */

static struct audit *begin(struct ctx *c, const char *operation)
{
    struct audit *a = c->audit = arena_alloc(c->mem, sizeof *a);
    uuid_new(a->id);
    a->mem = c->mem;
    a->operation = operation;
    c->recorder = &recorder;
    return a;
}

static bool only_reads(const struct route *r)
{
    return streq(r->method, "GET") && !(r->flags & (R_CREDENTIALS | R_AUDITED));
}

void audit_request(struct ctx *c)
{
    if (!config.audit)
        return;
    struct audit *a = begin(c, arena_printf(c->mem, "%s %s", c->route->method, c->route->path));
    a->wanted = !only_reads(c->route);
}

void audit_job(struct ctx *c, const char *kind, const char *credential, const char *credential_id)
{
    if (!config.audit)
        return;
    struct audit *a = begin(c, arena_printf(c->mem, "job %s", kind));
    a->job = true;
    a->behalf = (struct actor){.kind = "server", .credential = credential, .credential_id = credential_id};
}

/* Who has started this program. */
static const char *operator_name(struct arena *a)
{
    const struct passwd *user = getpwuid(getuid());
    const char *name = user ? user->pw_name : arena_printf(a, "%u", (unsigned)getuid()), *by = getenv("SUDO_USER");
    return by && *by && getuid() == 0 ? arena_printf(a, "%s (sudo by %s)", name, by) : arena_strdup(a, name);
}

void audit_command(struct ctx *c, const char *name)
{
    if (!config.audit)
        return;
    begin(c, arena_printf(c->mem, "kansoctl %s", name))->job = true;
    audit_actor(c, &(struct actor){.kind = "operator", .name = operator_name(c->mem)});
}

/* Noting --------------------------------------------------------------------------------------------------------- */

void audit_changed(struct ctx *c, const struct resource *r, const char *id, const char *name, enum change change)
{
    audit_changed_row(c, r->name, id, name, change);
}

void audit_changed_row(struct ctx *c, const char *type, const char *id, const char *name, enum change change)
{
    struct audit *a = c->audit;
    if (!a)
        return;
    a->changes = arena_grow(a->mem, a->changes, a->count, &a->room, sizeof *a->changes);
    a->changes[a->count++] = (struct object){.type = type,
                                             .id = arena_strdup(a->mem, id),
                                             .name = name ? arena_strdup(a->mem, name) : NULL,
                                             .effect = EFFECTS[change]};
}

void audit_changed_all(struct ctx *c, const struct resource *r, const char *const *ids, size_t count,
                       enum change change)
{
    for (size_t i = 0; i < count; i++)
        audit_changed(c, r, ids[i], NULL, change);
}

/* The entry is written when the request is over; what it is told may be on a stack that is gone by then. */
void audit_actor(struct ctx *c, const struct actor *who)
{
    struct arena *mem = c->audit ? c->audit->mem : NULL;
    if (!mem)
        return;
    const struct actor own = {.kind = arena_strdup(mem, who->kind),
                              .id = arena_strdup(mem, who->id),
                              .name = arena_strdup(mem, who->name),
                              .credential = arena_strdup(mem, who->credential),
                              .credential_id = arena_strdup(mem, who->credential_id)};
    c->audit->who = arena_memdup(mem, &own, sizeof own);
}

int audit_account(struct ctx *c, const char *id, const char *credential, const char *credential_id)
{
    struct db_rows rows;
    struct actor who = {.kind = "user", .id = id, .credential = credential, .credential_id = credential_id};
    if (!c->audit)
        return OK;
    TRY(sql(c, &rows, "SELECT name, is_service_account FROM user WHERE id = ?", p_text(id)));
    if (rows.count)
        who.name = db_row(&rows, 0)[0].s;
    if (rows.count && *db_row(&rows, 0)[1].s != '0')
        who.kind = "service_account";
    audit_actor(c, &who);
    return OK;
}

void audit_tried(struct ctx *c)
{
    if (c->audit)
        c->audit->tried = true;
}

void audit_untried(struct ctx *c)
{
    if (c->audit)
        c->audit->tried = false;
}

void audit_about(struct ctx *c, const struct resource *r, const char *id, const char *name)
{
    if (c->audit)
        c->audit->about = (struct object){
            .type = r->name, .id = arena_strdup(c->audit->mem, id), .name = arena_strdup(c->audit->mem, name)};
}

/* Who, and what about -------------------------------------------------------------------------------------------- */

static struct actor of_auth(const struct auth *auth)
{
    struct actor who = {.kind = auth->is_service_account ? "service_account" : "user",
                        .id = auth->user_id,
                        .name = auth->name,
                        .credential = auth->token                            ? "token"
                                      : config.auth_scheme == SCHEME_NO_AUTH ? NULL
                                                                             : "password"};
    const struct {
        const char *id, *kind;
    } proofs[] = {{auth->session_id, "session"}, {auth->device_id, "device"}, {auth->api_key_id, "api_key"}};
    for (size_t i = 0; i < ARRAY_LEN(proofs); i++)
        if (proofs[i].id) {
            who.credential = proofs[i].kind;
            who.credential_id = proofs[i].id;
        }
    return who;
}

/* Who asks; without a kind: nobody knows. */
static struct actor actor_of(const struct ctx *c)
{
    const struct audit *a = c->audit;
    if (a->who)
        return *a->who;
    if (!c->auth || c->auth->confirm)
        return a->behalf;
    struct actor who = of_auth(c->auth);
    if (a->job) {
        who.credential = a->behalf.credential;
        who.credential_id = a->behalf.credential_id;
    }
    return who;
}

static struct object named(struct ctx *c, const struct resource *r, size_t param)
{
    char hex[UUID_HEX + 1];
    const char *text = c->param[param];
    struct object o = {.type = r->name};
    if (!text)
        return o;
    if (uuid_read(text, strlen(text), hex))
        o.id = arena_strdup(c->mem, hex);
    else
        o.name = text;
    return o;
}

static size_t last_param(const struct ctx *c)
{
    size_t n = 0;
    while (n + 1 < MAX_PATH_PARAMS && c->param[n + 1])
        n++;
    return n;
}

/* What the route says it is about. */
static struct object object_of_route(struct ctx *c)
{
    const struct route *r = c->route;
    if (r->op == OP_GET || r->op == OP_UPDATE || r->op == OP_DELETE)
        return named(c, r->resource, last_param(c));
    for (const struct need *n = r->needs; n && n->type; n++)
        if (r->op == OP_OTHER && (n->of == NEED_PATH || n->of == NEED_PATH_2))
            return named(c, n->type, n->of == NEED_PATH ? 0 : 1);
    const struct resource *type = r->resource ? r->resource : r->needs ? r->needs->type : NULL;
    return (struct object){.type = type ? type->name : NULL, .name = c->body ? member_str(c->body, "name") : NULL};
}

/* The name of a row of an answer, if it has one. */
static const char *shown_name(const struct row *row)
{
    const struct column *col = resource_column(row->res, "name");
    return col && !col->show ? row->values[col - row->res->columns].s : NULL;
}

/* What a request is about that has changed nothing. What it answers tells more than its route. */
static struct object object_of_request(struct ctx *c, bool well)
{
    struct object o = c->audit->about.type ? c->audit->about : object_of_route(c);
    if (well && c->route->op != OP_LIST && c->shown && (!o.type || streq(o.type, c->shown->res->name))) {
        const char *name = shown_name(c->shown);
        o = (struct object){.type = c->shown->res->name, .id = c->shown->id, .name = name ? name : o.name};
    }
    return o;
}

/* The names of the members that the body has, as it was sent: what its model has added is not the sender's. */
static const char *fields_of(struct ctx *c)
{
    const struct model *m = c->route && c->route->op == OP_UPDATE ? c->route->resource->body : NULL;
    const char *list = NULL;
    if (!m && c->route && !(c->route->flags & R_FORM))
        m = c->route->body;
    for (size_t i = 0; m && json_object_is_type(c->raw, json_type_object) && i < m->count; i++)
        if (member_given(c->raw, m->fields[i].name))
            list = list ? arena_printf(c->mem, "%s, %s", list, m->fields[i].name) : m->fields[i].name;
    return list;
}

/* Rows ----------------------------------------------------------------------------------------------------------- */

#define MORE_MARKS ", ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

static const char INSERT[] =
    "INSERT INTO kanso_audit (id, created, updated, operation, outcome, status, actor, user_id, user_name, credential, "
    "credential_id, address, request_id, object_type, object_id, object_name, effect, fields, counted) VALUES";

/* A text as far as its column holds it; NULL when it is none. */
static struct db_param clipped(struct arena *mem, const char *s, size_t characters)
{
    size_t len = s ? strlen(s) : 0, seen = 0, at = 0;
    if (!s || !utf8_valid(s, len))
        return p_null();
    for (; at < len; at++)
        if (((unsigned char)s[at] & 0xc0) != 0x80 && seen++ == characters)
            break;
    return at == len ? p_textn(s, len) : p_textn(arena_strndup(mem, s, at), at);
}

static const char *outcome_of(int status)
{
    return status < FIRST_REFUSAL ? "done" : status < FIRST_FAILURE ? "refused" : "failed";
}

/* What all rows of a request share. */
struct record {
    struct actor who;
    const char *operation, *address, *request_id;
    int status;
};

static void fill(struct arena *mem, struct sql_values *to, const char *id, const struct record *r,
                 const struct object *o, const char *fields, const char *counted)
{
    char now[STAMP_LEN + 1];
    stamp_now(now);
    struct db_param at = p_text(arena_strdup(mem, now));
    const struct db_param values[] = {p_text(id),
                                      at,
                                      at,
                                      p_text(r->operation),
                                      p_text(outcome_of(r->status)),
                                      p_int(r->status),
                                      p_text(r->who.kind),
                                      p_text(r->who.id),
                                      clipped(mem, r->who.name, NAME_MAX_CHARACTERS),
                                      p_text(r->who.credential),
                                      p_text(r->who.credential_id),
                                      clipped(mem, r->address, ADDRESS_MAX_CHARACTERS),
                                      clipped(mem, r->request_id, ADDRESS_MAX_CHARACTERS),
                                      p_text(o->type),
                                      p_text(o->id),
                                      clipped(mem, o->name, NAME_MAX_CHARACTERS),
                                      p_text(o->effect),
                                      p_text(fields),
                                      p_text(counted)};
    sql_add_row(mem, to, values, ARRAY_LEN(values));
}

static struct record record_of(struct ctx *c, int status)
{
    const struct audit *a = c->audit;
    return (struct record){.who = actor_of(c),
                           .operation = a->operation,
                           .address = a->job ? NULL : client_address(c),
                           .request_id = request_id(c),
                           .status = status};
}

/* The rows of one record, an object each, in one statement (or few, of thousands of objects). */
static int insert(struct ctx *c, const struct record *r, const struct object *objects, size_t count)
{
    const struct audit *a = c->audit;
    const char *fields = fields_of(c);
    struct sql_values rows = {.room = count};
    for (size_t i = 0; i < count; i++) {
        const char *id = i == 0 && !a->committed ? a->id : uuid_made(c->mem);
        bool of_body = !objects[i].effect || streq(objects[i].effect, EFFECTS[UPDATED]);
        fill(c->mem, &rows, id, r, &objects[i], of_body ? fields : NULL, NULL);
    }
    return sql_insert(c, INSERT, &rows, "");
}

/* Strangers ------------------------------------------------------------------------------------------------------ */

static const char *digest(struct ctx *c, const char *hour, const char *text)
{
    enum { BYTES = 11 };
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)text, strlen(text), hash);
    return arena_printf(c->mem, "%s%s", hour, hex_encode(c->mem, hash, BYTES));
}

/* Whoever is not known must not fill the table: what is the same within an hour is one row that counts, and there are
 * so many of those. The hour stands at the beginning of `counted`, so they are found by the unique key. */
static int insert_counted(struct ctx *c, struct record *r, struct object *o)
{
    char now[STAMP_LEN + 1];
    struct db_rows rows;
    struct sql_values row = {.room = 1};
    stamp_now(now);
    const char *hour = arena_printf(c->mem, "%.4s%.2s%.2s%.2s", now, now + 5, now + 8, now + 11);
    const char *about = arena_printf(c->mem, "%s %d", r->operation, r->status),
               *key = digest(
                   c, hour, arena_printf(c->mem, "%s %s %s", about, o->id ? o->id : "-", r->address ? r->address : ""));
    TRY(sql(c, &rows, "SELECT COUNT(*), COALESCE(SUM(counted = ?), 0) FROM kanso_audit WHERE counted LIKE ?",
            p_text(key), p_text(arena_printf(c->mem, "%s%%", hour))));
    if (strtoll(db_row(&rows, 0)[0].s, NULL, 10) >= AUDIT_STRANGERS && *db_row(&rows, 0)[1].s == '0') {
        key = digest(c, hour, about);
        r->address = NULL;
        *o = (struct object){0};
    }
    fill(c->mem, &row, uuid_made(c->mem), r, o, NULL, key);
    return sql_insert(c, INSERT, &row, "ON DUPLICATE KEY UPDATE times = times + 1, updated = VALUES(updated)");
}

/* Transactions --------------------------------------------------------------------------------------------------- */

static void begun(struct ctx *c)
{
    c->audit->count = 0;
    c->audit->written = false;
}

static int before_commit(struct ctx *c)
{
    struct audit *a = c->audit;
    if (a->count == 0 && (!a->wanted || a->committed))
        return OK;
    struct record r = record_of(c, c->res.status ? c->res.status : WELL);
    struct object one = a->count ? a->changes[0] : object_of_request(c, true);
    if (!r.who.kind && !a->count)
        return OK;
    if (!r.who.kind)
        TRY(insert_counted(c, &r, &one));
    else
        TRY(insert(c, &r, a->count ? a->changes : &one, a->count ? a->count : 1));
    a->written = true;
    return OK;
}

static void committed(struct ctx *c)
{
    c->audit->committed = c->audit->committed || c->audit->written;
    begun(c);
}

static const struct recorder recorder = {audit_changed, begun, before_commit, committed};

int audit_begin_single(struct ctx *c)
{
    return c->audit ? sql_begin(c) : OK;
}

int audit_commit_single(struct ctx *c)
{
    return c->audit ? sql_commit(c) : OK;
}

/* The end of a request ------------------------------------------------------------------------------------------- */

/* By itself: there is no change that it could go along with. */
static int record_outcome(struct ctx *c)
{
    const struct audit *a = c->audit;
    struct record r = record_of(c, a->status);
    struct object o = object_of_request(c, a->status < FIRST_REFUSAL);
    TRY(sql_failed(c, db_room(c->db)));
    return r.who.kind ? insert(c, &r, &o, 1) : insert_counted(c, &r, &o);
}

/* Whether something is to be said that no change has said. What a stranger asks for is nobody's doing, unless he tries
 * a secret and is refused. */
static bool has_outcome(const struct ctx *c, int rc)
{
    const struct audit *a = c->audit;
    if (rc == OK && a->committed)
        return false;
    return actor_of(c).kind ? a->wanted : a->tried && rc != OK;
}

/* In a context of its own, so that the answer stays what it is. The row has the id that the request's first one has: if
 * that is there, a COMMIT whose outcome nobody knew has taken effect, and said what there is to say. */
static bool outcome_recorded(struct ctx *c)
{
    struct ctx own = *c;
    own.res = (struct response){0};
    own.committed = false;
    int rc = sql_retrying(&own, record_outcome);
    bool there = rc == OK || own.res.status == TAKEN;
    if (!there)
        log_error("%s %s: the audit log could not be written: %s", c->req.method, c->req.path,
                  own.res.body.data ? own.res.body.data : "");
    buf_free(&own.res.body);
    return there;
}

int audit_conclude(struct ctx *c, int rc)
{
    struct audit *a = c->audit;
    if (!a || a->job || !has_outcome(c, rc))
        return rc;
    a->status = c->res.status ? c->res.status : WELL;
    db_rollback(c->db);
    if (outcome_recorded(c) || rc != OK)
        return rc;
    respond_reset(c);
    return fail(c, EX_UNAVAILABLE,
                "The audit log could not be written, and without that this is not done; try again later");
}

/* Operators ------------------------------------------------------------------------------------------------------ */

enum db_status audit_operator(struct db *db, struct arena *a, const char *operation, const char *object_type,
                              const char *object_id, const char *object_name, const char *effect)
{
    struct sql_values row = {.room = 1};
    const struct record r = {
        .who = {.kind = "operator", .name = operator_name(a)}, .operation = operation, .status = WELL};
    const struct object o = {.type = object_type, .id = object_id, .name = object_name, .effect = effect};
    if (!config.audit)
        return DB_OK;
    fill(a, &row, uuid_made(a), &r, &o, NULL, NULL);
    return db_run(db, a, NULL, arena_printf(a, "%s (?%s)", INSERT, MORE_MARKS), row.params, row.columns);
}

/* Retention ------------------------------------------------------------------------------------------------------ */

enum db_status audit_sweep(struct db *db, struct arena *a, bool *more)
{
    enum { AT_ONCE = 1000 };
    struct db_rows rows;
    const struct db_param params[] = {p_int(config.audit_days), p_int(AT_ONCE)};
    *more = false;
    if (!config.audit_days)
        return DB_OK;
    enum db_status s =
        db_run(db, a, &rows,
               "DELETE FROM kanso_audit WHERE created < UTC_TIMESTAMP() - INTERVAL ? DAY ORDER BY created, kanso_order "
               "LIMIT ?",
               params, ARRAY_LEN(params));
    *more = s == DB_OK && rows.affected == AT_ONCE;
    return s;
}
