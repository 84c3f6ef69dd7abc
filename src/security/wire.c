/* The wire format of protocol buffers, as far as these messages use it. */
#include "security/fields.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, GROUP = 3, END_GROUP = 4, FIXED32 = 5 };
enum { MAX_GROUPS = 100 }; /* unknown groups within each other; flyteidl's own limit */

static void put_varint(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_addc(out, (char)(v | 0x80));
    buf_addc(out, (char)v);
}

static void put_message(struct buf *out, const struct sec_model *model, const void *object);

/* Writes the message first and then moves it to make room for its length. */
static void put_child(struct buf *out, const struct sec_model *model, const void *object)
{
    size_t at = out->len;
    put_message(out, model, object);
    size_t len = out->len - at;
    put_varint(out, len);
    unsigned char prefix[10];
    size_t n = out->len - at - len;
    memcpy(prefix, out->data + at + len, n);
    memmove(out->data + at + n, out->data + at, len);
    memcpy(out->data + at, prefix, n);
}

static void put_message(struct buf *out, const struct sec_model *model, const void *object)
{
    for (size_t i = 0; i < model->count; i++) {
        const struct sec_field *f = &model->fields[i];
        char tag = (char)((i + 1) << 3 | (f->kind == SEC_ENUM ? VARINT : LENGTH));
        if (!sec_is_set(f, object))
            continue;
        if (f->kind == SEC_LIST) {
            const struct sec_list *list = sec_list(f, object);
            for (size_t k = 0; k < list->count; k++) {
                buf_addc(out, tag);
                put_child(out, f->model, list->items[k]);
            }
            continue;
        }
        buf_addc(out, tag);
        if (f->kind == SEC_ENUM) {
            put_varint(out, (uint64_t)(int64_t)*sec_enum(f, object));
        } else if (f->kind == SEC_MESSAGE) {
            put_child(out, f->model, *sec_message(f, object));
        } else {
            put_varint(out, sec_text(f, object)->len);
            buf_add(out, sec_text(f, object)->s, sec_text(f, object)->len);
        }
    }
}

bool sec_to_wire(const struct sec_model *model, const void *object, struct buf *out)
{
    if (sec_is_null(model, object))
        return false;
    put_message(out, model, object);
    return true;
}

int sec_is_empty(const struct sec_model *model, const void *object)
{
    if (sec_is_null(model, object))
        return -1;
    for (size_t i = 0; i < model->count; i++)
        if (sec_is_set(&model->fields[i], object))
            return 0;
    return 1;
}

char *sec_to_base64(struct arena *a, const struct sec_model *model, const void *object)
{
    struct buf wire = {0};
    char *text = sec_to_wire(model, object, &wire) ? base64_encode(a, wire.data, wire.len) : NULL;
    buf_free(&wire);
    return text;
}

/* What is being read: within a message, `end` is that message's. */
struct reader {
    struct arena *a;
    const unsigned char *start, *p, *end;
    const char *why;
};

__attribute__((format(printf, 2, 3))) static bool bad(struct reader *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *what = arena_vprintf(r->a, fmt, ap);
    va_end(ap);
    r->why = arena_printf(r->a, "byte %zu: %s", (size_t)(r->p - r->start), what);
    return false;
}

static bool take(struct reader *r, uint64_t len)
{
    size_t left = (size_t)(r->end - r->p);
    if (len > left)
        return bad(r, "truncated: %llu bytes should follow, %zu are left", (unsigned long long)len, left);
    r->p += len;
    return true;
}

/* A varint in its shortest form: up to ten bytes, the last not zero unless it stands alone. */
static bool take_varint(struct reader *r, uint64_t *value)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 10; i++) {
        if (r->p + i == r->end)
            return bad(r, "truncated in a varint");
        unsigned char byte = r->p[i];
        if (i == 9 && byte > 1)
            break;
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte >= 0x80)
            continue;
        if (byte == 0 && i > 0)
            break;
        r->p += i + 1;
        *value = v;
        return true;
    }
    return bad(r, "a varint that is longer than its value needs, or than 64 bits");
}

static bool take_tag(struct reader *r, uint32_t *number, unsigned *wire)
{
    uint64_t tag = 0;
    if (!take_varint(r, &tag))
        return false;
    if (tag > UINT32_MAX || tag >> 3 == 0)
        return bad(r, "a field number must be between 1 and 536870911");
    *number = (uint32_t)(tag >> 3);
    *wire = tag & 7;
    return true;
}

static bool skip_value(struct reader *r, uint32_t number, unsigned wire, int depth);

static bool skip_group(struct reader *r, uint32_t group, int depth)
{
    uint32_t number = 0;
    unsigned wire = 0;
    if (depth > MAX_GROUPS)
        return bad(r, "groups are nested deeper than %d", MAX_GROUPS);
    while (take_tag(r, &number, &wire)) {
        if (wire == END_GROUP)
            return number == group || bad(r, "the group of field %u ends as field %u", group, number);
        if (!skip_value(r, number, wire, depth))
            return false;
    }
    return false;
}

/* Steps over an unknown field's value. */
static bool skip_value(struct reader *r, uint32_t number, unsigned wire, int depth)
{
    uint64_t v;
    switch (wire) {
    case VARINT:
        return take_varint(r, &v);
    case FIXED64:
        return take(r, 8);
    case LENGTH:
        return take_varint(r, &v) && take(r, v);
    case GROUP:
        return skip_group(r, number, depth + 1);
    case FIXED32:
        return take(r, 4);
    case END_GROUP:
        return bad(r, "the end of a group that did not begin");
    default:
        return bad(r, "there is no wire type %u", wire);
    }
}

