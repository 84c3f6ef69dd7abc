#include "template/stack.h"

#include "resource/sql.h"
#include "resource/stored.h"
#include "template/flavors.h"

int template_check_stack(struct ctx *c, const char *stack_id)
{
    struct db_rows rows = {0};
    TRY(sql(c, &rows,
            "SELECT k.type, k.flavor, k.name, k.configuration, f.id, f.workspace_id FROM stack_composition x "
            "JOIN stack_component k ON k.id = x.component_id "
            "LEFT JOIN flavor f ON f.name = k.flavor AND f.type = k.type WHERE x.stack_id = ?",
            p_text(stack_id)));
    for (size_t i = 0; i < rows.count; i++) {
        const struct db_value *v = db_row(&rows, i);
        struct span text = {v[3].s, v[3].len};
        struct origin of = {"stack_component", v[2].s, "configuration"};
        if (!v[4].s)
            return fail(c, EX_VALUE, "No run template: the %s '%s' has no known flavor", v[0].s, v[2].s);
        if (v[5].s)
            return fail(c, EX_VALUE, "No run template: the %s '%s' has a flavor of its own", v[0].s, v[2].s);
        if (flavor_is_local(v[0].s, v[1].s, stored_base64_tree(c->mem, text, json_type_object, of)))
            return fail(c, EX_VALUE, "No run template: the %s '%s' only works on this machine", v[0].s, v[2].s);
    }
    return OK;
}
