/* Room resource without a database: what it asks, in which order, and what it makes of the answers. */
#include "app/dispatch.h"
#include "http/form.h"
#include "model/model.h"
#include "resource/total.h"

#include "fake_db.h"

#include <stdio.h>

#define ID        "00000000000040008000000000000001"
#define ID_TEXT   "00000000-0000-4000-8000-000000000001"
#define ME        "00000000000040008000000000000002"
#define ME_TEXT   "00000000-0000-4000-8000-000000000002"
#define WORKSPACE "00000000-0000-4000-8000-000000000003"
#define WHEN      "2024-01-01 00:00:00"

/* Nobody signs in here: that would cost statements of room auth. */
#define ROUTE(m, p, call, res, operation, more, ...)                                                                   \
    {                                                                                                                  \
        .method = (m), .path = (p), .handler = (call), .resource = &(res), .op = (operation),                          \
        .flags = R_PUBLIC | (more), __VA_ARGS__                                                                        \
    }
static const struct route routes[] = {
    ROUTE("GET", "/tags", resource_list, resource_tag, OP_LIST, 0),
    ROUTE("GET", "/tags/{tag_name_or_id}", resource_get, resource_tag, OP_GET, R_HYDRATE, BY_NAME),
    ROUTE("POST", "/tags", resource_create, resource_tag, OP_CREATE, 0),
    ROUTE("PUT", "/tags/{tag_id}", resource_update, resource_tag, OP_UPDATE, 0),
    ROUTE("DELETE", "/tags/{tag_name_or_id}", resource_delete, resource_tag, OP_DELETE, 0, BY_NAME),
    ROUTE("GET", "/runs", resource_list, resource_run, OP_LIST, 0),
    ROUTE("GET", "/artifacts", resource_list, resource_artifact, OP_LIST, 0),
    ROUTE("GET", "/artifact_versions", resource_list, resource_artifact_version, OP_LIST, 0),
    ROUTE("GET", "/api/v1/workspaces/{workspace_name_or_id}/runs", resource_list, resource_run, OP_LIST, 0,
          WITHIN_WORKSPACE),
    ROUTE("GET", "/run-metadata", resource_list, resource_run_metadata, OP_LIST, 0),
    ROUTE("POST", "/pipelines", resource_create, resource_pipeline, OP_CREATE, 0),
};
static const struct group group = {.name = "test", .routes = routes, .count = ARRAY_LEN(routes)};

static struct arena mem;
static struct ctx c;
static struct auth me = {.user_id = ME, .name = "me"};

static int reset(void **state)
{
    (void)state;
    fake_reset();
    return 0;
}

/* Sends a request through the whole walk. */
static void ask(const char *method, const char *path, const char *query, const char *body)
{
    static char *no_environment[] = {NULL};
    struct buf kept = c.res.body;
    struct app app = {.groups = {&group}, .group_count = 1};
    buf_clear(&kept, 0);
    arena_reset(&mem);
    c = (struct ctx){.mem = &mem, .res.body = kept, .auth = &me};
    c.req = (struct request){.method = method,
                             .path = path,
                             .path_len = strlen(path),
                             .content_type = "application/json",
                             .env = no_environment,
                             .connection = -1};
    c.req.body = body;
    c.req.body_len = c.req.content_length = body ? strlen(body) : 0;
    form_read(&c, query, strlen(query));
    dispatch(&c, &app);
    buf_addc(&c.res.body, '\0');
}

static void expect(int status, const char *said)
{
    assert_string_equal(fake_said(), said);
    if (c.res.status != status)
        fail_msg("%d instead of %d: %s", c.res.status, status, c.res.body.data);
    assert_false(fake.open);
}

static void expect_body(const char *part)
{
    if (!strstr(c.res.body.data, part))
        fail_msg("no %s in %s", part, c.res.body.data);
}

#define TAG "t.`id`, t.`created`, t.`updated`, t.`color`, t.`name`"

/* Lists ---------------------------------------------------------------------------------------------------------- */

/* A page of tags that are read and sorted whole. */
#define TAG_PAGE(where, order)                                                                                         \
    "SELECT " TAG ", (SELECT COUNT(*) FROM `tag` t" where ") FROM `tag` t" where " ORDER BY " order                    \
    " LIMIT ? OFFSET ? <- "
