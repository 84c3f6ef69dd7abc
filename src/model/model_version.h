/* Model versions beyond the generic operations. */
#ifndef KANSO_MODEL_MODEL_VERSION_H
#define KANSO_MODEL_MODEL_VERSION_H

#include "model/model.h"

/* POST /workspaces/{ws}/models/{model}/model_versions: the answer has no resources. */
int model_version_create(struct ctx *c);

#endif
