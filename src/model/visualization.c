/* Visualizations of artifact versions: files that the artifact store holds; shown as part of their version. */
#include "model/model.h"

static const struct column columns[] = {
    COL_ID,
    COL_TIMES,
    {.name = "type", .section = S_BODY, .schema = "VisualizationType"},
    {.name = "uri", .section = S_BODY},
    COL_TARGET(artifact_version, resource_artifact_version, .section = S_META),
};

const struct resource resource_visualization = {
    .name = "artifact_visualization",
    .label = "visualization",
    .title = "ArtifactVisualization",
    .table = "artifact_visualization",
    COLUMNS(columns),
    .rank = RANK_VISUALIZATION,
};
