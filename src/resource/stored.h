/*
 * JSON texts from the database on their way into answers. Rows written by ZenML hold NaN, which no browser reads; rows
 * that were edited, cut off or restored badly hold anything. Columns of encodings E_JSON and E_B64 pass here when they
 * are shown; hooks send here what they look into or show themselves.
 */
#ifndef KANSO_RESOURCE_STORED_H
#define KANSO_RESOURCE_STORED_H

#include "resource/view.h"

/* Where a text comes from, for the log: "pipeline_run", the hex id of the row or NULL, "config". */
struct origin {
    const char *kind, *id, *member;
};

static inline struct origin row_origin(const struct row *row, const char *member)
{
    return (struct origin){row->res->name, row->id, member};
}

/* The text as strict JSON; .s is NULL for an absent one, and for one that is damaged, which is logged. */
struct span stored_json(struct arena *a, struct span text, struct origin of);

/* The same for base64 of JSON text. */
struct span stored_base64(struct arena *a, struct span text, struct origin of);

/* Its tree, owned by the arena; NULL also for a value of another type. */
struct json_object *stored_base64_tree(struct arena *a, struct span text, enum json_type type, struct origin of);

#endif
