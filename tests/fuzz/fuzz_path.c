/* libFuzzer target: methods and paths. The first byte chooses the method; the rest is the path, percent-encoded. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const METHODS[] = {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", ""};
    if (size < 1)
        return 0;
    size_t count = 0;
    while (all_groups[count])
        count++;
    char *text = input_text(data + 1, size - 1, true);
    struct ctx c = {.mem = &arena, .req.method = METHODS[data[0] % ARRAY_LEN(METHODS)]};
    c.req.path = percent_decode(&arena, text, size - 1, false, &c.req.path_len);
    expect(c.req.path_len <= size - 1);
    if (route_find(&c, all_groups, count) == OK)
        expect(c.route && c.route->handler);
    else
        expect(c.res.status == 404 || c.res.status == 405 || c.res.status == 400 || c.res.status == 307);
    buf_free(&c.res.body);
    free(text);
    arena_reset(&arena);
    return 0;
}
