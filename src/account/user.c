/* Users. Service accounts live in the same table and are shown as users where something refers to them. */
#include "account/user.h"

#include "audit/audit.h"
#include "auth/auth.h"
#include "auth/limit.h"
#include "auth/password.h"
#include "auth/session.h"
#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "resource/filter.h"
#include "resource/total.h"

#include <stdlib.h>
#include <string.h>

/* A fresh activation token hangs on its user's row; stored ones are hashes and never shown. */
static void show_token(const struct cell *at, struct jw *w)
{
    jw_str(w, at->row->data);
}

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    {.name = "active", .enc = E_BOOL, .section = S_BODY, .filter = F_BOOL},
    {.name = "activation_token", .section = S_BODY, .show = show_token, .schema = "string<255?"},
    {.name = "full_name", .section = S_BODY, .filter = F_STRING},
    {.name = "email_opted_in", .enc = E_BOOL, .section = S_BODY, .filter = F_BOOL},
    {.name = "is_service_account", .enc = E_BOOL, .section = S_BODY},
    {.name = "is_admin", .enc = E_BOOL, .section = S_BODY},
    {.name = "email", .section = S_META, .sql = "NULL", .schema = "?=\"\""},
    {.name = "external_user_id", .enc = E_UUID, .section = S_META, .filter = F_UUID},
    {.name = "user_metadata",
     .enc = E_JSON,
     .section = S_META,
     .null_as = "{}",
     .flags = C_EMPTY_NULL,
     .schema = "={}"},
    COL_NAME,
};

static const struct filter filters[] = {
    {.name = "email", .cls = F_STRING, .column = "t.email"},
};

static const struct field create_fields[] = {
    {"email", &T_STRING, NULL, 255, NUL | HOOK},
    {"email_opted_in", &T_BOOL, NULL, 0, NUL},
    {"password", &T_STRING, NULL, 255, NUL | HOOK},
    {"activation_token", &T_STRING, NULL, 255, NUL | HOOK},
    {"external_user_id", &T_UUID, NULL, 0, NUL},
    {"user_metadata", &T_MAP_ANY, NULL, 0, NUL},
    {"name", &T_STRING, NULL, 255, REQ},
    {"full_name", &T_STRING, "\"\"", 255, 0},
    {"is_admin", &T_BOOL, NULL, 0, REQ},
    {"active", &T_BOOL, "false", 0, 0},
};
static const struct model create_body = MODEL("user", create_fields, .extra = EXTRA_FORBID);

/* An address given means that its owner opts in; opting in needs an address. */
static void email_rule(struct check *k, struct json_object *v)
{
    bool email = member(v, "email");
    if (email && !member(v, "email_opted_in"))
        json_object_object_add(v, "email_opted_in", json_object_new_boolean(true));
    if (!email && member_bool(v, "email_opted_in"))
        check_problem(k, NULL, "value_error", v, NULL,
                      "Value error, opting in with an email address needs the address");
}

static const struct field update_fields[] = {
    {"email", &T_STRING, NULL, 255, UPD | HOOK},
    {"email_opted_in", &T_BOOL, NULL, 0, UPD},
    {"password", &T_STRING, NULL, 255, UPD | HOOK},
    {"activation_token", &T_STRING, NULL, 255, UPD | HOOK},
    {"external_user_id", &T_UUID, NULL, 0, UPD},
    {"user_metadata", &T_MAP_ANY, NULL, 0, UPD},
    {"name", &T_STRING, NULL, 255, UPD},
    {"full_name", &T_STRING, NULL, 255, UPD},
    {"is_admin", &T_BOOL, NULL, 0, UPD},
    {"active", &T_BOOL, NULL, 0, UPD},
    {"old_password", &T_STRING, NULL, 255, UPD},
};
const struct model USER_UPDATE = MODEL("UserUpdate", update_fields, .after = email_rule);

/* Lists hold users only; without RBAC, those who are no administrators see only themselves. */
static int scope(struct ctx *c, struct filter_query *f)
{
    filter_scope(f, "t.is_service_account = 0", NULL, 0);
    TRY(sql_authenticate(c));
    if (!c->auth->is_admin && !config.rbac_source)
        filter_scope(f, "t.id = ?", SQL_PARAMS(p_text(c->auth->user_id)));
    return OK;
}