#define ALL " WHERE 1 = 1"

static void pages_are_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *query, *said;
    } CASES[] = {
        {"", "SELECT " TAG ", (SELECT COUNT(*) FROM `tag` t" ALL
             ") FROM `tag` t FORCE INDEX FOR ORDER BY (kanso_tag_created)" ALL
             " ORDER BY t.`created` ASC, t.kanso_order ASC LIMIT ? OFFSET ? <- 20, 0\n"},
        {"sort_by=desc:created&size=7", "SELECT " TAG ", (SELECT COUNT(*) FROM `tag` t" ALL
                                        ") FROM `tag` t FORCE INDEX FOR ORDER BY (kanso_tag_created)" ALL
                                        " ORDER BY t.`created` DESC, t.kanso_order DESC LIMIT ? OFFSET ? <- 7, 0\n"},
        {"sort_by=name", TAG_PAGE(ALL, "t.`name` ASC, t.created ASC, t.kanso_order ASC") "20, 0\n"},
        {"sort_by=asc:color&size=3", TAG_PAGE(ALL, "t.`color` ASC, t.created ASC, t.kanso_order ASC") "3, 0\n"},
        {"sort_by=desc:name", TAG_PAGE(ALL, "t.`name` DESC, t.created DESC, t.kanso_order DESC") "20, 0\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        fake_reset();
        ask("GET", "/tags", CASES[i].query, NULL);
        expect(200, CASES[i].said);
        expect_body("\"total_pages\":1,\"total\":0,\"items\":[]}");
    }
}

#define DELETIONS "SELECT '', (SELECT COALESCE(SUM(x.times), 0) FROM kanso_deletion x)"
#define COUNTED                                                                                                        \
    DELETIONS                                                                                                          \
    ", COALESCE(MAX(kanso_order), 0) FROM tag_resource UNION ALL SELECT tag_id, COUNT(*), SUM(kanso_order > "          \
    "?) FROM tag_resource WHERE kanso_order > ? AND tag_id IN (?) GROUP BY tag_id <- 0, 0, '" ID "'\n"

static void a_page_shows_its_rows(void **state)
{
    (void)state;
    fake_rows("FROM `tag`", 6, ID, WHEN, WHEN, "red", "one", "31");
    fake_rows("tag_resource", 3, "", "0", "0", ID, "4", "4");
    ask("GET", "/tags", "page=4&size=10&sort_by=name", NULL);
    expect(200, TAG_PAGE(ALL, "t.`name` ASC, t.created ASC, t.kanso_order ASC") "10, 30\n" COUNTED);
    expect_body("{\"index\":4,\"max_size\":10,\"total_pages\":4,\"total\":31,\"items\":[{\"body\":{\"created\":"
                "\"2024-01-01T00:00:00\",\"updated\":\"2024-01-01T00:00:00\",\"color\":\"red\",\"tagged_count\":4},"
                "\"metadata\":null,\"resources\":null,\"id\":\"" ID_TEXT "\",\"permission_denied\":false,"
                "\"name\":\"one\"}]}");
}

/* A page that is empty does not say how many rows there are: only then they are counted by themselves. */
static void a_page_beyond_the_last(void **state)
{
    (void)state;
    fake_rows("^SELECT COUNT(*)", 1, "31");
    ask("GET", "/tags", "page=5&size=10&sort_by=name", NULL);
    expect(400,
           TAG_PAGE(ALL, "t.`name` ASC, t.created ASC, t.kanso_order ASC") "10, 40\nSELECT COUNT(*) FROM `tag` t" ALL
                                                                           "\n");
    expect_body("[\"ValueError\",");
}

