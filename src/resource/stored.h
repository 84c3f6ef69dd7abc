/*
 * JSON texts from the database on their way into answers. Rows written by ZenML hold NaN, which no browser reads; rows
 * that were edited, cut off or restored badly hold anything. Every stored text passes here before it is looked into or
 * shown: columns of encoding E_JSON when their row is loaded, those of E_B64 when they are shown, and the others where
 * a hook reads them.
 */
#ifndef KANSO_RESOURCE_STORED_H
#define KANSO_RESOURCE_STORED_H

#include "base/arena.h"
#include "json/scan.h"

/* Where a text comes from, for the log: "pipeline_run", the hex id of the row or NULL, "config". */
struct origin {
    const char *kind, *id, *member;
};

/* The text as strict JSON; .s is NULL for an absent one, and for one that is damaged, which is logged. */
struct span stored_json(struct arena *a, struct span text, struct origin of);

/* The same for base64 of JSON text. */
struct span stored_base64(struct arena *a, struct span text, struct origin of);

#endif