const struct resource resource_user = {
    .name = "user",
    .label = "user",
    .title = "User",
    .table = "user",
    COLUMNS(columns),
    FILTERS(filters),
    .body = &create_body,
    .flags = X_SMALL,
    .rank = RANK_USER,
    .unique = {.columns = {"name", "is_service_account"}, .error = EX_ENTITY_EXISTS, .on_update = true},
    .scope = scope,
};

bool users_managed(void)
{
    return config.auth_scheme != SCHEME_EXTERNAL;
}

/* Accounts ------------------------------------------------------------------------------------------------------- */

struct account {
    const char *id, *name, *password, *token; /* the latter two are hashes, or NULL */
    bool active, admin, service;
};

#define SELECT_ACCOUNT                                                                                                 \
    "SELECT id, name, password, activation_token, active, is_admin, is_service_account FROM user WHERE "

static struct account read_account(const struct db_value *v)
{
    return (struct account){v[0].s, v[1].s, v[2].s, v[3].s, *v[4].s != '0', *v[5].s != '0', *v[6].s != '0'};
}

/* By id any account, by name users only; out->id stays NULL when there is none. */
static int look_up_account(struct ctx *c, const char *name_or_id, struct account *out)
{
    char hex[UUID_HEX + 1];
    struct db_rows rows;
    bool by_id = uuid_read(name_or_id, strlen(name_or_id), hex);
    *out = (struct account){0};
    TRY(sql(c, &rows, by_id ? SELECT_ACCOUNT "id = ?" : SELECT_ACCOUNT "is_service_account = 0 AND name = ?",
            p_text(by_id ? hex : name_or_id)));
    if (rows.count)
        *out = read_account(db_row(&rows, 0));
    return OK;
}

static int find_account(struct ctx *c, const char *name_or_id, struct account *out)
{
    TRY(look_up_account(c, name_or_id, out));
    return out->id ? OK : no_such_row(c, EX_KEY, &resource_user, name_or_id);
}

/* Locks the account that is to change and, where somebody asks for it, the caller's, in the order of their ids, and
 * looks at both anew: what is decided from here to the commit holds. Of two administrators who take each other's
 * rights away, the second finds here that he has none left. */
static int lock_accounts(struct ctx *c, struct account *u)
{
    struct db_rows rows;
    const char *caller = c->auth ? c->auth->user_id : u->id, *id = u->id;
    TRY(sql(c, &rows, SELECT_ACCOUNT "id IN (?, ?) ORDER BY id FOR UPDATE", p_text(id), p_text(caller)));
    u->id = NULL;
    for (size_t i = 0; i < rows.count; i++)
        if (streq(db_row(&rows, i)[0].s, id))
            *u = read_account(db_row(&rows, i));
    if (c->auth)
        TRY(auth_confirm(c));
    return u->id ? OK : no_such_row(c, EX_KEY, &resource_user, id);
}

static bool is_caller(const struct ctx *c, const struct account *u)
{
    return streq(u->id, c->auth->user_id);
}

/* With RBAC the control plane decides instead. */
static int need_admin(struct ctx *c, const char *what)
{
    TRY(sql_authenticate(c));
    if (!c->auth->is_admin && !config.rbac_source)
        return fail(c, EX_ILLEGAL_OPERATION, "Without RBAC, only administrators may %s", what);
    return OK;
}

/* Finds the account of the path, for what only administrators may do to others. With KANSO_STRICT nobody else learns
 * whether there is one. */
static int find_other(struct ctx *c, struct account *out, const char *what)
{
    TRY(look_up_account(c, c->param[0], out));
    if (!out->id && config.strict)
        TRY(need_admin(c, what));
    return out->id ? OK : no_such_row(c, EX_KEY, &resource_user, c->param[0]);
}

/* Service accounts have endpoints of their own. */
static int need_user(struct ctx *c, const struct account *u)
{
    return u->service ? fail(c, EX_KEY, "There is no user with the id %s: it belongs to a service account", u->id) : OK;
}

