#include "json/model.h"

#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct type T_ANY = {.kind = K_ANY};
const struct type T_STRING = {.kind = K_STRING, .label = "str"};
const struct type T_PASSWORD = {.kind = K_STRING, .label = "password"};
const struct type T_INT = {.kind = K_INT, .label = "int"};
const struct type T_FLOAT = {.kind = K_FLOAT, .label = "float"};
const struct type T_BOOL = {.kind = K_BOOL, .label = "bool"};
const struct type T_UUID = {.kind = K_UUID, .label = "uuid"};
const struct type T_STAMP = {.kind = K_STAMP, .label = "datetime"};
const struct type T_DURATION = {.kind = K_DURATION, .label = "timedelta"};
const struct type T_MAP_ANY = {.kind = K_MAP, .label = "dict[any,any]", .item = &T_ANY, .item_null = true};
const struct type T_LIST_ANY = {.kind = K_LIST, .label = "list[any]", .item = &T_ANY, .item_null = true};
const struct type T_STRINGS = {.kind = K_LIST, .label = "list[str]", .item = &T_STRING};
const struct type T_UUIDS = {.kind = K_LIST, .label = "list[uuid]", .item = &T_UUID};
const struct type T_MAP_STRING = {.kind = K_MAP, .label = "dict[str,str]", .item = &T_STRING};
const struct type T_MAP_UUID = {.kind = K_MAP, .label = "dict[str,uuid]", .item = &T_UUID};

/* Member access ------------------------------------------------------------------------------------------------- */

struct json_object *member(struct json_object *o, const char *name)
{
    struct json_object *v = NULL;
    if (!json_object_is_type(o, json_type_object))
        return NULL;
    json_object_object_get_ex(o, name, &v);
    return v;
}

bool member_given(struct json_object *o, const char *name)
{
    return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, name, NULL);
}

const char *member_str(struct json_object *o, const char *name)
{
    struct json_object *v = member(o, name);
    return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

const char *member_hex(struct arena *a, struct json_object *o, const char *name)
{
    struct json_object *v = member(o, name);
    return json_object_is_type(v, json_type_string) ? uuid_hex(a, json_object_get_string(v)) : NULL;
}

bool member_bool(struct json_object *o, const char *name)
{
    return json_object_get_boolean(member(o, name));
}

const struct field *model_field(const struct model *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->fields[i].name, name) == 0)
            return &m->fields[i];
    return NULL;
}

/* Problems ------------------------------------------------------------------------------------------------------- */

static void free_problems(void *b)
{
    buf_free(b);
}

struct check *check_new(struct arena *mem)
{
    struct check *c = arena_alloc(mem, sizeof *c);
    c->mem = mem;
    arena_on_reset(mem, free_problems, &c->problems);
    return c;
}

/* What a problem shows of what was sent: enough to find the place. Otherwise one request of a megabyte, with a hundred
 * things wrong, would have an answer of a hundred. */
enum { INPUT_SHOWN = 1000, NAME_SHOWN = 200 };
#define CUT_OFF "\xe2\x80\xa6"

/* The beginning of a text in UTF-8, with a mark where it was cut off. */
static void write_beginning(struct jw *w, struct arena *mem, const char *s, size_t len, size_t room)
{
    if (len <= room) {
        jw_strn(w, s, len);
        return;
    }
    while (room && ((unsigned char)s[room] & 0xc0) == 0x80)
        room--;
    jw_str(w, arena_printf(mem, "%.*s" CUT_OFF, (int)room, s));
}

/* The beginning of a value, up to about `end` bytes in the buffer; lists and objects end where a text that is cut off
 * would. */
static void write_input(struct jw *w, struct arena *mem, struct json_object *v, size_t end)
{
    size_t room = w->out->len < end ? end - w->out->len : 0;
    switch (json_object_get_type(v)) {
    case json_type_string:
        write_beginning(w, mem, json_object_get_string(v), (size_t)json_object_get_string_len(v), room);
        break;
    case json_type_array:
        jw_open(w, '[');
        for (size_t i = 0; i < json_object_array_length(v); i++) {
            if (w->out->len >= end) {
                jw_str(w, CUT_OFF);
                break;
            }
            write_input(w, mem, json_object_array_get_idx(v, i), end);
        }
        jw_close(w, ']');
        break;
    case json_type_object:
        jw_open(w, '{');
        json_object_object_foreach(v, key, item)
        {
            if (w->out->len >= end) {
                jw_key(w, CUT_OFF);
                jw_str(w, CUT_OFF);
                break;
            }
            write_beginning(w, mem, key, strlen(key), NAME_SHOWN);
            buf_addc(w->out, ':');
            write_input(w, mem, item, end);
        }
        jw_close(w, '}');
        break;
    default:
        jw_value(w, v);
    }
}

