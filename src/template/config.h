/*
 * The two documents that help to fill in a run configuration for a template (docs/contract/run-templates.md#documents):
 * the values that the source deployment had, and a JSON schema of what may be given.
 */
#ifndef KANSO_TEMPLATE_CONFIG_H
#define KANSO_TEMPLATE_CONFIG_H

#include "base/arena.h"
#include "template/flavors.h"
#include "json/write.h"

/* The deployment that a template is made from, as it is stored. */
struct template_source {
    struct span run_name; /* plain text */
    struct span pipeline; /* JSON: PipelineConfiguration */
    struct span steps;    /* JSON: map of Step */
};

/* What the built-in flavor of a component says about its settings, as definitions of JSON schemas; made once for all
 * templates of an answer. */
struct template_settings {
    const struct flavor_settings *of;
    size_t count;
    struct template_definition {
        const char *name, *schema; /* JSON */
    } * definitions;
};

/* From the JSON schema of the flavor's configuration. */
struct template_settings *template_settings_new(struct arena *mem, const struct flavor_settings *of,
                                                struct span schema);

/* A component of the stack that the deployment's build was made for. */
struct template_component {
    const char *type, *name;
    const struct template_settings *settings; /* NULL when it has none */
};

void config_template_write(struct jw *w, const struct template_source *source);

void config_schema_write(struct jw *w, struct arena *mem, const struct template_source *source,
                         const struct template_component *components, size_t count);

#endif