int respond_user(struct ctx *c, const char *id, unsigned detail, const char *token)
{
    return respond_row_with(c, &resource_user, id, detail, arena_strdup(c->mem, token));
}

int user_get(struct ctx *c)
{
    struct account u = {0};
    TRY(find_other(c, &u, "get other users"));
    if (!is_caller(c, &u))
        TRY(need_admin(c, "get other users"));
    return respond_user(c, u.id, member_bool(c->query, "hydrate") ? D_META : D_BODY, NULL);
}

int user_current(struct ctx *c)
{
    struct db_rows private;
    TRY(sql(c, &private, "SELECT email, external_user_id, user_metadata FROM user WHERE id = ?",
            p_text(c->auth->user_id)));
    TRY(sql_authenticate(c));
    struct view *v = view_new(c);
    struct row *row = view_add(v, &resource_user, c->auth->user_id, D_BODY, c->auth->row->values);
    const char *names[] = {"email", "external_user_id", "user_metadata"};
    for (size_t i = 0; private.count && i < ARRAY_LEN(names); i++)
        row->values[resource_column(&resource_user, names[i]) - columns] = db_row(&private, 0)[i];
    struct jw w = respond_json(c);
    view_write(v, &w, row, D_META);
    return OK;
}

/* Creating ------------------------------------------------------------------------------------------------------- */

/* Assigns the hash of a secret to a column; a NULL secret is SQL NULL. */
static int set_hash(struct write *w, const char *col, struct json_object *secret)
{
    const char *problem = password_problem(secret);
    if (problem)
        return fail(w->c, EX_INVALID_VALUE, "%s", problem);
    write_set(w, col, p_text(secret ? password_hash(w->c->mem, json_object_get_string(secret)) : NULL));
    return OK;
}

int user_add(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_user, .body = c->body};
    struct json_object *password = member(c->body, "password"), *code = member(c->body, "activation_token");
    const char *token = NULL;
    if (!password) {
        token = secret_token(c->mem, 32);
        code = json_keep(c->mem, json_object_new_string(token));
    }
    TRY(set_hash(&w, "password", password));
    TRY(set_hash(&w, "activation_token", code));
    write_set(&w, "active", p_int(password != NULL));
    write_set(&w, "is_service_account", p_text("0"));
    write_set(&w, "email", p_text(member_str(c->body, "email")));
    TRY(write_create(&w));
    return respond_user(c, w.id, D_META, token);
}

int user_create(struct ctx *c)
{
    TRY(need_admin(c, "create users"));
    return user_add(c);
}

int user_create_admin(struct ctx *c, const char *name, const char *hash, char id[33])
{
    struct write w = {.c = c, .res = &resource_user};
    write_set(&w, "name", p_text(name));
    write_set(&w, "full_name", p_text(""));
    write_set(&w, "password", p_text(hash));
    write_set(&w, "active", p_int(1));
    write_set(&w, "is_admin", p_int(1));
    write_set(&w, "is_service_account", p_text("0"));
    TRY(write_add(&w));
    memcpy(id, w.id, sizeof w.id);
    return OK;
}

/* Changing ------------------------------------------------------------------------------------------------------- */

int keep_an_admin(struct ctx *c, const char *id, const char *what)
{
    struct db_rows admins;
    if (c->auth && c->auth->is_admin && !streq(c->auth->user_id, id))
        return OK; /* the caller stays one, and his row is locked */
    TRY(sql0(c, &admins,
             "SELECT id FROM user WHERE is_admin = 1 AND active = 1 AND is_service_account = 0 ORDER BY id LIMIT 2 "
             "FOR UPDATE"));
    if (admins.count == 1 && streq(db_row(&admins, 0)[0].s, id))
        return fail(c, EX_ILLEGAL_OPERATION, "This is the only administrator and cannot be %s", what);
    return OK;
}