static void write_loc(struct jw *w, struct arena *mem, const struct loc *l)
{
    if (l->outer)
        write_loc(w, mem, l->outer);
    if (l->name)
        write_beginning(w, mem, l->name, strlen(l->name), NAME_SHOWN);
    else
        jw_int(w, (int64_t)l->index);
}

void check_problem(struct check *c, const char *name, const char *type, struct json_object *input, const char *ctx,
                   const char *fmt, ...)
{
    struct jw w = {.out = &c->problems};
    struct loc inner = {.outer = c->at, .name = name};
    va_list ap;
    if (++c->count > CHECK_LISTED || c->quiet)
        return;
    va_start(ap, fmt);
    const char *msg = arena_vprintf(c->mem, fmt, ap);
    va_end(ap);
    jw_open(&w, '{');
    jw_key(&w, "type");
    jw_str(&w, type);
    jw_key(&w, "loc");
    jw_open(&w, '[');
    if (name || c->at)
        write_loc(&w, c->mem, name ? &inner : c->at);
    jw_close(&w, ']');
    jw_key(&w, "msg");
    jw_str(&w, msg);
    jw_key(&w, "input");
    write_input(&w, c->mem, input, w.out->len + INPUT_SHOWN);
    if (ctx) {
        jw_key(&w, "ctx");
        jw_raw(&w, ctx, strlen(ctx));
    }
    jw_close(&w, '}');
}

void check_rewind(struct check *c, int count, size_t len)
{
    c->count = count;
    c->problems.len = len;
    if (c->problems.data)
        c->problems.data[len] = '\0';
}

char *check_text(struct check *c)
{
    const char *listed = c->problems.data ? c->problems.data : "";
    if (c->count <= CHECK_LISTED)
        return arena_printf(c->mem, "[%s]", listed);
    return arena_printf(c->mem,
                        "[%s,{\"type\":\"too_many\",\"loc\":[],\"msg\":\"and %d more problems\",\"input\":null}]",
                        listed, c->count - CHECK_LISTED);
}

/* Values --------------------------------------------------------------------------------------------------------- */

static const char *text_of(struct json_object *v, size_t *len)
{
    const char *s = json_object_get_string(v);
    *len = json_object_is_type(v, json_type_string) ? (size_t)json_object_get_string_len(v) : strlen(s);
    return s;
}

static struct json_object *refuse(struct check *c, const char *type, struct json_object *v, const char *msg)
{
    check_problem(c, NULL, type, v, NULL, "%s", msg);
    return NULL;
}

static struct json_object *check_string(struct check *c, const struct field *f, struct json_object *v)
{
    if (!json_object_is_type(v, json_type_string))
        return refuse(c, "string_type", v, "Input should be a valid string");
    size_t len;
    const char *s = text_of(v, &len);
    unsigned max = f ? f->max : 0;
    if (max && c->mode == CHECK_UPDATE && f->flags & UPD_ANYLEN)
        max = 0;
    if (max && len > max && utf8_length(s, len) > max) {
        check_problem(c, NULL, "string_too_long", v, arena_printf(c->mem, "{\"max_length\":%u}", max),
                      "String should have at most %u characters", max);
        return NULL;
    }
    return json_object_get(v);
}

/* Whole numbers as text: blanks around, a sign, a fraction of zeros and `_` between digits are tolerated. Those that
 * are beyond 64 bits read as the largest or smallest one. */
