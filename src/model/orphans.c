#include "model/orphans.h"

#include "base/text.h"
#include "resource/sql.h"

int orphans_delete_of_runs(struct ctx *c, const char *column, const char *id)
{
    static const char *const statements[] = {
        "DELETE x FROM pipeline_run r JOIN tag_resource x ON x.resource_id = r.id AND x.resource_type = 'pipeline_run'",
        "DELETE x FROM pipeline_run r JOIN run_metadata x ON x.resource_id = r.id AND x.resource_type = 'pipeline_run'",
        ("DELETE x FROM pipeline_run r JOIN step_run s ON s.pipeline_run_id = r.id "
         "JOIN run_metadata x ON x.resource_id = s.id AND x.resource_type = 'step_run'"),
    };
    for (size_t i = 0; i < ARRAY_LEN(statements); i++)
        TRY(sql(c, NULL, arena_printf(c->mem, "%s WHERE r.%s = ?", statements[i], column), p_text(id)));
    return OK;
}

int orphans_delete_of_versions(struct ctx *c, const char *kind, const char *column, const char *id)
{
    static const char *const tables[] = {"tag_resource", "run_metadata"};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        TRY(sql(c, NULL,
                arena_printf(c->mem,
                             "DELETE x FROM %s v JOIN %s x ON x.resource_id = v.id AND x.resource_type = '%s' "
                             "WHERE v.%s = ?",
                             kind, tables[i], kind, column),
                p_text(id)));
    return OK;
}
