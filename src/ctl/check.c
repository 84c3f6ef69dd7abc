/* kansoctl check and default-user: what scripts/kanso wants to know before it stops or says anything. */
#include "auth/password.h"
#include "base/config.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "ctl/plan.h"
#include "db/migrate.h"
#include "template/workload.h"

#include <stdio.h>
#include <string.h>

/* Whether the database can be reached. One that is not there yet is made at the next start. */
static const char *reach(struct arena *a, const struct db_url *url)
{
    struct migration m = {.db = db_new(url), .mem = a, .url = url};
    bool there = db_ready(m.db) == DB_OK;
    const char *problem = there || migrate_lacks_database(&m) ? NULL : migrate_trouble(&m);
    if (there)
        ctl_warn_packet(m.db);
    db_free(m.db);
    return problem;
}

/* Templates that cannot be run are no reason not to start. */
static void warn_of_workloads(void)
{
    const struct workload_manager *m = workload_manager();
    struct buf why = {0};
    if (m && m->check(&why) != OK)
        fprintf(stderr, "kanso: warning: templates cannot be run: %s\n", why.data ? why.data : m->name);
    buf_free(&why);
}

static int check(const struct ctl_call *call)
{
    struct db_url url;
    struct plan plan;
    const char *problem = plan_from_env(call->mem, &plan);
    if (!problem && ctl_env("ZENML_STORE_URL", NULL)) {
        problem = db_url_from_env(call->mem, &url);
        if (!problem && ctl_option(call, "connect") && !ctl_database_is_private())
            problem = reach(call->mem, &url);
    }
    if (problem)
        return ctl_fail("%s", problem);
    warn_of_workloads();
    return CTL_DONE;
}

const struct ctl_command ctl_check = {
    .name = "check",
    .summary = "say what is wrong with the settings",
    .synopsis = "[--connect]",
    .details = "Says in one line what is wrong with the settings, if anything, and warns when templates\n"
               "cannot be run.\n",
    .options = {{"connect", NULL,
                 "also whether the database of ZENML_STORE_URL can be reached;\n"
                 "a private database is left alone"}},
    .of_instance = true,
    .configured = true,
    .run = check,
};

/* One word about the user of ZENML_DEFAULT_USER_NAME; NULL when the database does not say. */
static const char *login_of(struct db *db, struct arena *a)
{
    struct db_rows r;
    struct db_param name = p_text(config.default_user);
    if (db_run(db, a, &r, "SELECT password, active FROM `user` WHERE is_service_account = 0 AND name = ?", &name, 1) !=
        DB_OK)
        return NULL;
    if (!r.count)
        return "missing";
    const struct db_value *user = db_row(&r, 0);
    bool active = !streq(user[1].s, "0");
    return active && password_matches(config.default_password, user[0].s) ? "fits" : "differs";
}

static const struct ctl_column columns[] = {{"password", CTL_TEXT, 0}, {NULL}};

static int default_user(const struct ctl_call *call)
{
    const char *word = login_of(call->db, call->mem);
    if (!word)
        return ctl_db_failed(call);
    ctl_row(call, &(struct db_value){word, strlen(word)});
    return CTL_DONE;
}

const struct ctl_command ctl_default_user = {
    .name = "default-user",
    .summary = "say whether the configured password of the first user fits",
    .details = "Whether ZENML_DEFAULT_USER_PASSWORD signs ZENML_DEFAULT_USER_NAME in: prints `fits`, `differs`,\n"
               "or `missing` when there is no such user in the database of ZENML_STORE_URL.\n",
    .columns = columns,
    .single = true,
    .bare = true,
    .of_instance = true,
    .configured = true,
    .connects = true,
    .run = default_user,
};
