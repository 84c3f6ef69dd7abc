#include "artifact/visualize.h"

#include "artifact/store.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/model.h"

#include <string.h>

static const struct field fields[] = {{"index", &T_INT, "0", 0, 0}};
const struct model VISUALIZE_QUERY = MODEL("visualize", fields);

/* Line ends of every kind as line feeds, as a text file is read. */
static struct span unix_lines(struct arena *a, struct span text)
{
    if (!memchr(text.s, '\r', text.len))
        return text;
    char *out = arena_alloc(a, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool cr = text.s[i] == '\r';
        out[len++] = cr ? '\n' : text.s[i];
        if (cr && i + 1 < text.len && text.s[i + 1] == '\n')
            i++;
    }
    return (struct span){out, len};
}

static void write_answer(struct ctx *c, const char *type, struct span bytes)
{
    struct jw w = respond_json(c);
    jw_open(&w, '{');
    jw_key(&w, "type");
    jw_str(&w, type);
    jw_key(&w, "value");
    if (streq(type, "image")) {
        jw_str(&w, base64_encode(c->mem, bytes.s, bytes.len));
    } else {
        struct span text = unix_lines(c->mem, store_text(c->mem, bytes));
        jw_strn(&w, text.s, text.len);
    }
    jw_close(&w, '}');
}

int artifact_version_visualize(struct ctx *c)
{
    struct db_rows found;
    char text[UUID_TEXT + 1];
    int64_t index = json_object_get_int64(member(c->query, "index"));
    TRY(sql(c, &found,
            "SELECT t.artifact_store_id, z.type, z.uri FROM artifact_version t LEFT JOIN artifact_visualization z "
            "ON z.artifact_version_id = t.id WHERE t.id = ? ORDER BY z.created, z.kanso_order",
            p_text(c->param[0])));
    if (found.count == 0)
        return no_such_row(c, EX_KEY, &resource_artifact_version, c->param[0]);
    uuid_write(c->param[0], text);
    if (!db_row(&found, 0)[1].s)
        return fail(c, EX_NOT_FOUND, "The artifact version %s has no visualizations", text);
    if (index < 0 || (uint64_t)index >= found.count)
        return fail(c, EX_NOT_FOUND, "The artifact version %s has %zu visualizations, none with the index %lld", text,
                    found.count, (long long)index);
    const struct db_value *v = db_row(&found, (size_t)index);
    struct store store;
    struct span bytes;
    TRY(store_find(c, v[0].s, &store));
    TRY(store_read(c, &store, v[2].s, &bytes));
    write_answer(c, v[1].s, bytes);
    return OK;
}
