/* Rows that name what they belong to by type and id. No foreign key takes them along when that is deleted. */
#ifndef KANSO_MODEL_ORPHANS_H
#define KANSO_MODEL_ORPHANS_H

#include "http/context.h"

/* Deletes the tag links and metadata of all runs whose `column` of pipeline_run equals the id (hex), and the metadata
 * of their steps. To be called before the runs are gone. */
int orphans_delete_of_runs(struct ctx *c, const char *column, const char *id);

/* The same for versions: `kind` is their table and type, artifact_version or model_version, and `column` of it equals
 * the id (hex). */
int orphans_delete_of_versions(struct ctx *c, const char *kind, const char *column, const char *id);

#endif
