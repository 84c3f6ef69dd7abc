/* libFuzzer target: query strings, and the filters of every list. The first byte chooses the list. */
#include "fuzz.h"

#include "http/form.h"
#include "resource/filter.h"

/* Counts the places for parameters in a condition. */
static size_t places(const char *sql)
{
    size_t n = 0;
    for (; sql && *sql; sql++)
        n += *sql == '?';
    return n;
}

static const struct route *nth_list(size_t n)
{
    for (;; n++) {
        const struct route *r = nth_route(n);
        if (r->op == OP_LIST)
            return r;
    }
}

/* What is no text is refused before filters are read. */
static bool is_text(const struct ctx *c)
{
    for (size_t i = 0; i < c->req.query_count; i++)
        if (!utf8_valid(c->req.query[i].name, strlen(c->req.query[i].name)) ||
            !utf8_valid(c->req.query[i].value, c->req.query[i].value_len))
            return false;
    return true;
}

static void read_filters(struct ctx *c)
{
    filter_read(c);
    expect(c->filter->size >= 1 && c->filter->page >= 1);
    if (c->check && c->check->count) {
        expect_json_problems(c->check);
        return;
    }
    struct query *q = query_new(&arena);
    filter_where(c->filter, c->route->resource, q);
    expect(places(q->text.data) == q->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = input_text(data + 1, size - 1, true);
    struct ctx c = {.mem = &arena, .route = nth_list(data[0]), .param = {"0f7a3c526a0e4a559f5e2a54b6b5a001"}};
    form_read(&c, text, size - 1);
    if (is_text(&c))
        read_filters(&c);
    free(text);
    arena_reset(&arena);
    return 0;
}
