#include "artifact/store.h"

#include "artifact/bucket.h"
#include "artifact/local.h"
#include "base/text.h"
#include "model/model.h"
#include "resource/sql.h"
#include "resource/stored.h"

#include <string.h>

static int deleted(struct ctx *c)
{
    return fail(c, EX_NOT_FOUND, "The artifact store has been deleted, and with it the way to its files");
}

int store_find(struct ctx *c, const char *id, struct store *s)
{
    struct db_rows found = {0};
    *s = (struct store){.fd = -1};
    if (!id)
        return deleted(c);
    TRY(sql(c, &found,
            "SELECT name, type, flavor, configuration, connector_id, workspace_id FROM stack_component WHERE id = ?",
            p_text(id)));
    if (found.count == 0)
        return deleted(c);
    const struct db_value *v = db_row(&found, 0);
    struct json_object *configuration = stored_base64_tree(c->mem, value_span(&v[3]), json_type_object,
                                                           (struct origin){"stack_component", id, "configuration"});
    s->name = v[0].s;
    if (!streq(v[1].s, "artifact_store"))
        return fail(c, EX_NOT_FOUND, "The component '%s' is a %s, not an artifact store", s->name, v[1].s);
    if (streq(v[2].s, "local"))
        return local_open(c, s, id, configuration);
    const struct bucket_type *type = bucket_type_find(v[2].s);
    if (!type)
        return fail(c, EX_NOT_IMPLEMENTED,
                    "The artifact store '%s' is of the flavor %s; this server reads the files of the flavors local, "
                    "s3, gcp and azure only",
                    s->name, v[2].s);
    return bucket_open(c, s, type, configuration, v[4].s, v[5].s);
}

int store_read(struct ctx *c, const struct store *s, const char *uri, struct span *out)
{
    return s->bucket ? bucket_read(c, s, uri, out) : local_read(c, s, uri, out);
}

int store_read_part(struct ctx *c, const struct store *s, const char *uri, int64_t offset, int64_t length,
                    struct span *out)
{
    return s->bucket ? bucket_read_part(c, s, uri, offset, length, out)
                     : local_read_part(c, s, uri, offset, length, out);
}

/* Answers -------------------------------------------------------------------------------------------------------- */

int store_lacks(struct ctx *c, const struct store *s, const char *uri)
{
    return fail(c, EX_NOT_FOUND, "There is no file '%s' inside the artifact store '%s'", uri, s->name);
}

int store_is_empty(struct ctx *c, const struct store *s, const char *uri)
{
    return fail(c, EX_NOT_FOUND, "The directory '%s' of the artifact store '%s' holds no files", uri, s->name);
}

int store_too_large(struct ctx *c, const char *uri, int64_t size)
{
    return fail(c, EX_VALUE, "The file '%s' has %lld bytes; up to %d can be shown", uri, (long long)size,
                STORE_READ_MAX);
}

/* Text ----------------------------------------------------------------------------------------------------------- */

/* Length of the well-formed sequence at s, 0 when there is none. */
static size_t sequence(const char *s, size_t left)
{
    unsigned char lead = (unsigned char)*s;
    size_t len = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return len <= left && utf8_valid(s, len) ? len : 0;
}

struct span store_text(struct arena *a, struct span bytes)
{
    if (utf8_valid(bytes.s, bytes.len))
        return bytes;
    char *out = arena_array(a, bytes.len + 1, 3);
    size_t len = 0;
    for (size_t i = 0; i < bytes.len;) {
        size_t n = sequence(bytes.s + i, bytes.len - i);
        memcpy(out + len, n ? bytes.s + i : "\xef\xbf\xbd", n ? n : 3);
        len += n ? n : 3;
        i += n ? n : 1;
    }
    return (struct span){out, len};
}
