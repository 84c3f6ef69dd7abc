/*
 * Documents within documents: what the configuration of a pipeline, a step, a build or a service holds. The same tables
 * check request bodies and complete stored documents (tests/contract/openapi.json;
 * docs/contract/validation.md#unknown-members).
 */
#ifndef KANSO_DOCUMENT_DOCUMENTS_H
#define KANSO_DOCUMENT_DOCUMENTS_H

#include "json/model.h"

/* Where code is found. A dotted path is accepted for it: "a.b.C" is attribute C of module a.b, of unknown type. */
extern const struct model MODEL_SOURCE;

/* Settings of a kind that only clients know: any object. */
extern const struct model MODEL_SETTINGS;

extern const struct model MODEL_STEP_RETRY;             /* StepRetryConfig */
extern const struct model MODEL_MODEL;                  /* Model: the model context of a pipeline or step */
extern const struct model MODEL_ARTIFACT_CONFIGURATION; /* one source is accepted for the list of materializers */
extern const struct model MODEL_EXTERNAL_ARTIFACT;      /* ExternalArtifactConfiguration */
extern const struct model MODEL_VERSION_LOADER;         /* ModelVersionDataLazyLoader */
extern const struct model MODEL_CALL_STEP;              /* _CallStep */
extern const struct model MODEL_CLIENT_LOADER;          /* ClientLazyLoader */
extern const struct model MODEL_INPUT_SPEC;
extern const struct model MODEL_STEP_SPEC;
extern const struct model MODEL_STEP_CONFIGURATION;
extern const struct model MODEL_STEP; /* {spec, config} */
extern const struct model MODEL_PIPELINE_SPEC;
extern const struct model MODEL_PIPELINE_CONFIGURATION; /* refuses the name `unlisted` */
extern const struct model MODEL_SCHEDULE;               /* Schedule; refuses one without any time */
extern const struct model MODEL_RUN_CONFIGURATION; /* PipelineRunConfiguration: what a run of a template may change */
extern const struct model MODEL_BUILD_ITEM;
extern const struct model MODEL_CODE_REFERENCE; /* CodeReferenceRequest */
extern const struct model MODEL_LOGS_REQUEST;
extern const struct model MODEL_VISUALIZATION_REQUEST;
extern const struct model MODEL_SERVICE_TYPE;
extern const struct model MODEL_COMPONENT_INFO;
extern const struct model MODEL_CONNECTOR_INFO; /* ServiceConnectorInfo */

/* The rule of schedules, for `after` of a model with their members: some time is said. */
void schedule_needs_a_time(struct check *c, struct json_object *v);

/* The same as types of members. A T_SOURCE_OBJECT takes no dotted path. */
extern const struct type T_SOURCE, T_SOURCE_OBJECT, T_SETTINGS, T_STEP_RETRY, T_MODEL, T_STEP, T_STEP_CONFIGURATION,
    T_STEP_SPEC, T_PIPELINE_SPEC, T_PIPELINE_CONFIGURATION, T_CODE_REFERENCE, T_LOGS_REQUEST, T_VISUALIZATION_REQUEST,
    T_SERVICE_TYPE, T_COMPONENT_INFO, T_CONNECTOR_INFO, T_SCHEDULE, T_RUN_CONFIGURATION;

/* Collections of them. */
extern const struct type T_MAP_SETTINGS;   /* by key of settings */
extern const struct type T_STEPS;          /* by name of step */
extern const struct type T_BUILD_ITEMS;    /* by key of image */
extern const struct type T_VISUALIZATIONS; /* list of requests */

/* Words. */
extern const struct type T_VISUALIZATION_TYPE, T_MODEL_STAGE;

#endif
