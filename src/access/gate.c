#include "access/gate.h"

#include "access/cloud.h"
#include "base/config.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"

#include <string.h>

bool gate_enabled(void)
{
    return config.feature_gate_source;
}

bool gate_reportable(struct ctx *c, const char *feature)
{
    struct json_object *list = json_tree(c->mem, config.reportable_resources, strlen(config.reportable_resources));
    for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++)
        if (streq(json_object_get_string(json_object_array_get_idx(list, i)), feature))
            return true;
    return false;
}

static const char *organization(struct ctx *c)
{
    struct json_object *metadata = json_tree(c->mem, config.metadata, strlen(config.metadata));
    const char *id = json_object_is_type(metadata, json_type_object) ? member_str(metadata, "organization_id") : NULL;
    return id ? id : "unknown";
}

int gate_check(struct ctx *c, const char *feature)
{
    struct cloud_answer answer;
    if (!gate_enabled())
        return OK;
    int rc = cloud_get(c, arena_printf(c->mem, "/organizations/%s/entitlement/%s", organization(c), feature), &answer);
    if (rc == FAILED && answer.status == 402)
        return fail(c, EX_SUBSCRIPTION, "The limit of your subscription for `%s` is reached; upgrade it to go on",
                    feature);
    TRY(rc);
    if (answer.status != 200)
        log_warn("feature gate: entitlement %s: status %ld", feature, answer.status);
    return OK;
}

int gate_report(struct ctx *c, const char *feature, const char *id, int change)
{
    struct cloud_answer answer;
    char text[UUID_TEXT + 1];
    if (!gate_enabled())
        return OK;
    uuid_write(id, text);
    struct json_object *event = json_keep(c->mem, json_object_new_object()), *metadata = json_object_new_object();
    json_object_object_add(metadata, "tenant_id", json_object_new_string(cloud_server(c->mem)));
    json_object_object_add(metadata, "resource_id", json_object_new_string(text));
    json_object_object_add(event, "organization_id", json_object_new_string(organization(c)));
    json_object_object_add(event, "feature", json_object_new_string(feature));
    json_object_object_add(event, "total", json_object_new_int(change));
    json_object_object_add(event, "metadata", metadata);
    TRY(cloud_post(c, "/usage-event", json_text(c->mem, event, false), &answer));
    if (answer.status != 200)
        log_warn("feature gate: usage of %s: status %ld", feature, answer.status);
    return OK;
}