static bool int_text(const char *s, size_t len, int64_t *out, bool *beyond)
{
    char digits[32];
    size_t n = 0;
    while (len && isspace((unsigned char)*s))
        s++, len--;
    while (len && isspace((unsigned char)s[len - 1]))
        len--;
    const char *dot = len ? memchr(s, '.', len) : NULL;
    if (dot) {
        for (const char *p = dot + 1; p < s + len; p++)
            if (*p != '0')
                return false;
        if (dot == s || dot + 1 == s + len)
            return false;
        len = (size_t)(dot - s);
    }
    size_t i = 0;
    if (len && (s[0] == '-' || s[0] == '+')) {
        if (s[0] == '-')
            digits[n++] = '-';
        i = 1;
    }
    size_t first = i, sign = n;
    for (; i < len; i++) {
        if (s[i] == '_' && i > first && i + 1 < len && isdigit((unsigned char)s[i - 1]))
            continue;
        if (!isdigit((unsigned char)s[i]))
            return false;
        bool leads = n == sign && s[i] == '0' && i + 1 < len; /* leading zeros do not count */
        if (!leads && n + 1 < sizeof digits)
            digits[n++] = s[i];
    }
    digits[n] = '\0';
    if (n == 0 || (n == 1 && digits[0] == '-'))
        return false;
    *beyond = !parse_int64(digits, out);
    if (*beyond)
        *out = digits[0] == '-' ? INT64_MIN : INT64_MAX;
    return true;
}

/* Limits hold for what is read; an integer as it stands in the body, which may be one of 2^63 and above, is kept. */
static struct json_object *check_range(struct check *c, const struct field *f, struct json_object *v, int64_t n)
{
    if (f && f->ranged && n < f->ge) {
        check_problem(c, NULL, "greater_than_equal", v, arena_printf(c->mem, "{\"ge\":%lld}", (long long)f->ge),
                      "Input should be greater than or equal to %lld", (long long)f->ge);
        return NULL;
    }
    if (f && f->ranged && n > f->le) {
        check_problem(c, NULL, "less_than_equal", v, arena_printf(c->mem, "{\"le\":%lld}", (long long)f->le),
                      "Input should be less than or equal to %lld", (long long)f->le);
        return NULL;
    }
    return json_object_is_type(v, json_type_int) ? json_object_get(v) : json_object_new_int64(n);
}

static struct json_object *check_whole_double(struct check *c, const struct field *f, struct json_object *v)
{
    double d = json_object_get_double(v);
    if (!isfinite(d))
        return refuse(c, "finite_number", v, "Input should be a finite number");
    if (d != floor(d))
        return refuse(c, "int_from_float", v, "Input should be a valid integer, got a number with a fractional part");
    if (fabs(d) > 9e18)
        return refuse(c, "int_parsing_size", v, "Input should be a valid integer, exceeded maximum size");
    return check_range(c, f, v, (int64_t)d);
}

static struct json_object *check_int(struct check *c, const struct field *f, struct json_object *v)
{
    int64_t n;
    size_t len;
    bool beyond;
    switch (json_object_get_type(v)) {
    case json_type_int:
    case json_type_boolean:
        return check_range(c, f, v, json_object_get_int64(v));
    case json_type_double:
        return check_whole_double(c, f, v);
    case json_type_string: {
        const char *s = text_of(v, &len);
        if (!int_text(s, len, &n, &beyond))
            return refuse(c, "int_parsing", v, "Input should be a valid integer, unable to parse string as an integer");
        if (beyond && !(f && f->ranged))
            return refuse(c, "int_parsing_size", v, "Input should be a valid integer, exceeded maximum size");
        return check_range(c, f, v, n);
    }
    default:
        return refuse(c, "int_type", v, "Input should be a valid integer");
    }
}

static struct json_object *check_float(struct check *c, struct json_object *v)
{
    switch (json_object_get_type(v)) {
    case json_type_int:
    case json_type_boolean:
        return json_object_new_double(json_object_get_double(v));
    case json_type_double:
        return json_object_get(v);
    case json_type_string: {
        char *end;
        const char *s = json_object_get_string(v);
        while (isspace((unsigned char)*s))
            s++;
        double d = strtod(s, &end);
        bool any = end != s;
        while (isspace((unsigned char)*end))
            end++;
        if (!any || *end || !isfinite(d) || strpbrk(s, "xXpP"))
            return refuse(c, "float_parsing", v, "Input should be a valid number, unable to parse string as a number");
        return json_object_new_double(d);
    }
    default:
        return refuse(c, "float_type", v, "Input should be a valid number");
    }
}

