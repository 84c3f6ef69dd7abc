#include "model/onboarding.h"

#include "base/text.h"
#include "base/timestamp.h"
#include "resource/sql.h"
#include "json/write.h"

#define SELECT_STATE "SELECT onboarding_state FROM server_settings LIMIT 1"

/* The steps reached so far: a list, owned by the arena. */
static int read_state(struct ctx *c, const char *text, struct json_object **state)
{
    struct db_rows rows;
    TRY(sql0(c, &rows, text));
    struct db_value v = rows.count ? *db_row(&rows, 0) : (struct db_value){0};
    *state = v.s ? json_tree(c->mem, v.s, v.len) : NULL;
    if (!json_object_is_type(*state, json_type_array))
        *state = json_keep(c->mem, json_object_new_array());
    return OK;
}

static bool contains(struct json_object *state, const char *step)
{
    for (size_t i = 0; i < json_object_array_length(state); i++)
        if (streq(json_object_get_string(json_object_array_get_idx(state, i)), step))
            return true;
    return false;
}

static bool contains_all(struct json_object *state, const char *const *steps)
{
    while (*steps && contains(state, *steps))
        steps++;
    return !*steps;
}

int onboarding_add(struct ctx *c, const char *const *steps)
{
    struct json_object *state;
    TRY(read_state(c, SELECT_STATE, &state));
    if (contains_all(state, steps)) /* nearly always: no lock then */
        return OK;
    TRY(read_state(c, SELECT_STATE " FOR UPDATE", &state));
    for (; *steps; steps++)
        if (!contains(state, *steps))
            json_object_array_add(state, json_object_new_string(*steps));
    const char *now = stamp_made(c->mem);
    return sql(c, NULL, "UPDATE server_settings SET onboarding_state = ?, updated = ?",
               p_text(json_text(c->mem, state, true)), p_text(now));
}

bool orchestrator_is_remote(const char *flavor)
{
    return !streq(flavor, "local") && !streq(flavor, "local_docker");
}

int onboarding_get(struct ctx *c)
{
    struct json_object *state;
    TRY(read_state(c, SELECT_STATE, &state));
    struct jw w = respond_json(c);
    jw_value(&w, state);
    return OK;
}