static bool take_message(struct reader *r, const struct sec_model *model, void *object);

/* Reads `len` bytes as a message: into the one that is there already, or into a new one. */
static bool take_child(struct reader *r, const struct sec_field *f, void *object, uint64_t len)
{
    void *child = f->kind == SEC_MESSAGE ? *sec_message(f, object) : NULL;
    if (!child) {
        child = arena_alloc(r->a, f->model->size);
        if (f->kind == SEC_MESSAGE)
            *sec_message(f, object) = child;
        else
            sec_append(r->a, sec_list(f, object), child);
    }
    const unsigned char *outer = r->end;
    r->end = r->p + len;
    bool ok = take_message(r, f->model, child);
    r->end = outer;
    return ok;
}

static bool take_field(struct reader *r, const struct sec_model *model, const struct sec_field *f, void *object)
{
    uint64_t v = 0;
    if (!take_varint(r, &v))
        return false;
    if (f->kind == SEC_ENUM) {
        *sec_enum(f, object) = (int32_t)(uint32_t)v;
        return true;
    }
    const unsigned char *at = r->p;
    if (!take(r, v))
        return false;
    if (f->kind == SEC_TEXT) {
        *sec_text(f, object) = (struct span){(const char *)at, (size_t)v};
        return utf8_valid((const char *)at, (size_t)v) || bad(r, "%s.%s is not UTF-8", model->name, f->name);
    }
    r->p = at;
    return take_child(r, f, object, v);
}

static bool take_message(struct reader *r, const struct sec_model *model, void *object)
{
    while (r->p < r->end) {
        uint32_t number = 0;
        unsigned wire = 0;
        if (!take_tag(r, &number, &wire))
            return false;
        if (number > model->count) {
            if (!skip_value(r, number, wire, 0))
                return false;
            continue;
        }
        const struct sec_field *f = &model->fields[number - 1];
        unsigned right = f->kind == SEC_ENUM ? VARINT : LENGTH;
        if (wire != right)
            return bad(r, "%s.%s has wire type %u, not %u", model->name, f->name, wire, right);
        if (!take_field(r, model, f, object))
            return false;
    }
    return true;
}

/* What is to become null: a message of zero bytes where the model has null for it. */
static bool is_dropped(const struct sec_field *f, const void *child)
{
    return child && (f->flags & SEC_NULLABLE) && sec_is_empty(f->model, child) == 1;
}

static const char *finish(struct arena *a, const struct sec_model *model, void *object, enum sec_form form);

static const char *finish_child(struct arena *a, const struct sec_field *f, void **child, enum sec_form form)
{
    if (form == SEC_AS_MODEL && is_dropped(f, *child))
        *child = NULL;
    if (form == SEC_AS_MODEL && !*child && f->model->idl)
        *child = arena_alloc(a, f->model->size);
    const char *why = *child ? finish(a, f->model, *child, form) : NULL;
    return why ? arena_printf(a, "%s: %s", f->name, why) : NULL;
}

static const char *finish_list(struct arena *a, const struct sec_field *f, struct sec_list *list, enum sec_form form)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *why = finish(a, f->model, list->items[i], form);
        if (why)
            return arena_printf(a, "%s[%zu]: %s", f->name, i, why);
    }
    return NULL;
}

/* Makes of a message what from_flyte_idl makes: null or "" of texts, then come the rules. */
static const char *finish(struct arena *a, const struct sec_model *model, void *object, enum sec_form form)
{
    const char *why = NULL;
    for (const struct sec_field *f = model->fields; !why && f < model->fields + model->count; f++) {
        if (f->kind == SEC_TEXT && !sec_is_set(f, object))
            sec_text(f, object)->s = f->flags & SEC_NULLABLE ? NULL : "";
        else if (f->kind == SEC_MESSAGE)
            why = finish_child(a, f, sec_message(f, object), form);
        else if (f->kind == SEC_LIST)
            why = finish_list(a, f, sec_list(f, object), form);
    }
    return !why && model->check ? model->check(a, object) : why;
}

void *sec_from_wire(struct arena *a, const struct sec_model *model, struct span bytes, enum sec_form form,
                    const char **why)
{
    const unsigned char *p = (const unsigned char *)(bytes.s ? bytes.s : "");
    struct reader r = {.a = a, .start = p, .p = p, .end = p + bytes.len};
    void *object = arena_alloc(a, model->size);
    if (bytes.len > SEC_MAX_BYTES)
        *why = arena_printf(a, "longer than %d bytes", SEC_MAX_BYTES);
    else
        *why = take_message(&r, model, object) ? finish(a, model, object, form) : r.why;
    return *why ? NULL : object;
}

void *sec_from_base64(struct arena *a, const struct sec_model *model, struct span text, enum sec_form form,
                      const char **why)
{
    while (text.len > 0 && strchr(" \t\r\n", text.s[text.len - 1]))
        text.len--;
    for (; text.len > 0 && strchr(" \t\r\n", *text.s); text.len--)
        text.s++;
    size_t len;
    const char *bytes = text.len > 2 * SEC_MAX_BYTES ? NULL : base64_decode(a, text.s, text.len, &len);
    if (bytes)
        return sec_from_wire(a, model, (struct span){bytes, len}, form, why);
    *why =
        text.len > 2 * SEC_MAX_BYTES ? "the base64 text is too long" : "not base64 (standard alphabet, padded with =)";
    return NULL;
}
