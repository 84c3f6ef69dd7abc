#include "template/stack.h"

#include "base/text.h"
#include "resource/sql.h"
#include "resource/stored.h"
#include "template/flavors.h"

int stack_parts(struct ctx *c, const char *stack_id, struct stack_part **parts, size_t *count)
{
    struct db_rows rows = {0};
    TRY(sql(c, &rows,
            "SELECT k.type, k.flavor, k.name, k.configuration, f.id, f.workspace_id, f.source, f.integration, "
            "f.config_schema FROM stack_composition x JOIN stack_component k ON k.id = x.component_id "
            "LEFT JOIN flavor f ON f.name = k.flavor AND f.type = k.type WHERE x.stack_id = ? ORDER BY k.type",
            p_text(stack_id)));
    *parts = arena_array(c->mem, rows.count + 1, sizeof **parts);
    *count = rows.count;
    for (size_t i = 0; i < rows.count; i++) {
        const struct db_value *v = db_row(&rows, i);
        (*parts)[i] = (struct stack_part){.type = v[0].s,
                                          .flavor = v[1].s,
                                          .name = v[2].s,
                                          .configuration = {v[3].s, v[3].len},
                                          .flavor_id = v[4].s,
                                          .workspace = v[5].s,
                                          .source = v[6].s,
                                          .integration = v[7].s,
                                          .schema = {v[8].s, v[8].len}};
    }
    return OK;
}

int stack_parts_check(struct ctx *c, const struct stack_part *parts, size_t count)
{
    for (const struct stack_part *p = parts; p < parts + count; p++) {
        struct origin of = {"stack_component", p->name, "configuration"};
        if (!p->flavor_id)
            return fail(c, EX_VALUE, "No run template: the %s '%s' has no known flavor", p->type, p->name);
        if (p->workspace)
            return fail(c, EX_VALUE, "No custom stack component flavors allowed.");
        if (flavor_is_local(p->type, p->flavor, stored_base64_tree(c->mem, p->configuration, json_type_object, of)))
            return fail(c, EX_VALUE, "No local stack components allowed.");
    }
    return OK;
}

int template_check_stack(struct ctx *c, const char *stack_id)
{
    struct stack_part *parts;
    size_t count;
    TRY(stack_parts(c, stack_id, &parts, &count));
    return stack_parts_check(c, parts, count);
}

/* The settings of a built-in flavor, made when they are first asked for; NULL when it has none. */
static const struct template_settings *settings_of(struct ctx *c, struct lookup *known, const char *type,
                                                   const char *flavor, const struct db_value *schema)
{
    const struct flavor_settings *f = flavor_settings(type, flavor);
    struct template_settings *settings = f ? lookup_get(known, f->key) : NULL;
    if (!f || settings)
        return settings;
    struct span text = stored_json(c->mem, value_span(schema), (struct origin){"flavor", flavor, "config_schema"});
    settings = text.s ? template_settings_new(c->mem, f, text) : NULL;
    if (settings)
        lookup_add(known, f->key, settings);
    return settings;
}

int template_stacks(struct ctx *c, const char *const *ids, size_t count, struct lookup **found)
{
    struct lookup *known = lookup_new(c->mem);
    struct db_rows rows = {0};
    *found = lookup_new(c->mem);
    TRY(sql_in(c, &rows,
               "SELECT x.stack_id, k.type, k.flavor, k.name, (SELECT f.config_schema FROM flavor f WHERE "
               "f.name = k.flavor AND f.type = k.type AND f.workspace_id IS NULL ORDER BY f.created, f.kanso_order "
               "LIMIT 1) FROM stack_composition x JOIN stack_component k ON k.id = x.component_id WHERE x.stack_id "
               "IN %s ORDER BY x.stack_id, k.created, k.kanso_order",
               ids, count, NULL, 0));
    struct template_component *components = arena_array(c->mem, rows.count + 1, sizeof *components);
    struct template_stack *stack = NULL;
    for (size_t i = 0; i < rows.count; i++) {
        const struct db_value *v = db_row(&rows, i);
        components[i] = (struct template_component){v[1].s, v[3].s, settings_of(c, known, v[1].s, v[2].s, &v[4])};
        if (i == 0 || !streq(v[0].s, db_row(&rows, i - 1)[0].s)) {
            stack = arena_alloc(c->mem, sizeof *stack);
            stack->components = &components[i];
            lookup_put(*found, v[0].s, stack);
        }
        stack->count++;
    }
    return OK;
}
