#include "artifact/logs.h"

#include "artifact/store.h"
#include "base/uuid.h"
#include "model/model.h"

static const struct field fields[] = {
    {"offset", &T_INT, "0", 0, 0},
    {"length", &T_INT, "16777216", 0, 0},
};
const struct model STEP_LOGS_QUERY = MODEL("step_logs", fields);

int step_logs(struct ctx *c)
{
    struct db_rows found;
    TRY(sql(c, &found,
            "SELECT l.uri, l.artifact_store_id FROM step_run t LEFT JOIN logs l ON l.step_run_id = t.id "
            "WHERE t.id = ? ORDER BY l.created, l.kanso_order LIMIT 1",
            p_text(c->param[0])));
    if (found.count == 0)
        return no_such_row(c, EX_KEY, &resource_step, c->param[0]);
    const struct db_value *v = db_row(&found, 0);
    if (!v[0].s)
        return fail_detail(c, 404, "This step has no logs");
    struct store store;
    struct span bytes;
    TRY(store_find(c, v[1].s, &store));
    TRY(store_read_part(c, &store, v[0].s, json_object_get_int64(member(c->query, "offset")),
                        json_object_get_int64(member(c->query, "length")), &bytes));
    struct span text = store_text(c->mem, bytes);
    struct jw w = respond_json(c);
    jw_strn(&w, text.s, text.len);
    return OK;
}
