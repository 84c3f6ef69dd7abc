/* libFuzzer target: forms. The input is the content type, a line feed, and the body. */
#include "fuzz.h"

#include "http/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size, true), *line = memchr(text, '\n', size);
    struct ctx multipart = {.mem = &arena}, urlencoded = {.mem = &arena};
    if (line) {
        *line = '\0';
        size_t len = size - (size_t)(line + 1 - text);
        char *body = input_text((const uint8_t *)line + 1, len, true);
        form_read_multipart(&multipart, text, body, len);
        form_read(&urlencoded, body, len);
        free(body);
    }
    for (size_t i = 0; i < multipart.req.query_count; i++)
        expect(multipart.req.query[i].name && strlen(multipart.req.query[i].value) <= multipart.req.query[i].value_len);
    free(text);
    arena_reset(&arena);
    return 0;
}
