/* Artifact stores in the server's own file system; what is said in store.h of reading holds. */
#ifndef KANSO_ARTIFACT_LOCAL_H
#define KANSO_ARTIFACT_LOCAL_H

#include "artifact/store.h"

/* Opens the root that the configuration of the component (hex id) names; without one, where clients keep that store. */
int local_open(struct ctx *c, struct store *s, const char *id, struct json_object *configuration);

int local_read(struct ctx *c, const struct store *s, const char *uri, struct span *out);
int local_read_part(struct ctx *c, const struct store *s, const char *uri, int64_t offset, int64_t length,
                    struct span *out);

#endif