/* What the columns of each encoding are compared with, by each operator. */
static void filters_become_conditions(void **state)
{
    (void)state;
#define NARROWED(condition, values)                                                                                    \
    TAG_PAGE(ALL " AND (" condition ")", "t.`created` ASC, t.kanso_order ASC") values ", " values ", 20, 0\n"
    static const struct {
        const char *query, *said;
    } CASES[] = {
        {"name=a", NARROWED("t.`name` = ?", "'a'")},
        {"name=equals:a", NARROWED("t.`name` = ?", "'a'")},
        {"name=contains:a", NARROWED("t.`name` LIKE ?", "'%a%'")},
        {"name=startswith:a", NARROWED("t.`name` LIKE ?", "'a%'")},
        {"name=endswith:a", NARROWED("t.`name` LIKE ?", "'%a'")},
        {"created=gte:2024-02-03 04:05:06", NARROWED("t.`created` >= ?", "'2024-02-03 04:05:06'")},
        {"id=" ID_TEXT, NARROWED("t.`id` = ?", "'" ID "'")},
        {"color=red&name=a", NARROWED("t.`color` = ? AND t.`name` = ?", "'red', 'a'")},
        {"color=red&name=a&logical_operator=or", NARROWED("t.`color` = ? OR t.`name` = ?", "'red', 'a'")},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        fake_reset();
        ask("GET", "/tags", CASES[i].query, NULL);
        expect(200, CASES[i].said);
    }
}

/* Those of other encodings than text, and of what lies behind a join. */
static void filters_know_their_classes(void **state)
{
    (void)state;
    static const struct {
        const char *path, *query, *where, *values;
    } CASES[] = {
        {"/artifacts", "has_custom_name=true", "t.`has_custom_name` = ?", "1, 1, "},
        {"/artifacts", "has_custom_name=no", "t.`has_custom_name` = ?", "0, 0, "},
        {"/artifact_versions", "version_number=gt:3", "t.`version_number` > ?", "3, 3, "},
        {"/artifact_versions", "version_number=lte:3", "t.`version_number` <= ?", "3, 3, "},
        {"/artifact_versions", "id=startswith:0000", "t.`id` LIKE ?", "'0000%', '0000%', "},
        {"/runs", "unlisted=false", "t.pipeline_id IS NOT NULL", "20, 0"},
        {"/runs", "stack_id=" ID_TEXT,
         "EXISTS (SELECT 1 FROM pipeline_deployment x WHERE x.id = t.deployment_id AND x.stack_id = ?)",
         "'" ID "', '" ID "', "},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char where[256], values[256];
        snprintf(where, sizeof where, " AND (%s)", CASES[i].where);
        snprintf(values, sizeof values, " <- %s", CASES[i].values);
        fake_reset();
        ask("GET", CASES[i].path, CASES[i].query, NULL);
        assert_int_equal(c.res.status, 200);
        if (!strstr(fake_said(), where) || !strstr(fake_said(), values))
            fail_msg("%s?%s: %s", CASES[i].path, CASES[i].query, fake_said());
    }
}

static void wrong_filters_ask_nothing(void **state)
{
    (void)state;
    static const char *const QUERIES[] = {
        "size=0", "page=0", "size=x", "sort_by=nothing", "color=mauve", "created=yesterday", "hydrate=maybe"};
    for (size_t i = 0; i < ARRAY_LEN(QUERIES); i++) {
        fake_reset();
        ask("GET", "/tags", QUERIES[i], NULL);
        expect(422, "");
    }
}

/* The workspace of the path narrows the list, outside the group that logical_operator joins. */
static void lists_within_a_workspace(void **state)
{
    (void)state;
    fake_rows("FROM `workspace` t", 4, ID, WHEN, WHEN, "default");
    ask("GET", "/api/v1/workspaces/default/runs", "status=failed&name=a&logical_operator=or", NULL);
    assert_int_equal(c.res.status, 200);
    if (!strstr(
            fake_said(),
            " WHERE 1 = 1 AND (t.workspace_id = ? OR t.workspace_id IS NULL) AND (t.`status` = ? OR t.`name` = ?)") &&
        !strstr(fake_said(),
                " WHERE 1 = 1 AND (t.`status` = ? OR t.`name` = ?) AND (t.workspace_id = ? OR t.workspace_id IS NULL)"))
        fail_msg("%s", fake_said());
    fake_reset();
    ask("GET", "/api/v1/workspaces/nowhere/runs", "", NULL);
    assert_int_equal(c.res.status, 404);
}

