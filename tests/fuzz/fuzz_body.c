/* libFuzzer target: the body of every operation. The first byte chooses the route, the rest is the body. */
#include "fuzz.h"

#include "resource/resource.h"

static const struct model *body_of(const struct route *r)
{
    return r->op == OP_CREATE || r->op == OP_UPDATE ? r->resource->body : r->body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const struct route *r = nth_route(data[0]);
    const struct model *m = body_of(r);
    char *text = input_text(data + 1, size - 1, true);
    struct json_object *tree;
    struct json_error error;
    if (m && utf8_valid(text, size - 1) && json_parse(&arena, text, size - 1, &tree, &error)) {
        struct loc body = {.name = "body"};
        struct check *k = check_new(&arena);
        k->at = &body;
        k->mode = streq(r->method, "PUT") ? CHECK_UPDATE : CHECK_CREATE;
        struct json_object *checked = model_check(k, m, tree);
        expect(!checked == (k->count > 0));
        expect_json_problems(k);
    }
    free(text);
    arena_reset(&arena);
    return 0;
}
