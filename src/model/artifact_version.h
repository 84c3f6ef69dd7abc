/* Artifact versions beyond the generic operations. */
#ifndef KANSO_MODEL_ARTIFACT_VERSION_H
#define KANSO_MODEL_ARTIFACT_VERSION_H

#include "model/model.h"

/* Deletes versions by id with their tags and metadata, within the caller's transaction; steps' and models' links go by
 * foreign key. */
int artifact_versions_delete(struct ctx *c, const char *const *ids, size_t count);

/* DELETE /artifact_versions/: versions that no step took or made and, with only_versions=false, artifacts that are left
 * without a version (docs/contract/resources.md#deletes). */
int artifact_versions_prune(struct ctx *c);
extern const struct model PRUNE_QUERY;

/* What a version's `materializer` or `data_type` holds: an object, or the dotted path of rows of old versions; .s is
 * NULL when an object is damaged. */
struct span version_source(struct view *v, const struct row *row, const char *member);

#endif