/* Assigns those of the named members that the body holds. */
static int assign(struct write *w, const char *const *names)
{
    for (; *names; names++) {
        struct json_object *v = member(w->body, *names);
        if (!member_given(w->body, *names) || (!v && streq(*names, "user_metadata")))
            continue;
        if (streq(*names, "password"))
            TRY(set_hash(w, "password", v));
        else
            write_set(w, *names, encode_value(w->c->mem, resource_column(&resource_user, *names), v));
    }
    return OK;
}

static bool demotes(const struct write *w)
{
    for (size_t i = 0; i < w->set_count; i++)
        if (streq(w->set[i].col, "is_admin"))
            return w->set[i].value.n == 0;
    return false;
}

/* Writes the assignments, within a transaction, with the name kept unique and an administrator left. */
static int save_within(struct write *w, const struct account *u)
{
    struct ctx *c = w->c;
    const char *name = write_get(w, "name");
    if (u->admin && demotes(w))
        TRY(keep_an_admin(c, u->id, "demoted"));
    TRY(write_lock(w, u->id));
    bool renamed = name && !streq(name, row_str(w->old, "name"));
    if (renamed)
        TRY(write_unique(w));
    TRY(write_flush_update(w));
    return renamed ? write_release_key(w, &resource_user.unique) : OK;
}

/* Decides about a change under the locks of lock_accounts(): `was` is the account as it was read before, `now` as it
 * is. What takes long, bcrypt above all, has been done with `was` and counts if it is still so. */
typedef int (*decision)(struct write *w, const struct account *was, const struct account *now);

static int save(struct write *w, const struct account *was, decision decide)
{
    struct account now = *was;
    TRY(need_user(w->c, was));
    TRY(sql_begin(w->c));
    TRY(lock_accounts(w->c, &now));
    TRY(decide(w, was, &now));
    TRY(save_within(w, &now));
    return sql_commit(w->c);
}

static int wrong_password(struct ctx *c)
{
    return fail(c, EX_ILLEGAL_OPERATION, "The current password is not the one given");
}

/* One's password is changed with the old one, and guessing that is limited. */
static int check_old_password(struct ctx *c, const struct account *u)
{
    const char *old = member_str(c->body, "old_password");
    if (!is_caller(c, u))
        return fail(c, EX_ILLEGAL_OPERATION,
                    "The password of another user cannot be changed; deactivate the user, who then "
                    "chooses one with the activation token");
    if (!old)
        return fail(c, EX_ILLEGAL_OPERATION, "To change the password, the current one is needed as old_password");
    const char *problem = password_problem(member(c->body, "old_password"));
    TRY(limit_count(c, LIMIT_PASSWORD_CHANGE, u->id));
    if (problem)
        return fail(c, EX_INVALID_VALUE, "%s", problem);
    if (!password_matches(old, u->password))
        return wrong_password(c);
    return limit_reset(c, LIMIT_PASSWORD_CHANGE, u->id);
}

/* The old password that was compared is still the one. */
static int same_password(struct write *w, const struct account *was, const struct account *now)
{
    return member(w->body, "password") && !streq(was->password, now->password) ? wrong_password(w->c) : OK;
}

/* A change of a right that is more than a repetition of what holds. */
static int check_right(struct ctx *c, const struct account *u, const char *name, bool now, bool *change)
{
    struct json_object *wanted = member(c->body, name);
    *change = wanted && json_object_get_boolean(wanted) != now;
    if (!*change)
        return OK;
    if (is_caller(c, u))
        return fail(c, EX_ILLEGAL_OPERATION, "Nobody can change %s of the own account", name);
    if (!c->auth->is_admin)
        return fail(c, EX_ILLEGAL_OPERATION, "Only administrators may change %s of other accounts", name);
    return OK;
}

static int may_update(struct ctx *c, const struct account *u)
{
    return is_caller(c, u) ? OK : need_admin(c, "update other users");
}

/* `active` is accepted and not applied: see deactivate. */
static int decide_update(struct write *w, const struct account *was, const struct account *now)
{
    struct ctx *c = w->c;
    bool new_admin = false, new_active = false;
    TRY(may_update(c, now));
    TRY(same_password(w, was, now));
    TRY(check_right(c, now, "is_admin", now->admin, &new_admin));
    TRY(check_right(c, now, "active", now->active, &new_active));
    if (!is_caller(c, now) && (member(c->body, "email") || member(c->body, "email_opted_in")))
        return fail(c, EX_ILLEGAL_OPERATION, "The email address of another user cannot be changed");
    if (new_admin)
        write_set(w, "is_admin", p_int(member_bool(c->body, "is_admin")));
    return OK;
}

