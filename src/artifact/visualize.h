/* Visualizations of artifact versions, read from their artifact store. */
#ifndef KANSO_ARTIFACT_VISUALIZE_H
#define KANSO_ARTIFACT_VISUALIZE_H

#include "http/context.h"

/* GET /artifact_versions/{id}/visualize: {type, value}; images in base64. Query: index (0) into the version's
 * visualizations. */
int artifact_version_visualize(struct ctx *c);
extern const struct model VISUALIZE_QUERY;

#endif
