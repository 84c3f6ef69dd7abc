#include "prune/steps.h"

#include "audit/audit.h"
#include "base/text.h"
#include "model/model.h"
#include "resource/sql.h"
#include "resource/total.h"

#include <stdlib.h>

/* So many rows of one kind go along with their object in its own transaction. */
enum { FEW = 200 };

/* Rows of a table whose column names the object, so many in a transaction: they go, or they forget it. Whatever the
 * database knows of the table: walking along it would wait for rows that others have locked. */
#define IN(table, column, rows) .from = table " t WHERE t." column " = ?", .at_once = (rows)
#define GO(table, column, rows)                                                                                        \
    IN(table, column, rows), .change = "DELETE t FROM " table " t FORCE INDEX (PRIMARY) WHERE t.id IN %s"
#define FORGET(table, column)                                                                                          \
    IN(table, column, 500),                                                                                            \
        .change = "UPDATE " table " t FORCE INDEX (PRIMARY) SET t." column " = NULL WHERE t.id IN %s"

#define METADATA_OF_STEPS                                                                                              \
    "DELETE x FROM step_run s JOIN run_metadata x ON x.resource_id = s.id AND x.resource_type = 'step_run' "           \
    "WHERE s.pipeline_run_id IN %s"

/* What hangs on the rows of a resource, in the order in which it goes. */
static const struct part {
    const struct resource *of;
    const struct resource *res; /* what the rows are, if they have tags, metadata or entries of the audit log */
    const char *from;           /* behind FROM: the rows are `t`, and the id of the object comes behind it */
    const char *within;         /* what has to go before them and no foreign key takes along; NULL: nothing */
    const char *change;         /* what is done to them */
    unsigned at_once;           /* rows in a transaction */
} parts[] = {
    {&resource_run, &resource_step, GO("step_run", "pipeline_run_id", 100)},
    {&resource_deployment, &resource_run, GO("pipeline_run", "deployment_id", 20), .within = METADATA_OF_STEPS},
    {&resource_pipeline, NULL, FORGET("pipeline_run", "pipeline_id")},
    {&resource_pipeline, NULL, FORGET("pipeline_deployment", "pipeline_id")},
    {&resource_model_version, NULL, GO("model_versions_artifacts", "model_version_id", 500)},
    {&resource_model_version, NULL, GO("model_versions_runs", "model_version_id", 500)},
    {&resource_model_version, NULL, FORGET("step_run", "model_version_id")},
    {&resource_model_version, NULL, FORGET("pipeline_run", "model_version_id")},
    {&resource_model, NULL, GO("model_versions_artifacts", "model_id", 500)},
    {&resource_model, NULL, GO("model_versions_runs", "model_id", 500)},
    {&resource_model, &resource_model_version, GO("model_version", "model_id", 50)},
    {&resource_artifact, &resource_artifact_version, GO("artifact_version", "artifact_id", 50)},
    {&resource_workspace, NULL, GO("model_versions_artifacts", "workspace_id", 500)},
    {&resource_workspace, NULL, GO("model_versions_runs", "workspace_id", 500)},
    {&resource_workspace, NULL, GO("run_metadata", "workspace_id", 500)},
    {&resource_workspace, &resource_step, GO("step_run", "workspace_id", 100)},
    {&resource_workspace, &resource_run, GO("pipeline_run", "workspace_id", 20), .within = METADATA_OF_STEPS},
    {&resource_workspace, &resource_artifact_version, GO("artifact_version", "workspace_id", 50)},
    {&resource_workspace, &resource_model_version, GO("model_version", "workspace_id", 50)},
    {&resource_tag, NULL, GO("tag_resource", "tag_id", 500)},
};

/* What the transaction in hand is about. */
static struct {
    const struct part *part;
    const char *id; /* of the object */
    bool more;      /* there may be rows left */
} hand;

/* Tag links and metadata name what they belong to by type and id: no foreign key takes them along. */
static int detach(struct ctx *c, const struct part *p, const char *const *ids, size_t count)
{
    const struct resource *r = p->res;
    if (r && r->tag_type)
        TRY(sql_in(c, NULL, "DELETE FROM tag_resource WHERE resource_type = ? AND resource_id IN %s", ids, count,
                   SQL_PARAMS(p_text(r->tag_type))));
    if (r && r->metadata_type)
        TRY(sql_in(c, NULL, "DELETE FROM run_metadata WHERE resource_type = ? AND resource_id IN %s", ids, count,
                   SQL_PARAMS(p_text(r->metadata_type))));
    return p->within ? sql_in(c, NULL, p->within, ids, count, NULL, 0) : OK;
}

static int transaction(struct ctx *c)
{
    const struct part *p = hand.part;
    struct db_rows found;
    TRY(sql_begin(c));
    TRY(sql(c, &found, arena_printf(c->mem, "SELECT t.id FROM %s LIMIT %u FOR UPDATE", p->from, p->at_once),
            p_text(hand.id)));
    const char **ids = sql_first_column(c->mem, &found);
    TRY(detach(c, p, ids, found.count));
    TRY(sql_in(c, NULL, p->change, ids, found.count, NULL, 0));
    TRY(found.count ? total_deleted(c) : OK);
    if (p->res)
        audit_changed_all(c, p->res, ids, found.count, DELETED);
    hand.more = found.count == p->at_once;
    TRY(sql_commit(c));
    c->committed = false; /* the request may run again: it goes on where it was */
    return OK;
}

/* Which parts of the object have many rows, asked at once: *many has a bit for each. */
static int look(struct ctx *c, const char *id, unsigned *many)
{
    struct query *q = query_new(c->mem);
    struct db_rows found;
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].of == c->route->resource) {
            query_add(q, "%s (SELECT COUNT(*) FROM (SELECT 1 FROM %s LIMIT %d) x%zu)", n++ ? "," : "SELECT",
                      parts[i].from, FEW + 1, i);
            query_param(q, p_text(id));
        }
    TRY(query_run(c, q, &found));
    *many = 0;
    for (size_t i = 0, at = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].of == c->route->resource && strtoll(db_row(&found, 0)[at++].s, NULL, 10) > FEW)
            *many |= 1U << i;
    return OK;
}

static int delete_object(struct ctx *c)
{
    return resource_delete_row(c, hand.id);
}

int delete_in_steps(struct ctx *c)
{
    const struct resource *r = c->route->resource;
    unsigned many;
    const char *id;
    TRY(path_row(c, r, &id));
    TRY(r->may_delete ? r->may_delete(c, id) : OK);
    TRY(look(c, id, &many));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        hand.part = &parts[i];
        hand.id = id;
        hand.more = many & 1U << i;
        while (hand.more)
            TRY(sql_retrying(c, transaction));
    }
    return many ? sql_retrying(c, delete_object) : delete_object(c);
}
