/* Tags of any resource: rows of tag and tag_resource (docs/contract/resources.md#tags). */
#ifndef KANSO_MODEL_TAGS_H
#define KANSO_MODEL_TAGS_H

#include "resource/resource.h"

/* Of a row of a resource with a tag_type: attaches the member `tags` of a create, then of an update `add_tags` and
 * detaches `remove_tags`; detaches all when it is deleted. */
int tags_follow(struct write *w, enum change change);

/* Attaches tags by name, creating the missing ones with a random colour; existing links stay as they are. */
int tags_attach(struct ctx *c, const char *resource_type, const char *resource_id, struct json_object *names);

extern const char *const TAG_COLORS[];
const char *tag_random_color(void);

/* What tags hang on, counted: a load hook and a column of the resource `tag`. Counts of a thousand and more may be five
 * seconds old where another worker has deleted something, and in the first minute of a worker. */
int tags_load_counts(struct view *v, struct row **rows, size_t count);
void show_tagged_count(const struct cell *at, struct jw *w);

#endif
