/*
 * What model versions are linked to: versions of artifacts, and runs. Each answer with a model version names all of
 * them, and each run names its model version, so thousands of artifact versions would be looked up for a page of runs.
 *
 * A worker therefore remembers the artifact versions of the few model versions that have so many, up to a number of the
 * order of creation below which no others can come (resource/total.h), and reads those behind it. That is exact: links
 * and versions never change, and whoever deletes anything or renames an artifact says so (total_deleted()), which is
 * read in the same statement. Who does that past Kanso is noticed after TOTAL_KEPT_SECONDS.
 */
#ifndef KANSO_MODEL_VERSION_LINKS_H
#define KANSO_MODEL_VERSION_LINKS_H

#include "resource/view.h"

enum role { DATA, MODEL_ITSELF, DEPLOYMENT, RUN };

/* Hangs the links of model versions on their slot: artifact versions by the names of their artifacts, which are the
 * keys, then runs by when they were linked. */
int version_links_load(struct view *v, struct row **rows, size_t count, int slot);

/* What the linked thing is to the model version. A link of both kinds counts as the model. */
enum role version_link_role(const struct link *link);

/* The version of a linked artifact version, as a text. */
const char *version_link_version(const struct link *link);

#endif
