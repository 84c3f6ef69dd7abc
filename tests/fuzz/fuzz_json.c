/*
 * libFuzzer target: JSON text from strangers and from the database. What the check lets pass, json-c reads, and what is
 * written of it reads back; what is mended is strict JSON; walking any text stays within it.
 */
#include "fuzz.h"

#include "json/write.h"

static void walk(struct span value, int depth)
{
    struct span key, item;
    size_t at = 0;
    json_count(value);
    if (depth > 20)
        return;
    if (json_kind(value) == '{')
        while (json_next_member(value, &at, &key, &item)) {
            char *out = malloc(key.len + 1);
            expect(json_unescape(key.s, key.len, out) <= key.len);
            free(out);
            walk(item, depth + 1);
        }
    else if (json_kind(value) == '[')
        while (json_next_item(value, &at, &item))
            walk(item, depth + 1);
}

static void read_back(struct json_object *tree)
{
    struct buf text = {0};
    struct jw w = {.out = &text};
    struct json_object *again;
    struct json_error error;
    jw_value(&w, tree);
    expect(json_check_strict(text.data, text.len, &error));
    expect(json_parse(&arena, text.data, text.len, &again, &error));
    buf_free(&text);
}

/* Stored documents may hold larger integers and be nested deeper than what clients may send. */
static bool is_about_a_limit(const char *message)
{
    return streq(message, "Integer beyond 64 bits") || streq(message, "Nested too deeply");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size, false);
    struct json_error error;
    struct json_object *tree = NULL;
    struct span stored = {text, size};
    bool checked = utf8_valid(text, size) && json_check(text, size, &error);
    bool parsed = utf8_valid(text, size) && json_parse(&arena, text, size, &tree, &error);
    expect(!parsed || checked);
    if (parsed)
        read_back(tree);
    if (json_mend(&arena, &stored, &error)) {
        expect(json_check_strict(stored.s, stored.len, &error) || is_about_a_limit(error.message));
        walk(stored, 0);
    }
    free(text);
    arena_reset(&arena);
    return 0;
}
