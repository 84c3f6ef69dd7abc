#include "resource/tags.h"

#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "resource/sql.h"

#include <string.h>

const char *const TAG_COLORS[] = {"grey", "purple", "red",       "green",   "yellow", "orange",
                                  "lime", "teal",   "turquoise", "magenta", "blue",   NULL};

const char *tag_random_color(void)
{
    return TAG_COLORS[random_below(ARRAY_LEN(TAG_COLORS) - 1)];
}

/* The names as parameters, without empty ones; their number. */
static size_t names_of(struct ctx *c, struct json_object *names, const char ***out)
{
    size_t n = json_object_is_type(names, json_type_array) ? json_object_array_length(names) : 0;
    *out = arena_array(c->mem, n + 1, sizeof **out);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = json_object_get_string(json_object_array_get_idx(names, i));
    return n;
}

static int check_names(struct ctx *c, const char **names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!*names[i] || strpbrk(names[i], "\t\n\r\v\f"))
            return fail(c, EX_VALUE, "The tag '%s' must not be empty or hold tabs or line breaks", names[i]);
        if (utf8_length(names[i], strlen(names[i])) > 255)
            return fail(c, EX_VALUE, "The tag '%.40s...' is longer than 255 characters", names[i]);
    }
    return OK;
}

/* Locks the names against concurrent creation, then inserts those that do not exist; the database decides what is the
 * same name. One statement each, whatever the number of names. */
static int create_missing(struct ctx *c, const char **names, size_t n)
{
    char now[STAMP_LEN + 1], id[UUID_HEX + 1];
    stamp_now(now);
    struct query *guard = query_new(c->mem), *insert = query_new(c->mem);
    query_add(guard, "INSERT INTO kanso_name_guard (resource, scope, name) VALUES ");
    query_add(insert,
              "INSERT INTO tag (id, created, updated, name, color) SELECT n.id, n.now, n.now, n.name, n.color FROM (");
    for (size_t i = 0; i < n; i++) {
        query_add(guard, "%s('tag', '', ?)", i ? ", " : "");
        query_param(guard, p_text(names[i]));
        uuid_new(id);
        query_add(insert, "%sSELECT ? AS id, ? AS now, ? AS name, ? AS color", i ? " UNION ALL " : "");
        query_param(insert, p_text(arena_strdup(c->mem, id)));
        query_param(insert, p_text(now));
        query_param(insert, p_text(names[i]));
        query_param(insert, p_text(tag_random_color()));
    }
    query_add(guard, " ON DUPLICATE KEY UPDATE name = kanso_name_guard.name");
    query_add(insert, ") n WHERE NOT EXISTS (SELECT 1 FROM tag t WHERE t.name = n.name)");
    int rc = query_run(c, guard, NULL);
    return rc == OK ? query_run(c, insert, NULL) : rc;
}

static int link_names(struct ctx *c, const char *type, const char *id, const char **names, size_t n)
{
    char now[STAMP_LEN + 1];
    stamp_now(now);
    struct query *q = query_new(c->mem);
    query_add(q, "INSERT INTO tag_resource (id, created, updated, tag_id, resource_id, resource_type) "
                 "SELECT LOWER(REPLACE(UUID(), '-', '')), ?, ?, t.id, ?, ? FROM tag t WHERE t.name IN ");
    query_param(q, p_text(now));
    query_param(q, p_text(now));
    query_param(q, p_text(id));
    query_param(q, p_text(type));
    query_in(q, names, n);
    query_add(q, " AND NOT EXISTS (SELECT 1 FROM tag_resource x WHERE x.tag_id = t.id AND x.resource_id = ? "
                 "AND x.resource_type = ?)");
    query_param(q, p_text(id));
    query_param(q, p_text(type));
    return query_run(c, q, NULL);
}

int tags_attach(struct ctx *c, const char *resource_type, const char *resource_id, struct json_object *list)
{
    const char **names;
    size_t n = names_of(c, list, &names);
    if (n == 0)
        return OK;
    int rc = check_names(c, names, n);
    /* equal names would meet in the INSERT: sort out exact doubles; those equal by collation only are rare, and the
     * second one finds the first in the table because the first statement inserts each name once */
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        bool again = false;
        for (size_t k = 0; k < distinct && !again; k++)
            again = strcasecmp(names[k], names[i]) == 0;
        if (!again)
            names[distinct++] = names[i];
    }
    if (rc == OK)
        rc = create_missing(c, names, distinct);
    return rc == OK ? link_names(c, resource_type, resource_id, names, distinct) : rc;
}

static int detach(struct ctx *c, const char *type, const char *id, struct json_object *list)
{
    const char **names;
    size_t n = names_of(c, list, &names);
    if (n == 0)
        return OK;
    struct query *q = query_new(c->mem);
    query_add(
        q, "DELETE x FROM tag_resource x JOIN tag t ON t.id = x.tag_id WHERE x.resource_id = ? AND x.resource_type = ? "
           "AND t.name IN ");
    query_param(q, p_text(id));
    query_param(q, p_text(type));
    query_in(q, names, n);
    return query_run(c, q, NULL);
}

int tags_attach_new(struct write *w)
{
    return w->res->tag_type ? tags_attach(w->c, w->res->tag_type, w->id, member(w->body, "tags")) : OK;
}

int tags_change(struct write *w)
{
    if (!w->res->tag_type)
        return OK;
    int rc = tags_attach(w->c, w->res->tag_type, w->id, member(w->body, "add_tags"));
    return rc == OK ? detach(w->c, w->res->tag_type, w->id, member(w->body, "remove_tags")) : rc;
}

int tags_detach_all(struct write *w)
{
    if (!w->res->tag_type)
        return OK;
    return sql(w->c, NULL, "DELETE FROM tag_resource WHERE resource_id = ? AND resource_type = ?", p_text(w->id),
               p_text(w->res->tag_type));
}
