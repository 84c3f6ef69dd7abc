/*
 * The image in which a run is started: what the components of its stack need, and the Dockerfile that installs it
 * (docs/contract/run-templates.md#image).
 */
#ifndef KANSO_TEMPLATE_IMAGE_H
#define KANSO_TEMPLATE_IMAGE_H

#include "base/arena.h"

#include <stddef.h>

/* The Python for builds that do not say theirs. */
#define IMAGE_PYTHON "3.11"

/* The Dockerfile for a stack whose components have flavors with these sources ("zenml.integrations.s3.flavors..."; NULL
 * is ignored). NULL when a version is not one: then *why says so. `python_version` may be NULL. */
const char *image_dockerfile(struct arena *a, const char *const *sources, size_t count, const char *zenml_version,
                             const char *python_version, const char **why);

/* MD5 in hex, by which images and stacks are told from others; NULL where policy forbids it. */
const char *image_md5(struct arena *a, const char *text, size_t len);

#endif