int user_update(struct ctx *c)
{
    const char *names[] = {"name", "full_name", "user_metadata", member(c->body, "password") ? "password" : NULL, NULL};
    struct write w = {.c = c, .res = &resource_user, .body = c->body};
    struct account u = {0};
    TRY(find_other(c, &u, "update other users"));
    TRY(may_update(c, &u));
    if (member(c->body, "password"))
        TRY(check_old_password(c, &u));
    TRY(assign(&w, names));
    TRY(save(&w, &u, decide_update));
    return respond_user(c, u.id, D_META, NULL);
}

int user_update_current(struct ctx *c)
{
    const char *names[] = {"name",  "full_name",      "user_metadata",
                           "email", "email_opted_in", member(c->body, "password") ? "password" : NULL,
                           NULL};
    struct write w = {.c = c, .res = &resource_user, .body = c->body};
    struct account u = {0};
    audit_about(c, &resource_user, c->auth->user_id, c->auth->name);
    TRY(find_account(c, c->auth->user_id, &u));
    if (member(c->body, "password"))
        TRY(check_old_password(c, &u));
    TRY(assign(&w, names));
    TRY(save(&w, &u, same_password));
    return respond_user(c, u.id, D_META, NULL);
}

int user_email_opt_in(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_user, .body = c->body};
    struct account u = {0};
    char own[UUID_TEXT + 1];
    uuid_write(c->auth->user_id, own);
    bool others = !streq(own, c->param[0]);
    if (!(others && config.strict))
        TRY(find_account(c, c->param[0], &u));
    if (others)
        return fail(c, EX_AUTHORIZATION, "Nobody can opt in for another user; the path must hold your own id");
    struct json_object *in = member(c->body, "email_opted_in");
    write_set(&w, "email", p_text(member_str(c->body, "email")));
    write_set(&w, "email_opted_in", in ? p_int(json_object_get_boolean(in)) : p_null());
    TRY(save(&w, &u, same_password));
    return respond_user(c, u.id, D_META, NULL);
}

static int wrong_token(struct ctx *c)
{
    return fail(c, EX_AUTHORIZATION, "Authentication error: this is not the activation token of the user %s",
                c->param[0]);
}

static int check_activation(struct ctx *c, const struct account *u)
{
    if (config.strict && (u->active || !u->token))
        return wrong_token(c);
    if (u->active || !u->token)
        return fail(c, EX_INVALID_VALUE,
                    "There is nothing to activate: the user is active, or has no activation token");
    return OK;
}

/* A token works once, and not after another one has taken its place. */
static int decide_activation(struct write *w, const struct account *was, const struct account *now)
{
    TRY(check_activation(w->c, now));
    return !streq(was->token, now->token) ? wrong_token(w->c) : OK;
}

/* Each comparison is counted, for the account by whatever the client calls it. */
static int compare_token(struct ctx *c, const char *token, const char *hash, const char *account)
{
    TRY(limit_count(c, LIMIT_ACTIVATION, account));
    if (request_abandoned(c))
        return fail_abandoned(c);
    return password_matches(token, hash) ? limit_reset(c, LIMIT_ACTIVATION, account) : wrong_token(c);
}

/* With KANSO_STRICT whoever has not the right token learns nothing of whether there is such an account, and in what
 * state: neither from the answer nor from its time. */
static int open_strictly(struct ctx *c, const struct account *u)
{
    const char *token = member_str(c->body, "activation_token"),
               *hash = u->id && !u->service && !u->active ? u->token : NULL;
    return compare_token(c, token ? token : "", hash, c->param[0]);
}

