/*
 * Checking values against JSON schemas: the part of the language in which flavors and connector types describe their
 * configuration ($ref, allOf, anyOf, oneOf, enum, const, type, properties, required, additionalProperties, items,
 * prefixItems and the bounds of numbers, texts and lists; anything else is taken to hold).
 *
 * Values are read as generously as bodies are (json/model.h): a number or boolean may be given as text, and a list or
 * an object as JSON text.
 */
#ifndef KANSO_JSON_SCHEMA_H
#define KANSO_JSON_SCHEMA_H

#include "json/model.h"

/* Whether the members of `value`, an object, fit the schema of an object; adds problems otherwise. Members that the
 * schema does not name are problems, whatever it says about them. What the check may cost is limited, since
 * schemas come from users: going beyond that is a problem as well. */
bool schema_check_object(struct check *c, struct json_object *schema, struct json_object *value);

/* The title of a member: "max_retries" becomes "Max Retries". */
const char *schema_title(struct arena *a, struct span name);

/* Gives the members of an object's schema, and of the schemas in its $defs, the titles that forms show. Members that
 * refer to another schema, and nothing else but null, get none, as with the library that makes the reference's schemas;
 * definitions are titled by their names. */
void schema_label(struct arena *a, struct json_object *schema);

#endif