/* Lengths of IN lists come in steps, so that few texts arise: each is prepared once. */
static void lists_of_ids_are_padded(void **state)
{
    (void)state;
    static const size_t LENGTHS[][2] = {{1, 1}, {8, 8}, {9, 10}, {16, 16}, {17, 20}, {33, 40}, {50, 56}};
    static char ids[64][33];
    static const char *values[64 * 6];
    for (size_t i = 0; i < ARRAY_LEN(LENGTHS); i++) {
        fake_reset();
        for (size_t k = 0; k < LENGTHS[i][0]; k++) {
            snprintf(ids[k], sizeof ids[k], "00000000000040008000%012x", (unsigned)k);
            const char *const row[] = {ids[k], WHEN, WHEN, "red", "one", "99"};
            memcpy(&values[k * 6], row, sizeof row);
        }
        fake_add((struct fake_answer){"FROM `tag`", DB_OK, 6, values, LENGTHS[i][0] * 6, false});
        ask("GET", "/tags", "size=64", NULL);
        assert_int_equal(c.res.status, 200);
        const char *in = strstr(fake_said(), " IN (");
        assert_non_null(in);
        assert_int_equal(strcspn(in, ")") - strlen(" IN ("), LENGTHS[i][1] * 2 - 1);
    }
}

/* Who has dropped an index gets slower pages, not none. */
static void a_missing_index_is_done_without(void **state)
{
    (void)state;
    fake.failure = DB_NO_SUCH_INDEX;
    fake_fails("FORCE INDEX", DB_ERROR);
    for (int i = 0; i < 2; i++) {
        ask("GET", "/artifacts", "", NULL);
        assert_int_equal(c.res.status, 200);
    }
    const char *hint = strstr(fake_said(), "FORCE INDEX");
    assert_non_null(hint);
    assert_null(strstr(hint + 1, "FORCE INDEX"));
}

static void values_never_stand_in_a_statement(void **state)
{
    (void)state;
    static const char *const QUERIES[] = {"name=it's", "name=contains:it's", "name=startswith:it's",
                                          "name=oneof:[\"it's\"]"};
    for (size_t i = 0; i < ARRAY_LEN(QUERIES); i++) {
        fake_reset();
        ask("GET", "/tags", QUERIES[i], NULL);
        const char *values = strstr(fake_said(), " <- ");
        assert_non_null(values);
        assert_true(strstr(fake_said(), "it's") > values);
    }
}

/* What the page is narrowed and sorted by does not need the joins: only its rows are joined. */
static void joins_are_for_the_page_alone(void **state)
{
    (void)state;
    ask("GET", "/runs", "pipeline_name=a&stack_id=" ID_TEXT "&unlisted=true&sort_by=status&size=2", NULL);
    assert_int_equal(c.res.status, 200);
#define RUNS                                                                                                           \
    " FROM `pipeline_run` t WHERE 1 = 1 AND (EXISTS (SELECT 1 FROM pipeline x WHERE x.id = t.pipeline_id AND "         \
    "x.name = ?) AND EXISTS (SELECT 1 FROM pipeline_deployment x WHERE x.id = t.deployment_id AND x.stack_id = ?) "    \
    "AND t.pipeline_id IS NULL)"
    const char *from = strstr(fake_said(), ", (SELECT COUNT(*)");
    assert_non_null(from);
    assert_string_equal(
        from, ", (SELECT COUNT(*)" RUNS ") FROM (SELECT t.id, t.created, t.kanso_order, t.`status` AS sort_key" RUNS
              " ORDER BY t.`status` ASC, t.created ASC, t.kanso_order ASC LIMIT ? OFFSET ?) k STRAIGHT_JOIN "
              "`pipeline_run` t ON t.id = k.id LEFT JOIN pipeline_deployment d ON d.id = t.deployment_id "
              "ORDER BY k.sort_key ASC, k.created ASC, k.kanso_order ASC <- 'a', '" ID "', 'a', '" ID "', 2, 0\n");
}

/* Totals of large tables ----------------------------------------------------------------------------------------- */

static int64_t now;

static int64_t test_clock(void)
{
    return now;
}

#define ENTRY_WITH(total)                                                                                              \
    do {                                                                                                               \
        fake_reset();                                                                                                  \
        fake_rows(", t.`type`, ", 8, ID, WHEN, WHEN, NULL, "k", "1", "int", (total));                                  \
    } while (0)

#define WHOLE  "(SELECT COUNT(*) FROM `run_metadata` t WHERE"
#define BEHIND "(SELECT COUNT(*) FROM `run_metadata` t FORCE INDEX (kanso_run_metadata_order) WHERE"

