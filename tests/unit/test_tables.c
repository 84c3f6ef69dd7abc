/* The house's own tables, and that faults in them are found. */
#include "app/tables.h"
#include "base/text.h"
#include "model/model.h"

#include "unit.h"

static struct buf out;

static int reset(void **state)
{
    (void)state;
    buf_clear(&out, 0);
    return 0;
}

/* What is found, as one text. */
static const char *found(void)
{
    buf_addc(&out, '\0');
    return out.data;
}

static void the_tables_are_sound(void **state)
{
    (void)state;
    if (tables_check(&out))
        fail_msg("%s", found());
}

static int nothing(struct ctx *c)
{
    (void)c;
    return OK;
}

static void routes_are_checked(void **state)
{
    (void)state;
    const struct {
        struct route route;
        const char *complaint;
    } CASES[] = {
        {{.method = "GET", .path = "/x", .handler = nothing}, "says neither"},
        {{.method = "GET",
          .path = "/x",
          .handler = nothing,
          .open = "why",
          .needs = NEEDS({&resource_tag, "read", NEED_TYPE, NULL})},
         "says both"},
        {{.method = "GET", .path = "/x", .open = "why"}, "no handler"},
        {{.method = "GET", .path = "/x", .handler = nothing, .needs = NEEDS({&resource_tag, "look", NEED_TYPE, NULL})},
         "'look', which is no action"},
        {{.method = "GET", .path = "/x", .handler = nothing, .needs = NEEDS({&resource_tag, "read", NEED_PATH, NULL})},
         "what the path does not name"},
        {{.method = "GET",
          .path = "/x",
          .handler = nothing,
          .needs = NEEDS({&resource_tag, "read", NEED_LISTED, NULL})},
         "NEED_LISTED without a list"},
        {{.method = "GET", .path = "/x", .handler = nothing, .needs = NEEDS({&resource_logs, "read", NEED_TYPE, NULL})},
         "does not know"},
        {{.method = "GET", .path = "/x", .handler = nothing, .open = "why", .response = "[NoSuchResponse]"},
         "'NoSuchResponse' in .response"},
        {{.method = "GET", .path = "/x", .handler = nothing, .open = "why", .op = OP_LIST}, "not named"},
        {{.method = "PUT", .path = "/x", .handler = nothing, .open = "why", .op = OP_LIST, .resource = &resource_tag},
         "does not fit its operation"},
        {{.method = "GET",
          .path = "/x",
          .handler = nothing,
          .open = "why",
          .resource = &resource_tag,
          .path_filter = "size"},
         "filters by the column `size`"},
        {{.method = "GET",
          .path = "/x",
          .handler = nothing,
          .open = "why",
          .resource = &resource_tag,
          .member = "size"},
         "answers the member 'size'"},
        {{.method = "GET", .path = "/x", .handler = nothing, .open = "why", .params = {PARAM_NAME}}, "more parameters"},
        {{.method = "GET", .path = "/x/{y}", .handler = nothing, .open = "why", .params = {PARAM_ID, PARAM_NAME}},
         "more parameters"},
        {{.method = "GET", .path = "/x", .handler = nothing, .open = "why", .within = &resource_workspace},
         "no parameter"},
        {{.method = "GET",
          .path = "/x/{y}",
          .handler = nothing,
          .open = "why",
          .resource = &resource_tag,
          .within = &resource_workspace},
         "no column `workspace_id`"},
        {{.method = "GET",
          .path = "/api/v1/workspaces/{y}/runs",
          .handler = nothing,
          .open = "why",
          .resource = &resource_run},
         "does not say so"},
        {{.method = "GET", .path = "/x", .handler = nothing, .open = "why"}, "does not say what it does"},
        {{.method = "GET", .path = "/x", .handler = nothing, .open = "why", .about = "Something"}, "not a sentence"},
        {{.method = "GET", .path = "/x", .handler = nothing, .open = "why", .flags = R_HYDRATE | R_NO_HYDRATE},
         "contradict each other"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        buf_clear(&out, 0);
        assert_true(tables_check_route(&out, "somewhere", &CASES[i].route) > 0);
        if (!strstr(found(), CASES[i].complaint) || !strstr(out.data, "cgi-bin/somewhere.c: "))
            fail_msg("%s: %s", CASES[i].complaint, out.data);
    }
}

/* A copy of the tags' description with one column, filter or member more. */
static const char *with(struct column column, struct filter filter, struct field field)
{
    static struct column columns[16];
    static struct field fields[16];
    static struct filter filters[1];
    static struct model body;
    static struct resource tag;
    tag = resource_tag;
    memcpy(columns, tag.columns, tag.column_count * sizeof *columns);
    memcpy(fields, tag.body->fields, tag.body->count * sizeof *fields);
    body = *tag.body;
    columns[tag.column_count] = column;
    fields[body.count] = field;
    filters[0] = filter;
    tag.columns = columns;
    tag.column_count += column.name != NULL;
    tag.filters = filters;
    tag.filter_count = filter.name != NULL;
    body.fields = fields;
    body.count += field.name != NULL;
    tag.body = &body;
    buf_clear(&out, 0);
    tables_check_resource(&out, &tag);
    return found();
}

static void resources_are_checked(void **state)
{
    (void)state;
    const struct {
        struct column column;
        struct filter filter;
        struct field field;
        const char *complaint;
    } CASES[] = {
        {.column = {.name = "size"},
         .complaint = "src/model/tag.c: tag, column 'size': sql/schema.sql has no column `size` in `tag`"},
        {.column = {.name = "color"}, .complaint = "stands there twice"},
        {.column = {.name = "c", .col = "color", .filter = F_UUID}, .complaint = "cannot compare"},
        {.column = {.name = "c", .col = "color", .flags = C_COMPACT}, .complaint = "hold JSON"},
        {.column = {.name = "c", .col = "color", .flags = C_READONLY | C_ALWAYS}, .complaint = "never written"},
        {.column = {.name = "c", .sql = "1", .flags = C_READONLY}, .complaint = "C_READONLY is superfluous"},
        {.column = {.name = "c", .col = "color", .section = S_META, .flags = C_JOINED}, .complaint = "C_JOINED is for"},
        {.column = {.name = "m", .many = &resource_run, .section = S_BODY}, .complaint = "shows what hangs on it"},
        {.column = {.name = "c", .col = "color", .schema = "Nothing?"}, .complaint = "'Nothing' in .schema"},
        {.column = {.name = "c", .col = "color", .request_name = "colour"}, .complaint = "the member 'colour'"},
        {.column =
             {.name = "r", .col = "id", .enc = E_UUID, .section = S_BODY, .ref = &resource_run, .flags = C_READONLY},
         .complaint = "would never be loaded"},
        {.filter = {.name = "color", .cls = F_STRING, .column = "t.color"},
         .complaint = "a column with a filter of that name"},
        {.filter = {.name = "x", .cls = F_STRING}, .complaint = "compares nothing"},
        {.filter = {.name = "x", .cls = F_STRING, .column = "y.name", .sql = "EXISTS (SELECT 1)"},
         .complaint = "needs one %s"},
        {.filter = {.name = "x", .cls = F_STRING, .column = "t.color", .joined = "1", .ungrouped = true},
         .complaint = "what is joined"},
        {.field = {"size", &T_INT, NULL, 0, 0}, .complaint = "reaches no column"},
        {.field = {"name", &T_STRING, NULL, 0, 0}, .complaint = "stands there twice"},
        {.field = {"color", &T_STRING, NULL, 0, HOOK}, .complaint = "is written to the column 'color'"},
        {.field = {"x", &T_INT, "\"one\"", 0, HOOK}, .complaint = "does not fit its type"},
        {.field = {"x", &T_INT, "{", 0, HOOK}, .complaint = "is no JSON"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const char *text = with(CASES[i].column, CASES[i].filter, CASES[i].field);
        if (!strstr(text, CASES[i].complaint))
            fail_msg("%s: %s", CASES[i].complaint, text);
    }
}

static void tags_come_with_their_filter(void **state)
{
    (void)state;
    struct resource r = resource_tag;
    r.tag_type = "tag";
    tables_check_resource(&out, &r);
    assert_non_null(strstr(found(), "no filter by tags"));
}

/* A table that grows with each run: whatever its lists are filtered or sorted by needs an index. */
static void tables_that_grow_have_indexes(void **state)
{
    (void)state;
    struct resource r = resource_tag;
    r.flags |= X_GROWS;
    tables_check_resource(&out, &r);
    assert_non_null(strstr(found(), "sql/kanso.sql needs an index (`color`, `created`, `kanso_order`)"));
    assert_null(strstr(out.data, "(`name`, `created`"));
    assert_null(strstr(out.data, "(`id`, `created`"));

    /* of a TEXT the beginning */
    static const struct column description[] = {{.name = "description", .section = S_BODY, .filter = F_STRING}};
    r = resource_model_version;
    r.columns = description;
    r.column_count = ARRAY_LEN(description);
    buf_clear(&out, 0);
    tables_check_resource(&out, &r);
    assert_non_null(strstr(found(), "filtered and sorted by `description`"));
    buf_clear(&out, 0);
    tables_check_resource(&out, &resource_model_version);
    assert_null(strstr(found(), "`stage`"));
}

static void columns_that_never_change(void **state)
{
    (void)state;
    const struct column color = {.name = "c", .col = "color", .flags = C_FIXED};
    const struct field update = {"c", &T_STRING, NULL, 0, UPD};
    assert_non_null(strstr(with(color, (struct filter){0}, update), "never to change (C_FIXED)"));
}

static void added_columns_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *complaint;
    } CASES[] = {
        {"ALTER TABLE `tag` ADD COLUMN `a` int NOT NULL;\n", "`a` int NOT NULL: is NOT NULL without a DEFAULT"},
        {"-- x\n\nALTER TABLE `tag` ADD COLUMN `a` int NULL, ADD COLUMN `b` int NULL;\n", "adds one column"},
        {"ALTER TABLE `tag` DROP COLUMN `a`;\n", "adds one column"},
        {"ALTER TABLE `tag` ADD COLUMN `a` int NULL;\nALTER TABLE `tag` ADD COLUMN `b` int NOT NULL;\n", "`b` int NOT"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        buf_clear(&out, 0);
        assert_int_equal(tables_check_added_columns(&out, CASES[i].sql), 1);
        if (!strstr(found(), CASES[i].complaint))
            fail_msg("%s: %s", CASES[i].complaint, out.data);
    }
    assert_int_equal(tables_check_added_columns(&out, "-- ALTER TABLE\n\n"
                                                      "ALTER TABLE `tag` ADD COLUMN `a` int NULL;\n"
                                                      "ALTER TABLE `tag` ADD COLUMN `b` int NOT NULL DEFAULT 0;\n"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_tables_are_sound, reset),
        cmocka_unit_test_setup(routes_are_checked, reset),
        cmocka_unit_test_setup(resources_are_checked, reset),
        cmocka_unit_test_setup(tags_come_with_their_filter, reset),
        cmocka_unit_test_setup(tables_that_grow_have_indexes, reset),
        cmocka_unit_test_setup(columns_that_never_change, reset),
        cmocka_unit_test_setup(added_columns_are_checked, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