/* Whether the token is the account's. Service accounts have none. */
static int open_activation(struct ctx *c, const struct account *u)
{
    const char *token = member_str(c->body, "activation_token");
    if (!token)
        return fail(c, EX_AUTHORIZATION, "Authentication error: an activation token is needed");
    if (u->service)
        return wrong_token(c);
    TRY(check_activation(c, u));
    return compare_token(c, token, u->token, u->id);
}

int user_activate(struct ctx *c)
{
    static const char *const applied[] = {"name",           "full_name",     "password", "email",
                                          "email_opted_in", "user_metadata", NULL};
    struct write w = {.c = c, .res = &resource_user, .body = c->body};
    struct account u = {0};
    TRY(config.strict ? look_up_account(c, c->param[0], &u) : find_account(c, c->param[0], &u));
    if (u.id)
        audit_about(c, &resource_user, u.id, u.name);
    TRY(config.strict ? open_strictly(c, &u) : open_activation(c, &u));
    audit_actor(c, &(struct actor){.kind = "user", .id = u.id, .name = u.name, .credential = "activation"});
    write_set(&w, "active", p_int(1));
    write_set(&w, "activation_token", p_null());
    TRY(assign(&w, applied));
    TRY(save(&w, &u, decide_activation));
    return respond_user(c, u.id, D_META, NULL);
}

static int may_deactivate(struct ctx *c, const struct account *u)
{
    if (is_caller(c, u))
        return fail(c, EX_ILLEGAL_OPERATION, "Nobody can deactivate the own account");
    return need_admin(c, "deactivate users");
}

static int end_sessions(struct write *w, const struct account *was, const struct account *now)
{
    (void)was;
    return session_end_account(w->c, now->id);
}

static int keep_another_admin(struct write *w, const struct account *was, const struct account *now)
{
    TRY(end_sessions(w, was, now));
    return now->admin ? keep_an_admin(w->c, now->id, "deactivated") : OK;
}

static int decide_deactivation(struct write *w, const struct account *was, const struct account *now)
{
    TRY(may_deactivate(w->c, now));
    return keep_another_admin(w, was, now);
}

static int deactivate(struct ctx *c, const struct account *u, decision decide)
{
    struct write w = {.c = c, .res = &resource_user};
    const char *token = secret_token(c->mem, 32);
    write_set(&w, "active", p_int(0));
    write_set(&w, "activation_token", p_text(password_hash(c->mem, token)));
    TRY(save(&w, u, decide));
    return respond_user(c, u->id, D_META, token);
}

int user_deactivate(struct ctx *c)
{
    struct account u = {0};
    TRY(find_other(c, &u, "deactivate users"));
    TRY(may_deactivate(c, &u));
    return deactivate(c, &u, decide_deactivation);
}

/* What an operator does ------------------------------------------------------------------------------------------ */

static int decide_anything(struct write *w, const struct account *was, const struct account *now)
{
    (void)w;
    (void)was;
    (void)now;
    return OK;
}

int user_set_password(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_user, .body = c->body};
    struct account u = {0};
    TRY(find_account(c, c->param[0], &u));
    TRY(set_hash(&w, "password", member(c->body, "password")));
    TRY(save(&w, &u, end_sessions));
    return respond_user(c, u.id, D_META, NULL);
}

static int activate(struct ctx *c, const struct account *u)
{
    struct write w = {.c = c, .res = &resource_user};
    if (!u->password && users_managed())
        return fail(c, EX_ILLEGAL_OPERATION, "The user %s has no password yet, and could not sign in", u->name);
    write_set(&w, "active", p_int(1));
    write_set(&w, "activation_token", p_null());
    TRY(save(&w, u, decide_anything));
    return respond_user(c, u->id, D_META, NULL);
}

int user_set_active(struct ctx *c)
{
    struct account u = {0};
    TRY(find_account(c, c->param[0], &u));
    return member_bool(c->body, "active") ? activate(c, &u) : deactivate(c, &u, keep_another_admin);
}

int user_set_admin(struct ctx *c)
{
    struct write w = {.c = c, .res = &resource_user};
    struct account u = {0};
    TRY(find_account(c, c->param[0], &u));
    write_set(&w, "is_admin", p_int(member_bool(c->body, "is_admin")));
    TRY(save(&w, &u, decide_anything));
    return respond_user(c, u.id, D_META, NULL);
}