/* Asks for a page; what it says of the total, and how the statement has counted. */
static void expect_total(const char *query, const char *total, bool whole, bool behind)
{
    ask("GET", "/run-metadata", query, NULL);
    assert_int_equal(c.res.status, 200);
    expect_body(total);
    assert_int_equal(strstr(fake_said(), WHOLE) != NULL, whole);
    assert_int_equal(strstr(fake_said(), BEHIND) != NULL, behind);
}

/* Counted whole until a number is old enough that nobody can commit below it; then only what is behind it. */
static void large_totals_are_remembered(void **state)
{
    (void)state;
    total_clock = test_clock;
    now = 1000;
    ENTRY_WITH("5000");
    expect_total("", "\"total\":5000,", true, false);
    ENTRY_WITH("0 5000 0 7000");
    expect_total("", "\"total\":5000,", true, false);
    now += TOTAL_SETTLED_SECONDS - 1;
    ENTRY_WITH("0 5001 0 7001");
    expect_total("", "\"total\":5001,", true, false);
    now += 1;
    ENTRY_WITH("0 5003 3 7003");
    expect_total("", "\"total\":5003,", true, true);
    assert_non_null(strstr(fake_said(), "7000"));
    ENTRY_WITH("0 4");
    expect_total("", "\"total\":5004,", false, true);
    ENTRY_WITH("0 2500 3 7004"); /* each condition by itself */
    expect_total("key=k", "\"total\":2500,", true, true);
    ENTRY_WITH("0 2 1 7004"); /* however few: finding them may have taken the whole table */
    expect_total("key=l", "\"total\":2,", true, true);
    ENTRY_WITH("0 1");
    expect_total("key=l", "\"total\":2,", false, true);
    ENTRY_WITH("0 5");
    expect_total("sort_by=desc:key", "\"total\":5005,", false, true);
}

static void totals_follow_deletions(void **state)
{
    (void)state;
    ENTRY_WITH("1 4");
    fake_rows("^SELECT CONCAT_WS", 1, "1 4001 4 7004");
    expect_total("", "\"total\":4001,", true, true);
    ENTRY_WITH("1 5");
    expect_total("", "\"total\":4002,", false, true);
    now += TOTAL_KEPT_SECONDS; /* whoever has deleted past Kanso */
    ENTRY_WITH("1 3000 0 7004");
    expect_total("", "\"total\":3000,", true, true);
}

/* Asks for a tag; how often it says that it is used, and how that was counted. */
static void expect_tagged(const char *number, bool whole, bool behind)
{
    ask("GET", "/tags", "", NULL);
    expect_body(number);
    const char *first = strstr(fake_said(), "GROUP BY tag_id <- "),
               *second = first ? strstr(first + 1, "GROUP BY") : NULL;
    assert_int_equal(strstr(fake_said(), ", 0, '" ID "'\n") != NULL, whole);
    assert_int_equal((first != NULL) + (second != NULL), whole + behind);
    fake_reset();
}

#define TAG_COUNTED_AS(...)                                                                                            \
    do {                                                                                                               \
        fake_rows("FROM `tag`", 6, ID, WHEN, WHEN, "red", "one", "1");                                                 \
        fake_rows("tag_resource", 3, __VA_ARGS__);                                                                     \
    } while (0)

static void counts_of_tags_are_remembered(void **state)
{
    (void)state;
    TAG_COUNTED_AS("", "0", "7000", ID, "5000", "5000");
    expect_tagged("\"tagged_count\":5000}", true, false);
    TAG_COUNTED_AS("", "0", "7000", ID, "5001", "5001"); /* not asked for */
    expect_tagged("\"tagged_count\":5000}", false, false);
    now += TOTAL_SETTLED_SECONDS;
    TAG_COUNTED_AS("", "0", "7004", ID, "5004", "3");
    expect_tagged("\"tagged_count\":5004}", true, false);
    TAG_COUNTED_AS("", "0", "7005", ID, "4", "4");
    expect_tagged("\"tagged_count\":5005}", false, true);
    TAG_COUNTED_AS("", "1", "7005", ID, "4", "4"); /* somebody has deleted something */
    expect_tagged("\"tagged_count\":5005}", false, true);
    now += 5;
    TAG_COUNTED_AS("", "1", "7005", ID, "4", "4");
    fake_rows("tag_resource", 3, "", "1", "7005", ID, "4998", "4");
    expect_tagged("\"tagged_count\":4998}", true, true);
    TAG_COUNTED_AS("", "1", "7005");
    expect_tagged("\"tagged_count\":4994}", false, true);
    now += TOTAL_KEPT_SECONDS; /* whoever has deleted past Kanso */
    TAG_COUNTED_AS("", "1", "7005", ID, "3000", "0");
    expect_tagged("\"tagged_count\":3000}", true, false);
}

