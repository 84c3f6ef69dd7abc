/*
 * libFuzzer target: what strangers may hand to the security models. The first byte chooses the
 * model and whether the rest is a serialised form or JSON. Whatever is accepted must survive every
 * conversion and come back the same.
 */
#include "security/security.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static struct span content(const struct buf *b)
{
    return (struct span){b->len ? b->data : "", b->len};
}

/* What is written reads back, and is then written the same; an object that came from the wire is
 * equal, too. */
static void check_wire(const struct sec_model *model, const void *object, bool from_wire)
{
    struct buf wire = {0}, again = {0};
    const char *why;
    bool is_null = !sec_to_wire(model, object, &wire);
    expect(sec_is_empty(model, object) == (is_null ? -1 : wire.len == 0));
    if (wire.len <= SEC_MAX_BYTES) {
        void *copy = sec_from_wire(&arena, model, content(&wire), SEC_AS_WRITTEN, &why);
        expect(copy != NULL);
        expect(!from_wire || sec_equal(model, object, copy));
        sec_to_wire(model, copy, &again);
        expect(wire.len == again.len && memcmp(content(&wire).s, content(&again).s, wire.len) == 0);
    }
    buf_free(&wire);
    buf_free(&again);
}

/* The JSON form stands for the same bytes. */
static void check_json(const struct sec_model *model, const void *object)
{
    struct buf json = {0}, wire = {0}, again = {0};
    struct json_error error;
    const char *why;
    sec_to_json(model, object, &json);
    expect(json_check_strict(json.data, json.len, &error));
    if (json.len <= SEC_MAX_BYTES) {
        void *copy = sec_from_json(&arena, model, content(&json), &why);
        expect(copy != NULL);
        sec_to_wire(model, object, &wire);
        sec_to_wire(model, copy, &again);
        expect(wire.len == again.len && memcmp(content(&wire).s, content(&again).s, wire.len) == 0);
    }
    buf_free(&json);
    buf_free(&wire);
    buf_free(&again);
}

static void check(const struct sec_model *model, const void *object, bool from_wire)
{
    struct buf text = {0};
    expect(sec_equal(model, object, object));
    check_wire(model, object, from_wire);
    check_json(model, object);
    sec_short_string(&arena, model, object, &text);
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sec_model *const models[] = {&SEC_CONTEXT, &SEC_SECRET, &SEC_OAUTH2_CLIENT, &SEC_IDENTITY,
                                                     &SEC_TOKEN_REQUEST};
    if (size == 0)
        return 0;
    const struct sec_model *model = models[(data[0] >> 1) % 5];
    struct span input = {(const char *)data + 1, size - 1};
    struct json_error error;
    const char *why = NULL;
    if (data[0] & 1) {
        void *object = json_check_strict(input.s, input.len, &error) ? sec_from_json(&arena, model, input, &why) : NULL;
        if (object)
            check(model, object, false);
        sec_from_base64(&arena, model, input, SEC_AS_WRITTEN, &why);
    } else {
        void *written = sec_from_wire(&arena, model, input, SEC_AS_WRITTEN, &why);
        void *object = sec_from_wire(&arena, model, input, SEC_AS_MODEL, &why);
        expect(!written == !object && !written == !!why);
        if (object) {
            check(model, written, true);
            check_wire(model, object, true);
        }
    }
    arena_reset(&arena);
    return 0;
}