static struct json_object *check_bool(struct check *c, struct json_object *v)
{
    double d = json_object_get_double(v);
    int word = -1;
    size_t len;
    switch (json_object_get_type(v)) {
    case json_type_boolean:
        return json_object_get(v);
    case json_type_int:
    case json_type_double:
        if (d != 0 && d != 1)
            return refuse(c, "bool_parsing", v, "Input should be a valid boolean, unable to interpret input");
        return json_object_new_boolean(d == 1);
    case json_type_string: {
        const char *s = text_of(v, &len);
        word = parse_bool_word(s, len);
        if (word < 0)
            return refuse(c, "bool_parsing", v, "Input should be a valid boolean, unable to interpret input");
        return json_object_new_boolean(word);
    }
    default:
        return refuse(c, "bool_type", v, "Input should be a valid boolean");
    }
}

static struct json_object *check_uuid(struct check *c, struct json_object *v)
{
    char hex[UUID_HEX + 1], text[UUID_TEXT + 1];
    if (!json_object_is_type(v, json_type_string))
        return refuse(c, "uuid_type", v, "UUID input should be a string, bytes or UUID object");
    size_t len;
    const char *s = text_of(v, &len);
    if (!uuid_read(s, len, hex)) {
        check_problem(c, NULL, "uuid_parsing", v, "{\"error\":\"not a UUID\"}",
                      "Input should be a valid UUID: 32 hexadecimal digits, with or without dashes");
        return NULL;
    }
    uuid_write(hex, text);
    return json_object_new_string(text);
}

static struct json_object *check_stamp(struct check *c, struct json_object *v)
{
    char stamp[STAMP_LEN + 1];
    size_t len;
    bool number = json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double);
    if (!number && !json_object_is_type(v, json_type_string))
        return refuse(c, "datetime_type", v, "Input should be a valid datetime");
    const char *s = text_of(v, &len);
    if (!stamp_parse(s, len, stamp)) {
        bool date = len == 10 && s[4] == '-';
        check_problem(c, NULL, number || date ? "datetime_parsing" : "datetime_from_date_parsing", v,
                      "{\"error\":\"not a date or time\"}",
                      "Input should be a valid datetime such as 2024-01-31T12:34:56");
        return NULL;
    }
    return json_object_new_string(stamp);
}

static struct json_object *check_duration(struct check *c, struct json_object *v)
{
    double seconds = json_object_get_double(v);
    size_t len;
    bool number = json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double);
    if (!number && !json_object_is_type(v, json_type_string))
        return refuse(c, "time_delta_type", v, "Input should be a valid timedelta");
    const char *s = text_of(v, &len);
    if (number ? !duration_possible(seconds) : !duration_parse(s, len, &seconds)) {
        check_problem(c, NULL, "time_delta_parsing", v, "{\"error\":\"not a duration\"}",
                      "Input should be a valid timedelta: seconds, HH:MM:SS or an ISO 8601 duration");
        return NULL;
    }
    return json_object_new_double(seconds);
}

static bool word_in(const char *const *words, const char *s, size_t len)
{
    for (; *words; words++)
        if (strlen(*words) == len && memcmp(*words, s, len) == 0)
            return true;
    return false;
}

static struct json_object *check_enum(struct check *c, const struct type *t, struct json_object *v)
{
    size_t len = 0;
    const char *s = json_object_is_type(v, json_type_string) ? text_of(v, &len) : NULL;
    if (s && word_in(t->words, s, len))
        return json_object_get(v);
    struct buf list = {0};
    for (const char *const *w = t->words; *w; w++)
        buf_addf(&list, "%s'%s'", w == t->words ? "" : w[1] ? ", " : " or ", *w);
    check_problem(c, NULL, "enum", v, arena_printf(c->mem, "{\"expected\":\"%s\"}", list.data), "Input should be %s",
                  list.data);
    buf_free(&list);
    return NULL;
}

