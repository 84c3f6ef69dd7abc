/*
 * Execution security: as whom a run executes, and which secrets and tokens it may have.
 *
 * The five models of flytekit (docs/contract/security-models.md#models): Secret, OAuth2Client, Identity,
 * OAuth2TokenRequest and SecurityContext, with the wire format of flyteidl's core/security.proto,
 * its JSON form and its readable one. Each model is a C struct beside a `struct sec_model`, the
 * table of its fields; all functions work from that table, so every pair of a `model` and an
 * `object` below must belong together. docs/security-models.md is the users' page.
 *
 * Nothing here does I/O. Objects live in the caller's arena; none of them is changed after it was
 * made.
 */
#ifndef KANSO_SECURITY_SECURITY_H
#define KANSO_SECURITY_SECURITY_H

#include "base/arena.h"
#include "base/buf.h"
#include "json/scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No serialised form or JSON text above this is read: a Kubernetes object holds no more either. */
enum { SEC_MAX_BYTES = 1 << 20 };

enum sec_mount { SEC_MOUNT_ANY, SEC_MOUNT_ENV_VAR, SEC_MOUNT_FILE };
enum { SEC_CLIENT_CREDENTIALS = 0 };

/* A text is UTF-8 and may hold NUL bytes; null is a span without .s and differs from "". */

struct sec_secret {
    struct span group;
    struct span group_version;
    struct span key;
    int32_t mount_requirement; /* enum sec_mount */
    struct span env_var;
};

struct sec_oauth2_client {
    struct span client_id;
    struct sec_secret *client_secret; /* a bare message: no rule applies, null and "" are the same */
};

struct sec_identity {
    struct span iam_role;
    struct span k8s_service_account;
    struct sec_oauth2_client *oauth2_client;
    struct span execution_identity;
};

struct sec_token_request {
    struct span name;
    int32_t type;
    struct sec_oauth2_client *client;
    struct span idp_discovery_endpoint;
    struct span token_endpoint;
};

/* A list of objects; null is one without .items, which is not the same as one without items. */
struct sec_list {
    void **items;
    size_t count;
};

struct sec_context {
    struct sec_identity *run_as;
    struct sec_list secrets; /* of struct sec_secret */
    struct sec_list tokens;  /* of struct sec_token_request */
};

struct sec_model;
extern const struct sec_model SEC_SECRET, SEC_OAUTH2_CLIENT, SEC_IDENTITY, SEC_TOKEN_REQUEST, SEC_CONTEXT;

/* The model of that class name ("Secret", ..., "SecurityContext"); NULL when there is none. */
const struct sec_model *sec_model_named(const char *name);
const char *sec_model_name(const struct sec_model *model);

/*
 * The constructor: a copy of *fields that has passed the model's own rules. What the fields point
 * at is shared, not copied. On refusal NULL, and *why (in the arena) says what is wrong, in the
 * reference's words where it has some.
 */
void *sec_new(struct arena *a, const struct sec_model *model, const void *fields, const char **why);

/* Equal fields; null and "" differ, as do null and an empty list. */
bool sec_equal(const struct sec_model *model, const void *x, const void *y);

/*
 * Appends the serialised form, byte for byte that of flyteidl. False, and nothing written, for a
 * SecurityContext whose fields are all null: there is no message then, not even an empty one.
 */
bool sec_to_wire(const struct sec_model *model, const void *object, struct buf *out);

/* 1 when the serialised form has no bytes, 0 when it has some, -1 when there is no message. */
int sec_is_empty(const struct sec_model *model, const void *object);

/* The serialised form in standard base64, padded; NULL where sec_to_wire() says false. */
char *sec_to_base64(struct arena *a, const struct sec_model *model, const void *object);

/* Which messages of zero bytes inside a message are kept. */
enum sec_form {
    SEC_AS_MODEL,  /* as from_flyte_idl does: run_as and an identity's oauth2_client become null, and
                      a client_secret that is absent becomes an empty one */
    SEC_AS_WRITTEN /* exactly those that are there: the same bytes come out again */
};

/*
 * Reads a serialised form. The texts of the answer point into `bytes`. Unknown fields are checked
 * and left out; singular messages that come in parts are merged; for scalars the last one counts.
 * NULL and *why for what is malformed (truncated, a varint longer than need be, a wrong wire type,
 * text that is not UTF-8, unknown groups nested beyond 100, more than SEC_MAX_BYTES) and for a
 * Secret that its rules refuse.
 */
void *sec_from_wire(struct arena *a, const struct sec_model *model, struct span bytes, enum sec_form form,
                    const char **why);

/* The same for standard base64; blanks and line ends around it are ignored. */
void *sec_from_base64(struct arena *a, const struct sec_model *model, struct span text, enum sec_form form,
                      const char **why);

/*
 * Appends the JSON form, protobuf's: camelCase names, enums by name, nothing for null, "" or 0;
 * only the group of a Secret is always there, because a Secret cannot be made without.
 */
void sec_to_json(const struct sec_model *model, const void *object, struct buf *out);

/*
 * Reads the JSON form, which stands for a call of the constructor: an absent member and null are
 * null, "" is "". Names may also be those of the proto file (group_version); an enum may be a
 * number; a single object does where a list is expected. `json` has passed json_check_strict(). NULL and
 * *why for unknown and repeated members, wrong types and broken rules; *why begins with the path of
 * the place.
 */
void *sec_from_json(struct arena *a, const struct sec_model *model, struct span json, const char **why);

/*
 * Appends the readable form, at most 80 characters a value: flytekit's short_string(), and its
 * verbose_string() and str() too, which are the same.
 */
void sec_short_string(struct arena *a, const struct sec_model *model, const void *object, struct buf *out);

struct json_object;

/* Key of a pipeline configuration's `extra` under which a deployment carries its context. */
#define SEC_EXTRA_KEY "security_context"

/*
 * The context that an `extra` (a JSON object as text, checked) carries: the JSON form, or base64
 * text of the serialised form. NULL without *why when it carries none, or null; NULL with *why when
 * what it carries is refused.
 */
struct sec_context *sec_from_extra(struct arena *a, struct span extra, const char **why);

/* Checks what a pipeline configuration carries: NULL, or what is wrong and where. */
const char *sec_check_configuration(struct arena *a, struct json_object *pipeline_configuration);

#endif
