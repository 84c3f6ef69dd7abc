/*
 * Every resource, and the order in which a view loads them: a resource comes before all that its rows refer to, so that
 * each is fetched once. `load` hooks may ask for anything of a later rank.
 */
#ifndef KANSO_MODEL_MODEL_H
#define KANSO_MODEL_MODEL_H

#include "resource/resource.h"
#include "resource/view.h"

enum rank {
    RANK_AUDIT_ENTRY,
    RANK_TRIGGER,
    RANK_EVENT_SOURCE,
    RANK_ACTION,
    RANK_SERVICE,
    RANK_MV_ARTIFACT,
    RANK_MV_RUN,
    RANK_TEMPLATE,
    RANK_RUN,
    RANK_STEP,
    RANK_DEPLOYMENT,
    RANK_BUILD,
    RANK_SCHEDULE,
    RANK_MODEL_VERSION,
    RANK_MODEL,
    RANK_ARTIFACT_VERSION,
    RANK_ARTIFACT,
    RANK_VISUALIZATION,
    RANK_LOGS,
    RANK_PIPELINE,
    RANK_STACK,
    RANK_COMPONENT,
    RANK_CONNECTOR,
    RANK_FLAVOR,
    RANK_TRIGGER_EXECUTION, /* body only: refers to nothing */
    RANK_CODE_REFERENCE,
    RANK_CODE_REPOSITORY,
    RANK_SECRET,
    RANK_API_KEY,
    RANK_DEVICE,
    RANK_SERVICE_ACCOUNT,
    RANK_SETTINGS,
    RANK_METADATA, /* read for rows of many kinds, after all of them */
    RANK_TAG,      /* likewise */
    RANK_USER,
    RANK_WORKSPACE,
    RANK_END,
};
_Static_assert((int)RANK_END <= (int)MAX_RANK, "more resources than a view has room for");

extern const struct resource resource_workspace, resource_user, resource_flavor, resource_component, resource_stack,
    resource_pipeline, resource_build, resource_deployment, resource_schedule, resource_run, resource_step,
    resource_artifact, resource_artifact_version, resource_visualization, resource_logs, resource_run_metadata,
    resource_tag, resource_model, resource_model_version, resource_mv_artifact, resource_mv_run,
    resource_code_repository, resource_code_reference, resource_secret, resource_service, resource_connector,
    resource_trigger_execution, resource_trigger, resource_action, resource_event_source, resource_settings,
    resource_run_template, resource_audit_entry;

/* Checked words that several resources use. */
extern const struct type T_COMPONENT_TYPE, T_EXECUTION_STATUS;
extern const char *const COMPONENT_TYPES[], *const EXECUTION_STATUSES[];

enum { SLOT_TAGS, SLOT_METADATA };
_Static_assert((int)SLOT_METADATA < (int)SLOT_FIRST, "slots that resources use for links of their own");

/* What hangs on rows of several kinds. */
#define COL_TAGS(where)                                                                                                \
    {                                                                                                                  \
        .name = "tags", .section = (where), .many = &resource_tag, .schema = "[TagResponse]"                           \
    }
/* In a filter: what is compared is a column of the row `x` that has this id, or of what is joined with it. */
#define OF_ROW(tables, id) .sql = "EXISTS (SELECT 1 FROM " tables " WHERE x." id " AND %s)"
#define OF_REPOSITORY(deployment)                                                                                      \
    OF_ROW("pipeline_deployment x JOIN code_reference y ON y.id = x.code_reference_id", deployment)
/* The filter by a tag's name, for resources with a tag_type. */
#define TAG_FILTER(type)                                                                                               \
    {                                                                                                                  \
        .name = "tag", .cls = F_EQUAL, .column = "y.name",                                                             \
        .sql = "EXISTS (SELECT 1 FROM tag_resource x JOIN tag y ON y.id = x.tag_id WHERE x.resource_id = t.id AND "    \
               "x.resource_type = '" type "' AND %s)",                                                                 \
        .joined = "EXISTS (SELECT 1 FROM tag_resource x WHERE x.resource_id = t.id AND x.resource_type = '" type "')"  \
    }
#define COL_METADATA(more)                                                                                             \
    {                                                                                                                  \
        .name = "run_metadata", .section = S_META, .many = &resource_run_metadata, .show = show_run_metadata,          \
        .flags = (more), .schema = "{RunMetadataResponse}={}"                                                          \
    }
void show_run_metadata(const struct cell *at, struct jw *w);

/* In rows of route tables: the path begins with a workspace. */
#define WITHIN_WORKSPACE .within = &resource_workspace, BY_NAME

/* The model version of a run, step or service, among its resources. */
#define COL_MODEL_VERSION COL_SHOWN(model_version, resource_model_version, S_RES, .schema = "?")

/* A description that is never null. */
#define COL_EMPTY_DESCRIPTION                                                                                          \
    {                                                                                                                  \
        .name = "description", .section = S_META, .filter = F_STRING, .null_as = "\"\"", .flags = C_NULL_EMPTY,        \
        .schema = "=\"\""                                                                                              \
    }

#endif