static struct json_object *check_map(struct check *c, const struct type *t, struct json_object *v)
{
    if (!json_object_is_type(v, json_type_object))
        return refuse(c, "dict_type", v, "Input should be a valid dictionary");
    struct json_object *out = json_object_new_object();
    const struct loc *outer = c->at;
    bool good = true;
    json_object_object_foreach(v, key, item)
    {
        struct loc here = {.outer = outer, .name = key};
        c->at = &here;
        if (t->key && !word_in(t->key->words, key, strlen(key))) {
            struct loc mark = {.outer = &here, .name = "[key]"};
            c->at = &mark;
            json_object_put(check_enum(c, t->key, json_keep(c->mem, json_object_new_string(key))));
            good = false;
        }
        c->at = &here;
        bool ok = true;
        struct json_object *checked = NULL;
        if (item || !t->item_null)
            checked = type_check(c, t->item, NULL, item, &ok);
        good = good && ok;
        json_object_object_add(out, key, checked);
    }
    c->at = outer;
    if (good)
        return out;
    json_object_put(out);
    return NULL;
}

static struct json_object *check_list(struct check *c, const struct type *t, struct json_object *v)
{
    if (!json_object_is_type(v, json_type_array))
        return refuse(c, "list_type", v, "Input should be a valid list");
    struct json_object *out = json_object_new_array();
    const struct loc *outer = c->at;
    bool good = true;
    for (size_t i = 0; i < json_object_array_length(v); i++) {
        struct loc here = {.outer = outer, .index = i};
        c->at = &here;
        bool ok = true;
        struct json_object *item = json_object_array_get_idx(v, i), *checked = NULL;
        if (item || !t->item_null)
            checked = type_check(c, t->item, NULL, item, &ok);
        good = good && ok;
        json_object_array_add(out, checked);
    }
    c->at = outer;
    if (good)
        return out;
    json_object_put(out);
    return NULL;
}

/* Whether a value has a type's own JSON type, so that a union prefers that alternative. */
static bool own_type(const struct type *t, struct json_object *v)
{
    enum json_type j = json_object_get_type(v);
    switch (t->kind) {
    case K_STRING:
    case K_ENUM:
    case K_UUID:
    case K_STAMP:
        return j == json_type_string;
    case K_INT:
        return j == json_type_int;
    case K_FLOAT:
    case K_DURATION:
        return j == json_type_double;
    case K_BOOL:
        return j == json_type_boolean;
    case K_MAP:
    case K_MODEL:
        return j == json_type_object;
    case K_LIST:
        return j == json_type_array;
    default:
        return false;
    }
}

/* The first alternative that takes the value; with `own`, among those of the value's own type. */
static struct json_object *check_alternatives(struct check *c, const struct type *t, const struct field *f,
                                              struct json_object *v, bool own, bool *ok)
{
    const struct loc *outer = c->at;
    size_t mark = c->problems.len;
    int count = c->count;
    for (const struct type *const *alt = t->any; *alt; alt++) {
        if (own && !own_type(*alt, v))
            continue;
        struct loc here = {.outer = outer, .name = (*alt)->label};
        c->at = &here;
        struct json_object *out = type_check(c, *alt, f, v, ok);
        c->at = outer;
        if (*ok) {
            check_rewind(c, count, mark);
            return out;
        }
    }
    *ok = false;
    return NULL;
}

static struct json_object *check_union(struct check *c, const struct type *t, const struct field *f,
                                       struct json_object *v, bool *ok)
{
    size_t mark = c->problems.len;
    int count = c->count;
    bool quiet = c->quiet;
    c->quiet = true; /* the second round reports */
    struct json_object *out = check_alternatives(c, t, f, v, true, ok);
    c->quiet = quiet;
    if (*ok)
        return out;
    check_rewind(c, count, mark);
    return check_alternatives(c, t, f, v, false, ok);
}

struct json_object *type_check(struct check *c, const struct type *t, const struct field *f, struct json_object *v,
                               bool *ok)
{
    struct json_object *out = NULL;
    *ok = true;
    switch (t->kind) {
    case K_ANY:
        return json_object_get(v);
    case K_STRING:
        out = check_string(c, f, v);
        break;
    case K_INT:
        out = check_int(c, f, v);
        break;
    case K_FLOAT:
        out = check_float(c, v);
        break;
    case K_BOOL:
        out = check_bool(c, v);
        break;
    case K_UUID:
        out = check_uuid(c, v);
        break;
    case K_STAMP:
        out = check_stamp(c, v);
        break;
    case K_DURATION:
        out = check_duration(c, v);
        break;
    case K_ENUM:
        out = check_enum(c, t, v);
        break;
    case K_MAP:
        out = check_map(c, t, v);
        break;
    case K_LIST:
        out = check_list(c, t, v);
        break;
    case K_MODEL: {
        enum check_mode mode = c->mode;
        c->mode = CHECK_CREATE; /* documents within an update are whole documents */
        out = json_object_get(model_check(c, t->model, v));
        c->mode = mode;
        break;
    }
    case K_UNION:
        return check_union(c, t, f, v, ok);
    }
    *ok = out != NULL;
    return out;
}

