/* Results of commands: as a table, as lines of one row, or as JSON. */
#include "ctl/output.h"

#include "base/text.h"
#include "base/uuid.h"
#include "ctl/ctl.h"
#include "json/write.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { STAMP_SHOWN = 19, NAME_WIDTH = 14 };

struct db_value ctl_value(const char *text)
{
    return (struct db_value){text, text ? strlen(text) : 0};
}

static void flush(struct ctl_output *out)
{
    if (out->text.len && fwrite(out->text.data, 1, out->text.len, stdout) != out->text.len)
        out->broken = true;
    buf_clear(&out->text, (size_t)1 << 16);
}

/* JSON ------------------------------------------------------------------------------------------------------------- */

static void write_json(struct jw *w, enum ctl_form form, const struct db_value *v)
{
    if (!v->s)
        jw_null(w);
    else if (form == CTL_ID && v->len == UUID_HEX)
        jw_uuid(w, v->s);
    else if (form == CTL_STAMP)
        jw_stamp(w, v->s, v->len < STAMP_SHOWN ? v->len : STAMP_SHOWN);
    else if (form == CTL_BOOL)
        jw_bool(w, streq(v->s, "1"));
    else if (form == CTL_NUMBER || form == CTL_JSON)
        jw_raw(w, v->s, v->len);
    else
        jw_strn(w, v->s, v->len);
}

static void add_object(const struct ctl_call *call, const struct db_value *values)
{
    struct ctl_output *out = call->output;
    if (!call->command->single)
        buf_adds(&out->text, out->rows ? ",\n" : "[");
    /* The writer adds a comma unless the last byte opened something: an object of its own begins a buffer. */
    struct buf object = {0};
    struct jw w = {.out = &object};
    jw_open(&w, '{');
    for (const struct ctl_column *c = call->command->columns; c->name; c++, values++) {
        jw_key(&w, c->name);
        write_json(&w, c->form, values);
    }
    jw_close(&w, '}');
    buf_add(&out->text, object.data, object.len);
    buf_free(&object);
}

/* Tables ----------------------------------------------------------------------------------------------------------- */

/* What a table shows of a value. Text from elsewhere is no match for a terminal: control characters become blanks. */
static void add_shown(struct buf *to, enum ctl_form form, const struct db_value *v)
{
    size_t from = to->len;
    if (!v->s)
        buf_addc(to, '-');
    else if (form == CTL_ID && v->len == UUID_HEX)
        buf_addf(to, "%.8s-%.4s-%.4s-%.4s-%.12s", v->s, v->s + 8, v->s + 12, v->s + 16, v->s + 20);
    else if (form == CTL_BOOL)
        buf_adds(to, streq(v->s, "1") ? "yes" : "no");
    else if (form == CTL_STAMP)
        buf_add(to, v->s, v->len < STAMP_SHOWN ? v->len : STAMP_SHOWN);
    else
        buf_add(to, v->s, v->len);
    for (size_t i = from; i < to->len; i++)
        if ((unsigned char)to->data[i] < ' ' || to->data[i] == 0x7f)
            to->data[i] = ' ';
}

static int width_of(const struct ctl_column *c)
{
    return c->width ? c->width : c->form == CTL_ID ? UUID_HEX + 4 : c->form == CTL_STAMP ? STAMP_SHOWN : 0;
}

static bool is_last(const struct ctl_column *c)
{
    do
        c++;
    while (c->name && c->width == CTL_HIDDEN);
    return !c->name;
}

/* Ends a value that began at `from`. */
static void pad(const struct ctl_command *command, const struct ctl_column *c, struct buf *to, size_t from)
{
    size_t shown = utf8_length(to->data + from, to->len - from), width = (size_t)width_of(c);
    if (is_last(c)) {
        buf_addc(to, '\n');
        return;
    }
    for (; !command->bare && shown < width; shown++)
        buf_addc(to, ' ');
    buf_adds(to, command->bare ? " " : "  ");
}

static void add_name(struct buf *to, const char *name, bool capitals)
{
    for (; *name; name++)
        buf_addc(to, *name == '_' ? ' ' : (char)(capitals ? toupper((unsigned char)*name) : *name));
}

static void add_head(const struct ctl_command *command, struct buf *to)
{
    for (const struct ctl_column *c = command->columns; c->name; c++) {
        size_t from = to->len;
        if (c->width == CTL_HIDDEN)
            continue;
        add_name(to, c->name, true);
        pad(command, c, to, from);
    }
}

static void add_line(const struct ctl_command *command, struct buf *to, const struct db_value *values)
{
    for (const struct ctl_column *c = command->columns; c->name; c++, values++) {
        size_t from = to->len;
        if (c->width == CTL_HIDDEN)
            continue;
        add_shown(to, c->form, values);
        pad(command, c, to, from);
    }
}

/* One row as a line for each column. */
static void add_lines(const struct ctl_command *command, struct buf *to, const struct db_value *values)
{
    for (const struct ctl_column *c = command->columns; c->name; c++, values++) {
        if (c->width == CTL_HIDDEN)
            continue;
        size_t from = to->len;
        add_name(to, c->name, false);
        while (to->len - from < NAME_WIDTH)
            buf_addc(to, ' ');
        buf_addc(to, ' ');
        add_shown(to, c->form, values);
        buf_addc(to, '\n');
    }
}

/* ------------------------------------------------------------------------------------------------------------------ */

void ctl_row(const struct ctl_call *call, const struct db_value *values)
{
    const struct ctl_command *command = call->command;
    struct ctl_output *out = call->output;
    if (call->json)
        add_object(call, values);
    else if (command->single && !command->bare)
        add_lines(command, &out->text, values);
    else {
        if (!out->rows && !command->bare)
            add_head(command, &out->text);
        add_line(command, &out->text, values);
    }
    out->rows++;
    flush(out);
}

bool output_complete(const struct ctl_call *call)
{
    struct ctl_output *out = call->output;
    const struct ctl_command *command = call->command;
    if (call->json && !command->single)
        buf_adds(&out->text, out->rows ? "]\n" : "[]\n");
    else if (call->json && out->rows)
        buf_addc(&out->text, '\n');
    flush(out);
    return !out->broken && fflush(stdout) == 0;
}