/* So much has come at once that it should not be counted each time, nor all of it. */
static void counts_of_tags_that_grow_fast(void **state)
{
    (void)state;
    now += TOTAL_KEPT_SECONDS;
    TAG_COUNTED_AS("", "1", "9010", ID, "9010", "9000"); /* the end is still that of before */
    expect_tagged("\"tagged_count\":9010}", true, false);
    TAG_COUNTED_AS("", "1", "9011", ID, "9011", "9001"); /* not asked for */
    expect_tagged("\"tagged_count\":9010}", false, false);
    now += 5;
    TAG_COUNTED_AS("", "1", "9011", ID, "9011", "9001");
    expect_tagged("\"tagged_count\":9011}", true, false);
    now += TOTAL_SETTLED_SECONDS;
    TAG_COUNTED_AS("", "1", "9012", ID, "9012", "2"); /* 9010 is the end now */
    expect_tagged("\"tagged_count\":9012}", true, false);
    TAG_COUNTED_AS("", "1", "9013", ID, "3", "3");
    expect_tagged("\"tagged_count\":9013}", false, true);
}

/* Small counts are remembered as well once the end is known, and counted anew as soon as something has been deleted. */
static void small_counts_of_tags_are_exact(void **state)
{
    (void)state;
    now += TOTAL_KEPT_SECONDS;
    TAG_COUNTED_AS("", "1", "9013", ID, "14", "2");
    expect_tagged("\"tagged_count\":14}", true, false);
    TAG_COUNTED_AS("", "1", "9013", ID, "3", "3");
    expect_tagged("\"tagged_count\":15}", false, true);
    TAG_COUNTED_AS("", "2", "9013", ID, "3", "3"); /* somebody has deleted something */
    fake_rows("tag_resource", 3, "", "2", "9013");
    expect_tagged("\"tagged_count\":0}", true, true);
    TAG_COUNTED_AS("", "2", "9014", ID, "1", "1");
    expect_tagged("\"tagged_count\":1}", false, true);
}

/* What rows may come to meet or cease to is counted each time. */
static void totals_of_what_changes_are_not_remembered(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        ENTRY_WITH("5000");
        expect_total("updated=2024-01-01 00:00:00", "\"total\":5000,", true, false);
    }
}

/* Writes --------------------------------------------------------------------------------------------------------- */

#define GUARD                                                                                                          \
    "INSERT INTO kanso_name_guard (resource, scope, name) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE name = name <- "    \
    "'tag', '', 'one'\n"
#define LOOK "SELECT id FROM `tag` t WHERE 1 = 1 AND `name` <=> ? AND id <> ? LIMIT 1 <- 'one', <id>\n"
#define INSERT                                                                                                         \
    "INSERT INTO `tag` SET `color` = ?, `name` = ?, `id` = ?, `created` = ?, `updated` = ? <- 'red', 'one', <id>, "    \
    "<now>, <now>\n"
#define RELEASE  "DELETE FROM kanso_name_guard WHERE resource = ? AND scope = ? AND name = ? <- 'tag', '', 'one'\n"
#define FIND     "SELECT t.id FROM `tag` t WHERE 1 = 1 AND t.name = ? ORDER BY t.created, t.kanso_order LIMIT 1 <- 'one'\n"
#define READ     "SELECT " TAG " FROM `tag` t WHERE 1 = 1 AND t.id = ? <- "
#define READ_NEW READ "<id>\n"
#define LOCK     "SELECT " TAG " FROM `tag` t WHERE 1 = 1 AND t.id = ? FOR UPDATE <- '" ID "'\n"
#define DELETED                                                                                                        \
    "DELETE FROM `tag` WHERE id = ? <- '" ID "'\n"                                                                     \
    "INSERT INTO kanso_deletion (slot, times) VALUES (CONNECTION_ID() % 64, 1) ON DUPLICATE KEY UPDATE times = "       \
    "times + 1\n"