/* Stored form ------------------------------------------------------------------------------------------------------ */

static struct json_object *stored_model(struct arena *a, const struct model *m, struct json_object *v, bool nulls);

/* A new reference. What a union has accepted holds neither times nor nulls that anybody minds. */
static struct json_object *stored_value(struct arena *a, const struct type *t, struct json_object *v, bool nulls)
{
    if (!v)
        return NULL;
    switch (t->kind) {
    case K_STAMP: {
        char *stamp = arena_strdup(a, json_object_get_string(v));
        stamp[10] = 'T';
        return json_object_new_string(stamp);
    }
    case K_DURATION:
        return json_object_new_string(duration_format(a, json_object_get_double(v)));
    case K_MODEL:
        return stored_model(a, t->model, v, nulls);
    case K_MAP: {
        struct json_object *out = json_object_new_object();
        json_object_object_foreach(v, key, item)
            json_object_object_add(out, key, stored_value(a, t->item, item, nulls));
        return out;
    }
    case K_LIST: {
        struct json_object *out = json_object_new_array();
        for (size_t i = 0; i < json_object_array_length(v); i++)
            json_object_array_add(out, stored_value(a, t->item, json_object_array_get_idx(v, i), nulls));
        return out;
    }
    default:
        return json_object_get(v);
    }
}

static struct json_object *stored_model(struct arena *a, const struct model *m, struct json_object *v, bool nulls)
{
    struct json_object *out = json_object_new_object();
    json_object_object_foreach(v, key, item)
    {
        const struct field *f = model_field(m, key);
        if (item || nulls)
            json_object_object_add(out, key, f ? stored_value(a, f->type, item, nulls) : json_object_get(item));
    }
    return out;
}

struct json_object *model_stored(struct arena *a, const struct model *m, struct json_object *v, bool nulls)
{
    return json_keep(a, stored_model(a, m, v, nulls));
}

/* Objects -------------------------------------------------------------------------------------------------------- */

/* Nearly all defaults are one of a few words, which need no parser. */
static struct json_object *default_value(const struct field *f)
{
    if (!f->def)
        return NULL;
    switch (f->def[0]) {
    case 't':
    case 'f':
        return json_object_new_boolean(f->def[0] == 't');
    case '{':
        return f->def[1] == '}' ? json_object_new_object() : json_tokener_parse(f->def);
    case '[':
        return f->def[1] == ']' ? json_object_new_array() : json_tokener_parse(f->def);
    case '"':
        return f->def[1] == '"' ? json_object_new_string("") : json_tokener_parse(f->def);
    default:
        return json_tokener_parse(f->def);
    }
}

/* What to do with a member that is absent or null. Returns true when the member is settled. */
static bool settle_missing(struct check *c, const struct field *f, struct json_object *whole, bool given,
                           struct json_object *out, bool *good)
{
    bool update = c->mode == CHECK_UPDATE;
    if (!given) {
        bool required = f->flags & (update ? UPD_REQ : REQ);
        if (required) {
            check_problem(c, f->name, "missing", whole, NULL, "Field required");
            *good = false;
        } else if (!update || f->flags & UPD_DEF) {
            json_object_object_add(out, f->name, default_value(f));
        }
        return true;
    }
    bool null_ok = update ? !(f->flags & (UPD_REQ | UPD_DEF)) : (f->flags & NUL) != 0;
    if (null_ok)
        json_object_object_add(out, f->name, NULL);
    return null_ok;
}

static bool in_list(const char *const *list, const char *s)
{
    for (; list && *list; list++)
        if (strcmp(*list, s) == 0)
            return true;
    return false;
}