/* Deleting ------------------------------------------------------------------------------------------------------- */

int account_owns(struct ctx *c, const char *id, bool *owns)
{
    static const char *const tables[] = {"stack",
                                         "stack_component",
                                         "flavor",
                                         "action",
                                         "event_source",
                                         "pipeline",
                                         "schedule",
                                         "pipeline_run",
                                         "step_run",
                                         "pipeline_build",
                                         "artifact_version",
                                         "run_metadata",
                                         "secret",
                                         "trigger",
                                         "pipeline_deployment",
                                         "code_repository",
                                         "service",
                                         "service_connector",
                                         "model",
                                         "model_version",
                                         "model_versions_artifacts",
                                         "model_versions_runs"};
    struct query *q = query_new(c->mem);
    struct db_rows rows;
    query_add(q, "SELECT EXISTS (SELECT 1 FROM action WHERE service_account_id = ?)");
    query_param(q, p_text(id));
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        query_add(q, " OR EXISTS (SELECT 1 FROM `%s` WHERE user_id = ?)", tables[i]);
        query_param(q, p_text(id));
    }
    TRY(query_run(c, q, &rows));
    *owns = *db_row(&rows, 0)[0].s != '0';
    return OK;
}

static int may_delete(struct ctx *c, const struct account *u)
{
    if (is_caller(c, u))
        return fail(c, EX_ILLEGAL_OPERATION, "Nobody can delete the own account; let another administrator do it");
    TRY(need_admin(c, "delete users"));
    return need_user(c, u);
}

static int delete_account(struct ctx *c, struct account *u)
{
    bool owns = false;
    TRY(sql_begin(c));
    TRY(lock_accounts(c, u));
    TRY(may_delete(c, u));
    if (u->admin)
        TRY(keep_an_admin(c, u->id, "deleted"));
    TRY(account_owns(c, u->id, &owns));
    if (owns)
        return fail(c, EX_ILLEGAL_OPERATION, "The user %s owns things and cannot be deleted before they are", u->name);
    TRY(sql(c, NULL, "DELETE FROM auth_devices WHERE user_id = ?", p_text(u->id)));
    TRY(sql(c, NULL, "DELETE FROM user WHERE id = ?", p_text(u->id)));
    TRY(total_deleted(c));
    audit_changed(c, &resource_user, u->id, u->name, DELETED);
    return sql_commit(c);
}

int user_delete(struct ctx *c)
{
    struct account u = {0};
    TRY(find_other(c, &u, "delete users"));
    TRY(may_delete(c, &u));
    TRY(delete_account(c, &u));
    return respond_null(c);
}

/* External users ------------------------------------------------------------------------------------------------- */

static int store_external(struct write *w, const char *external_id)
{
    struct ctx *c = w->c;
    struct db_rows rows = {0};
    struct account u = {0};
    TRY(name_guard(c, "user", "external", external_id));
    TRY(sql(c, &rows,
            "SELECT id FROM user WHERE external_user_id = ? AND is_service_account = 0 ORDER BY created, "
            "kanso_order LIMIT 1",
            p_text(external_id)));
    if (rows.count) {
        TRY(find_account(c, db_row(&rows, 0)[0].s, &u));
        TRY(save_within(w, &u));
    } else {
        write_set(w, "is_service_account", p_text("0"));
        TRY(write_add(w));
    }
    return name_guard_release(c, "user", "external", external_id);
}

int user_from_external(struct ctx *c, const struct external_user *e, char id[33])
{
    struct write w = {.c = c, .res = &resource_user};
    write_set(&w, "name", p_text(e->email));
    write_set(&w, "full_name", p_text(e->name ? e->name : ""));
    write_set(&w, "email", p_text(e->email));
    write_set(&w, "email_opted_in", p_int(1));
    write_set(&w, "active", p_int(1));
    write_set(&w, "is_admin", p_int(e->is_admin));
    write_set(&w, "external_user_id", p_text(e->id));
    TRY(store_external(&w, e->id));
    memcpy(id, w.id, sizeof w.id);
    return OK;
}