#define BODY "{\"name\":\"one\",\"color\":\"red\"}"

/* The next statement that selects a tag whole finds this one. */
static void answer_tag(void)
{
    fake_rows("^SELECT " TAG, 5, ID, WHEN, WHEN, "red", "one");
}

static void a_create(void **state)
{
    (void)state;
    answer_tag();
    ask("POST", "/tags", "", BODY);
    expect(200, "BEGIN\n" GUARD LOOK INSERT RELEASE "COMMIT\n" READ_NEW COUNTED);
    expect_body("\"name\":\"one\"");
}

static void a_create_of_a_name_that_is_taken(void **state)
{
    (void)state;
    fake_rows("`name` <=> ?", 1, ID);
    ask("POST", "/tags", "", BODY);
    expect(409, "BEGIN\n" GUARD LOOK "ROLLBACK\n");
    expect_body("[\"EntityExistsError\",");
}

/* What a row refers to is looked for in one statement, and stays until the commit. */
static void references_are_held(void **state)
{
    (void)state;
#define HELD                                                                                                           \
    "SELECT (SELECT id FROM `user` WHERE id = ? LOCK IN SHARE MODE), "                                                 \
    "(SELECT id FROM `workspace` WHERE id = ? LOCK IN SHARE MODE) <- "
    fake_rows("LOCK IN SHARE MODE", 2, ME, NULL);
    ask("POST", "/pipelines", "", "{\"user\":\"" ME_TEXT "\",\"workspace\":\"" WORKSPACE "\",\"name\":\"p\"}");
    assert_int_equal(c.res.status, 400);
    expect_body("There is no workspace with the id " WORKSPACE);
    const char *held = strstr(fake_said(), HELD);
    assert_non_null(held);
    assert_string_equal(held + strlen(HELD), "'" ME "', '00000000000040008000000000000003'\nROLLBACK\n");
}

static void an_update(void **state)
{
    (void)state;
    answer_tag();
    answer_tag();
    ask("PUT", "/tags/" ID_TEXT, "", "{\"color\":\"blue\"}");
    expect(200, "BEGIN\n" LOCK "UPDATE `tag` SET `color` = ?, `updated` = ? WHERE id = ? <- 'blue', <now>, '" ID
                "'\nCOMMIT\n" READ "'" ID "'\n" COUNTED);
}

static void an_update_of_nothing(void **state)
{
    (void)state;
    ask("PUT", "/tags/" ID_TEXT, "", "{\"color\":\"blue\"}");
    expect(404, "BEGIN\n" LOCK "ROLLBACK\n");
    expect_body("[\"KeyError\",");
}

static void a_delete(void **state)
{
    (void)state;
    fake_rows("^SELECT t.id", 1, ID);
    answer_tag();
    ask("DELETE", "/tags/one", "", NULL);
    expect(200, FIND "BEGIN\n" LOCK DELETED "COMMIT\n");
    assert_string_equal(c.res.body.data, "null");
}

static void a_get_by_name(void **state)
{
    (void)state;
    fake_rows("^SELECT t.id", 1, ID);
    answer_tag();
    ask("GET", "/tags/one", "", NULL);
    expect(200, FIND READ "'" ID "'\n" COUNTED);
    fake_reset();
    ask("GET", "/tags/one", "", NULL);
    expect(404, FIND);
}

/* What the database refuses -------------------------------------------------------------------------------------- */

#define BEFORE "BEGIN\n" GUARD LOOK INSERT

static void again_means_from_the_start(void **state)
{
    (void)state;
    static const char *const WHERE[] = {"INSERT INTO kanso_name_guard", "INSERT INTO `tag`", "COMMIT"};
    static const char *const FIRST[] = {"BEGIN\n" GUARD "ROLLBACK\n", BEFORE "ROLLBACK\n", BEFORE RELEASE "COMMIT\n"};
    for (size_t i = 0; i < ARRAY_LEN(WHERE); i++) {
        fake_reset();
        fake_fails(WHERE[i], DB_AGAIN);
        answer_tag();
        ask("POST", "/tags", "", BODY);
        struct buf said = {0};
        buf_addf(&said, "%s" BEFORE RELEASE "COMMIT\n" READ_NEW COUNTED, FIRST[i]);
        expect(200, said.data);
        buf_free(&said);
    }
}