/* Members that no field describes. */
static bool check_extra(struct check *c, const struct model *m, struct json_object *v, struct json_object *out)
{
    bool good = true;
    if (m->extra == EXTRA_IGNORE)
        return true;
    json_object_object_foreach(v, key, item)
    {
        if (model_field(m, key) || in_list(m->dropped, key))
            continue;
        if (m->extra == EXTRA_ALLOW) {
            json_object_object_add(out, key, json_object_get(item));
        } else {
            check_problem(c, key, "extra_forbidden", item, NULL, "Extra inputs are not permitted");
            good = false;
        }
    }
    return good;
}

static bool check_members(struct check *c, const struct model *m, struct json_object *v, struct json_object *out)
{
    bool good = true;
    const struct loc *outer = c->at;
    for (size_t i = 0; i < m->count; i++) {
        const struct field *f = &m->fields[i];
        if (c->mode == CHECK_UPDATE ? !(f->flags & (UPD | UPD_ONLY | UPD_REQ | UPD_DEF)) : f->flags & UPD_ONLY)
            continue;
        struct json_object *item = NULL;
        bool given = json_object_object_get_ex(v, f->name, &item), ok = true;
        if (!item && f->type->kind == K_ANY && given) {
            json_object_object_add(out, f->name, NULL);
            continue;
        }
        if (!item && settle_missing(c, f, v, given, out, &good))
            continue;
        struct loc here = {.outer = outer, .name = f->name};
        c->at = &here;
        struct json_object *checked = type_check(c, f->type, f, item, &ok);
        c->at = outer;
        good = good && ok;
        if (ok)
            json_object_object_add(out, f->name, checked);
    }
    return check_extra(c, m, v, out) && good;
}

struct json_object *model_check(struct check *c, const struct model *m, struct json_object *v)
{
    int before = c->count;
    if (m->before)
        v = m->before(c, v);
    if (c->count > before)
        return NULL;
    if (!json_object_is_type(v, json_type_object)) {
        check_problem(c, NULL, "model_attributes_type", v, NULL,
                      "Input should be a valid dictionary or object to extract fields from");
        return NULL;
    }
    struct json_object *out = json_keep(c->mem, json_object_new_object());
    if (!check_members(c, m, v, out))
        return NULL;
    int count = c->count;
    if (m->after)
        m->after(c, out);
    return c->count == count ? out : NULL;
}

/* Stored documents ----------------------------------------------------------------------------------------------- */

void type_write_stored(struct jw *w, const struct type *t, struct span v)
{
    size_t at = 0;
    struct span key, item;
    if (t->kind == K_MODEL && json_kind(v) == '{') {
        model_write_stored(w, t->model, v);
    } else if (t->kind == K_MAP && t->item->kind == K_MODEL && json_kind(v) == '{') {
        jw_open(w, '{');
        while (json_next_member(v, &at, &key, &item)) {
            jw_raw(w, key.s - 1, key.len + 2);
            buf_addc(w->out, ':');
            type_write_stored(w, t->item, item);
        }
        jw_close(w, '}');
    } else if (t->kind == K_LIST && t->item->kind == K_MODEL && json_kind(v) == '[') {
        jw_open(w, '[');
        while (json_next_item(v, &at, &item))
            type_write_stored(w, t->item, item);
        jw_close(w, ']');
    } else {
        jw_span(w, v);
    }
}

void model_write_stored(struct jw *w, const struct model *m, struct span text)
{
    size_t at = 0;
    struct span key, value;
    uint64_t seen = 0;
    jw_open(w, '{');
    while (json_next_member(text, &at, &key, &value)) {
        const struct field *f = NULL;
        for (size_t i = 0; i < m->count && !f; i++)
            if (strlen(m->fields[i].name) == key.len && memcmp(m->fields[i].name, key.s, key.len) == 0) {
                f = &m->fields[i];
                seen |= (uint64_t)1 << i;
            }
        if (!f && m->extra != EXTRA_ALLOW)
            continue;
        jw_raw(w, key.s - 1, key.len + 2);
        buf_addc(w->out, ':');
        type_write_stored(w, f ? f->type : &T_ANY, value);
    }
    for (size_t i = 0; i < m->count; i++) {
        if (seen >> i & 1)
            continue;
        jw_key(w, m->fields[i].name);
        const char *def = m->fields[i].def ? m->fields[i].def : "null";
        jw_raw(w, def, strlen(def));
    }
    jw_close(w, '}');
}
