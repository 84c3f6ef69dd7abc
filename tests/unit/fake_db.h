/*
 * The door db/db.h without a database behind it: what is asked is written down, and answered as the test has said.
 *
 * A program that includes this is linked from the library's objects with --wrap for each function below (FAKED in
 * scripts/test.mk), so that everything else in it is the real thing.
 */
#ifndef KANSO_TESTS_FAKE_DB_H
#define KANSO_TESTS_FAKE_DB_H

#include "base/buf.h"
#include "base/text.h"
#include "db/db.h"

#include "unit.h"

enum { FAKE_DEADLOCK = 1213 };

/* What the next statement that holds `text` (or begins with it: "^SELECT") is answered with: once. */
struct fake_answer {
    const char *text;
    enum db_status status;
    size_t columns;
    const char *const *values; /* count of them; NULL is SQL NULL */
    size_t count;
    bool given;
};

static struct {
    struct buf said; /* the statements with their parameters, one a line */
    struct fake_answer answers[32];
    size_t answer_count;
    bool open;        /* a transaction */
    unsigned failure; /* what db_errno() says */
} fake;

static void fake_reset(void)
{
    buf_clear(&fake.said, 0);
    fake.answer_count = 0;
    fake.open = false;
    fake.failure = FAKE_DEADLOCK;
}

static void fake_add(struct fake_answer answer)
{
    assert_true(fake.answer_count < ARRAY_LEN(fake.answers));
    fake.answers[fake.answer_count++] = answer;
}

/* fake_rows("FROM `tag`", 2, "first", "row", "second", NULL): answered in the order in which they were said. */
#define fake_rows(part, width, ...)                                                                                    \
    do {                                                                                                               \
        static const char *const fake_values[] = {__VA_ARGS__};                                                        \
        fake_add((struct fake_answer){                                                                                 \
            .text = (part), .columns = (width), .values = fake_values, .count = ARRAY_LEN(fake_values)});              \
    } while (0)
#define fake_fails(part, how) fake_add((struct fake_answer){.text = (part), .status = (how)})

/* All statements since fake_reset(). */
static const char *fake_said(void)
{
    buf_room(&fake.said, 1);
    fake.said.data[fake.said.len] = '\0';
    return fake.said.data;
}

static bool fake_is_for(const char *text, const char *sql)
{
    return *text == '^' ? starts_with(sql, text + 1) : strstr(sql, text) != NULL;
}

static struct fake_answer *fake_answer_to(const char *sql)
{
    for (size_t i = 0; i < fake.answer_count; i++)
        if (!fake.answers[i].given && fake_is_for(fake.answers[i].text, sql)) {
            fake.answers[i].given = true;
            return &fake.answers[i];
        }
    return NULL;
}

/* Ids of tests begin with eight zeros, and their times with 2024: other ones are new, and no two runs have the same. */
static const char *fake_new(const struct db_param *p)
{
    const char *const hex = "0123456789abcdef";
    if (p->len == 32 && strspn(p->s, hex) == 32 && !starts_with(p->s, "00000000"))
        return "<id>";
    if (p->len == 19 && p->s[4] == '-' && p->s[13] == ':' && !starts_with(p->s, "2024"))
        return "<now>";
    return NULL;
}

static void fake_say_param(const struct db_param *p)
{
    if (p->type == P_NULL)
        buf_adds(&fake.said, "NULL");
    else if (p->type == P_INT)
        buf_addf(&fake.said, "%lld", (long long)p->n);
    else if (fake_new(p))
        buf_adds(&fake.said, fake_new(p));
    else
        buf_addf(&fake.said, "'%.*s'", (int)p->len, p->s);
}

enum db_status __wrap_db_run(struct db *db, struct arena *a, struct db_rows *out, const char *sql,
                             const struct db_param *params, size_t count);
enum db_status __wrap_db_run(struct db *db, struct arena *a, struct db_rows *out, const char *sql,
                             const struct db_param *params, size_t count)
{
    (void)db;
    buf_adds(&fake.said, sql);
    for (size_t i = 0; i < count; i++) {
        buf_adds(&fake.said, i ? ", " : " <- ");
        fake_say_param(&params[i]);
    }
    buf_addc(&fake.said, '\n');
    const struct fake_answer *answer = fake_answer_to(sql);
    if (answer && answer->status != DB_OK)
        return answer->status;
    if (!out)
        return DB_OK;
    *out = (struct db_rows){.affected = 1};
    if (!answer)
        return DB_OK;
    out->columns = answer->columns;
    out->count = answer->count / answer->columns;
    out->values = arena_array(a, answer->count, sizeof *out->values);
    for (size_t i = 0; i < answer->count; i++)
        out->values[i] = (struct db_value){answer->values[i], answer->values[i] ? strlen(answer->values[i]) : 0};
    return DB_OK;
}

static enum db_status fake_transaction(const char *what, bool open)
{
    fake.open = open;
    buf_addf(&fake.said, "%s\n", what);
    const struct fake_answer *answer = fake_answer_to(what);
    return answer ? answer->status : DB_OK;
}

enum db_status __wrap_db_begin(struct db *db);
enum db_status __wrap_db_begin(struct db *db)
{
    (void)db;
    assert_false(fake.open);
    return fake_transaction("BEGIN", true);
}

enum db_status __wrap_db_commit(struct db *db);
enum db_status __wrap_db_commit(struct db *db)
{
    (void)db;
    assert_true(fake.open);
    return fake_transaction("COMMIT", false);
}

void __wrap_db_rollback(struct db *db);
void __wrap_db_rollback(struct db *db)
{
    (void)db;
    if (fake.open)
        fake_transaction("ROLLBACK", false);
}

enum db_status __wrap_db_room(struct db *db);
enum db_status __wrap_db_room(struct db *db)
{
    (void)db;
    return DB_OK;
}

void __wrap_db_trace_begin(struct db *db);
void __wrap_db_trace_begin(struct db *db)
{
    (void)db;
}

unsigned __wrap_db_errno(const struct db *db);
unsigned __wrap_db_errno(const struct db *db)
{
    (void)db;
    return fake.failure;
}

const char *__wrap_db_error(const struct db *db);
const char *__wrap_db_error(const struct db *db)
{
    (void)db;
    return "said by a test";
}

const char *__wrap_db_cause(const struct db *db);
const char *__wrap_db_cause(const struct db *db)
{
    (void)db;
    return "The database is busy";
}

#endif