/* Of a COMMIT without an answer nobody knows whether it took effect: it is not run a second time. */
static void a_lost_commit_is_not_repeated(void **state)
{
    (void)state;
    fake_fails("COMMIT", DB_LOST);
    ask("POST", "/tags", "", BODY);
    expect(503, BEFORE RELEASE "COMMIT\n");
    expect_body("check whether it took effect");
}

/* Behind the commit only the reading is done again. */
static void what_is_committed_is_not_repeated(void **state)
{
    (void)state;
    fake_fails("^SELECT " TAG, DB_LOST);
    answer_tag();
    ask("POST", "/tags", "", BODY);
    expect(200, BEFORE RELEASE "COMMIT\n" READ_NEW READ_NEW COUNTED);
}

static void again_has_an_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fake.answers); i++)
        fake_fails("INSERT INTO kanso_name_guard", DB_AGAIN);
    ask("POST", "/tags", "", BODY);
    assert_int_equal(c.res.status, 503);
    assert_false(fake.open);
    size_t tries = 0;
    for (const char *at = fake_said(); (at = strstr(at, "BEGIN\n")); at++)
        tries++;
    assert_in_range(tries, 2, ARRAY_LEN(fake.answers) - 1);
}

static void other_failures_are_answered(void **state)
{
    (void)state;
    static const struct {
        enum db_status how;
        int status;
        const char *part;
    } CASES[] = {
        {DB_DUPLICATE, 409, "[\"EntityExistsError\","}, {DB_FOREIGN, 400, "[\"ValueError\","},
        {DB_INVALID, 400, "[\"ValueError\","},          {DB_UNAVAILABLE, 503, "The database is busy"},
        {DB_ERROR, 500, "[\"RuntimeError\","},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        fake_reset();
        fake_fails("INSERT INTO `tag`", CASES[i].how);
        ask("POST", "/tags", "", BODY);
        expect(CASES[i].status, BEFORE "ROLLBACK\n");
        expect_body(CASES[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pages_are_in_order, reset),
        cmocka_unit_test_setup(a_page_shows_its_rows, reset),
        cmocka_unit_test_setup(a_page_beyond_the_last, reset),
        cmocka_unit_test_setup(filters_become_conditions, reset),
        cmocka_unit_test_setup(filters_know_their_classes, reset),
        cmocka_unit_test_setup(wrong_filters_ask_nothing, reset),
        cmocka_unit_test_setup(lists_within_a_workspace, reset),
        cmocka_unit_test_setup(lists_of_ids_are_padded, reset),
        cmocka_unit_test_setup(a_missing_index_is_done_without, reset),
        cmocka_unit_test_setup(values_never_stand_in_a_statement, reset),
        cmocka_unit_test_setup(joins_are_for_the_page_alone, reset),
        cmocka_unit_test_setup(large_totals_are_remembered, reset),
        cmocka_unit_test_setup(totals_follow_deletions, reset),
        cmocka_unit_test_setup(totals_of_what_changes_are_not_remembered, reset),
        cmocka_unit_test_setup(a_create, reset),
        cmocka_unit_test_setup(a_create_of_a_name_that_is_taken, reset),
        cmocka_unit_test_setup(references_are_held, reset),
        cmocka_unit_test_setup(an_update, reset),
        cmocka_unit_test_setup(an_update_of_nothing, reset),
        cmocka_unit_test_setup(a_delete, reset),
        cmocka_unit_test_setup(a_get_by_name, reset),
        cmocka_unit_test_setup(again_means_from_the_start, reset),
        cmocka_unit_test_setup(a_lost_commit_is_not_repeated, reset),
        cmocka_unit_test_setup(what_is_committed_is_not_repeated, reset),
        cmocka_unit_test_setup(again_has_an_end, reset),
        cmocka_unit_test_setup(other_failures_are_answered, reset),
        cmocka_unit_test_setup(counts_of_tags_are_remembered, reset),
        cmocka_unit_test_setup(counts_of_tags_that_grow_fast, reset),
        cmocka_unit_test_setup(small_counts_of_tags_are_exact, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
