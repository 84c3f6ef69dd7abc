#include "model/tags.h"

#include "audit/audit.h"
#include "base/lookup.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "model/model.h"
#include "resource/sql.h"
#include "resource/total.h"
#include "resource/view.h"

#include <stdlib.h>
#include <string.h>

#define LINKS "tag_resource"

const char *const TAG_COLORS[] = {"grey", "purple", "red",       "green",   "yellow", "orange",
                                  "lime", "teal",   "turquoise", "magenta", "blue",   NULL};

const char *tag_random_color(void)
{
    return TAG_COLORS[random_below(ARRAY_LEN(TAG_COLORS) - 1)];
}

/* Counts ----------------------------------------------------------------------------------------------------------
 * Counting takes as long as there is to count, so a worker remembers counts: of links up to a number of the order of
 * creation below which no others can come (resource/total.h), and each answer counts those behind it. That is exact
 * until something is deleted anywhere, which may have been links: then they are counted anew, but large counts not more
 * often than every few seconds. While no such number is known, in a worker's first minute, or too much is behind it,
 * large counts are as old as that, and others not remembered. */

enum { LARGE = 1000, RECOUNT_SECONDS = 5, KEPT_COUNTS = 512, PLACES = 8, FEW_BEHIND = 100, MOST_BEHIND = 5000 };

static struct kept_count {
    char tag[UUID_HEX + 1];
    int64_t count, deletions, at;
    bool brief; /* it is of all there was, and holds for RECOUNT_SECONDS */
} kept_counts[KEPT_COUNTS];

/* Where all others end, and since when; whether more is behind it than should be counted each time. */
static struct {
    int64_t upto, since;
    bool crowded;
} basis;

static void clear_counts(void)
{
    memset(kept_counts, 0, sizeof kept_counts);
}

static void clear_brief_counts(void)
{
    for (size_t i = 0; i < KEPT_COUNTS; i++)
        if (kept_counts[i].brief)
            kept_counts[i] = (struct kept_count){0};
}

static void renew_basis(void)
{
    basis.upto = total_settled(LINKS);
    basis.since = total_clock();
    basis.crowded = false;
    clear_counts();
}

static bool basis_is_due(void)
{
    bool later = (!basis.upto || basis.crowded) && total_settled(LINKS) > basis.upto;
    return later || (basis.upto && total_clock() - basis.since >= TOTAL_KEPT_SECONDS);
}

/* Where a tag's count is, or may be put: in place of the smallest. */
static struct kept_count *place_of(const char *tag)
{
    struct kept_count *place = NULL;
    for (unsigned i = 0, hash = text_hash(tag); i < PLACES; i++) {
        struct kept_count *k = &kept_counts[(hash + i) % KEPT_COUNTS];
        if (streq(k->tag, tag))
            return k;
        if (!place || k->count < place->count)
            place = k;
    }
    return place;
}

/* What is known of a tag, or NULL. */
static const struct kept_count *kept_count(const char *tag)
{
    const struct kept_count *k = place_of(tag);
    bool holds = !k->brief || total_clock() - k->at < RECOUNT_SECONDS;
    return streq(k->tag, tag) && holds ? k : NULL;
}

/* `behind` of the count are behind the end. */
static void keep_count(const char *tag, int64_t count, int64_t behind, int64_t deletions)
{
    struct kept_count *k = place_of(tag);
    bool brief = !basis.upto || behind > MOST_BEHIND, kept = strlen(tag) == UUID_HEX && (count >= LARGE || !brief);
    basis.crowded |= behind > MOST_BEHIND;
    if (!streq(k->tag, tag) && (!kept || count < k->count))
        return;
    *k = (struct kept_count){
        .count = brief ? count : count - behind, .deletions = deletions, .at = total_clock(), .brief = brief};
    if (kept)
        memcpy(k->tag, tag, sizeof k->tag);
}

static int64_t *count_of(struct view *v, const char *tag)
{
    const struct row *row = view_find(v, &resource_tag, tag);
    return row ? row->data : NULL;
}

/* Counts links of the tags above a number of the order: rows of the tag, how many, and how many of them are behind the
 * basis, below a first row of totals. */
static int count_above(struct view *v, const char *const *ids, size_t n, int64_t above, struct db_rows *found,
                       int64_t *deletions)
{
    TRY(sql_in(view_ctx(v), found,
               "SELECT '', " TOTAL_DELETIONS ", COALESCE(MAX(kanso_order), 0) FROM " LINKS
               " UNION ALL SELECT tag_id, COUNT(*), SUM(kanso_order > ?) FROM " LINKS
               " WHERE kanso_order > ? AND tag_id IN %s GROUP BY tag_id",
               ids, n, SQL_PARAMS(p_int(basis.upto), p_int(above))));
    if (found->count)
        total_note_end(LINKS, strtoll(db_row(found, 0)[2].s, NULL, 10));
    *deletions = found->count ? strtoll(db_row(found, 0)[1].s, NULL, 10) : 0;
    return OK;
}

/* Adds what has come since to the counts of `ids`, which are known; those that no longer hold go into `stale`. */
static int count_behind(struct view *v, const char *const *ids, size_t n, const char **stale, size_t *stale_count)
{
    struct db_rows found;
    int64_t deletions;
    TRY(count_above(v, ids, n, basis.upto, &found, &deletions));
    for (size_t i = 1; i < found.count; i++) {
        int64_t behind = strtoll(db_row(&found, i)[1].s, NULL, 10), *number = count_of(v, db_row(&found, i)[0].s);
        if (!number)
            continue;
        *number += behind;
        basis.crowded |= behind > MOST_BEHIND || (behind > FEW_BEHIND && behind > *number / 2);
    }
    for (size_t i = 0; i < n; i++) {
        const struct kept_count *k = kept_count(ids[i]);
        if (k && k->deletions != deletions && (k->count < LARGE || total_clock() - k->at >= RECOUNT_SECONDS))
            stale[(*stale_count)++] = ids[i];
    }
    return OK;
}

static int count_whole(struct view *v, const char *const *ids, size_t n)
{
    struct db_rows found;
    int64_t deletions;
    TRY(count_above(v, ids, n, 0, &found, &deletions));
    for (size_t i = 0; i < n; i++) { /* those of no link are not among the rows */
        *count_of(v, ids[i]) = 0;
        keep_count(ids[i], 0, 0, deletions);
    }
    for (size_t i = 1; i < found.count; i++) {
        const struct db_value *values = db_row(&found, i);
        int64_t *number = count_of(v, values[0].s);
        if (!number)
            continue;
        *number = strtoll(values[1].s, NULL, 10);
        keep_count(values[0].s, *number, basis.upto ? strtoll(values[2].s, NULL, 10) : 0, deletions);
    }
    return OK;
}

/* One statement, unless there are large counts besides those that are to be made, or some have become stale. */
int tags_load_counts(struct view *v, struct row **rows, size_t count)
{
    struct arena *mem = view_ctx(v)->mem;
    const char **known = arena_array(mem, count + 1, sizeof *known),
               **others = arena_array(mem, count + 1, sizeof *others);
    size_t n = 0, m = 0;
    bool anew = false;
    if (basis_is_due())
        renew_basis();
    for (size_t i = 0; i < count; i++)
        anew = anew || !kept_count(rows[i]->id);
    for (size_t i = 0; i < count; i++) {
        const struct kept_count *k = kept_count(rows[i]->id);
        int64_t *number = rows[i]->data = arena_alloc(mem, sizeof *number);
        *number = k ? k->count : 0;
        if (!k || (anew && k->count < LARGE))
            others[m++] = rows[i]->id;
        else if (!k->brief)
            known[n++] = rows[i]->id;
    }
    TRY(count_behind(v, known, n, others, &m));
    return count_whole(v, others, m);
}

void show_tagged_count(const struct cell *at, struct jw *w)
{
    jw_int(w, at->row->data ? *(const int64_t *)at->row->data : 0);
}

/* Names ------------------------------------------------------------------------------------------------------------ */

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

/* Those of the names that no tag has just so. Most often there are none. */
static int find_missing(struct ctx *c, const char **names, size_t n, const char ***missing, size_t *count)
{
    struct db_rows found;
    TRY(sql_in(c, &found, "SELECT name FROM tag WHERE name IN %s", names, n, NULL, 0));
    struct lookup *there = sql_by_first_column(c->mem, &found);
    *missing = arena_array(c->mem, n + 1, sizeof **missing);
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (lookup_add(there, names[i], names)) /* each of them once */
            (*missing)[(*count)++] = names[i];
    return OK;
}

/* Guards names against creation by others, and lets the database say which of them it takes for the same: it has one
 * row for those, spelled like the first, which is written last. */
static int guard_names(struct ctx *c, const char **names, size_t *n)
{
    struct sql_values rows = {.room = *n};
    struct db_rows found;
    for (size_t i = *n; i-- > 0;)
        sql_add_row(c->mem, &rows, SQL_PARAMS(p_text("tag"), p_text(""), p_text(names[i])));
    TRY(sql_insert(c, "INSERT INTO kanso_name_guard (resource, scope, name) VALUES", &rows,
                   "ON DUPLICATE KEY UPDATE name = VALUES(name)"));
    TRY(sql_in(c, &found, "SELECT name FROM kanso_name_guard WHERE resource = 'tag' AND scope = '' AND name IN %s",
               names, *n, NULL, 0));
    struct lookup *known = lookup_new(c->mem);
    *n = 0;
    for (size_t i = 0; i < found.count; i++)
        if (lookup_add(known, db_row(&found, i)[0].s, names))
            names[(*n)++] = db_row(&found, i)[0].s;
    return OK;
}

/* Which of the tags have been made: others may have been faster with their names. */
static int note_created(struct ctx *c, const char *const *ids, size_t n)
{
    struct db_rows made;
    if (!c->audit)
        return OK;
    TRY(sql_in(c, &made, "SELECT id, name FROM tag WHERE id IN %s", ids, n, NULL, 0));
    for (size_t i = 0; i < made.count; i++)
        audit_changed(c, &resource_tag, db_row(&made, i)[0].s, db_row(&made, i)[1].s, CREATED);
    return OK;
}

/* Inserts a tag of each name, of which no two are the same, unless there is one. */
static int insert_tags(struct ctx *c, const char *const *names, size_t n)
{
    const char *now = stamp_made(c->mem);
    const char **ids = arena_array(c->mem, n + 1, sizeof *ids);
    struct query *q = query_new(c->mem);
    query_add(q, "INSERT INTO tag (id, created, updated, name, color)");
    for (size_t i = 0; i < n; i++) {
        ids[i] = uuid_made(c->mem);
        buf_adds(&q->text, i ? " UNION ALL" : "");
        query_with(q, " SELECT ?, ?, ?, ?, ? FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM tag t WHERE t.name = ?)",
                   SQL_PARAMS(p_text(ids[i]), p_text(now), p_text(now), p_text(names[i]), p_text(tag_random_color()),
                              p_text(names[i])));
    }
    TRY(query_run(c, q, NULL));
    return note_created(c, ids, n);
}

/* Creates the tags that are not there. Only names that are missing are guarded: requests that carry the same tag do not
 * wait for each other. */
static int create_missing(struct ctx *c, const char **names, size_t n)
{
    enum { BATCH = 500 };
    const char **missing;
    size_t count;
    TRY(find_missing(c, names, n, &missing, &count));
    if (count == 0)
        return OK;
    TRY(guard_names(c, missing, &count));
    for (size_t at = 0; at < count; at += BATCH)
        TRY(insert_tags(c, missing + at, count - at < BATCH ? count - at : BATCH));
    return sql_in(c, NULL, "DELETE FROM kanso_name_guard WHERE resource = 'tag' AND scope = '' AND name IN %s", missing,
                  count, NULL, 0);
}

static int link_names(struct ctx *c, const char *type, const char *id, const char **names, size_t n)
{
    const char *now = stamp_made(c->mem);
    clear_brief_counts();
    return sql_in(
        c, NULL,
        "INSERT INTO tag_resource (id, created, updated, tag_id, resource_id, resource_type) "
        "SELECT LOWER(REPLACE(UUID(), '-', '')), ?, ?, t.id, ?, ? FROM tag t WHERE NOT EXISTS (SELECT 1 FROM "
        "tag_resource x WHERE x.tag_id = t.id AND x.resource_id = ? AND x.resource_type = ?) AND t.name IN %s",
        names, n, SQL_PARAMS(p_text(now), p_text(now), p_text(id), p_text(type), p_text(id), p_text(type)));
}

int tags_attach(struct ctx *c, const char *resource_type, const char *resource_id, struct json_object *list)
{
    const char **names;
    size_t n = names_of(c, list, &names);
    if (n == 0)
        return OK;
    TRY(check_names(c, names, n));
    TRY(create_missing(c, names, n));
    return link_names(c, resource_type, resource_id, names, n);
}

static int detach(struct ctx *c, const char *type, const char *id, struct json_object *list)
{
    const char **names;
    size_t n = names_of(c, list, &names);
    if (n == 0)
        return OK;
    clear_counts();
    TRY(total_deleted(c));
    return sql_in(c, NULL,
                  "DELETE x FROM tag_resource x JOIN tag t ON t.id = x.tag_id WHERE x.resource_id = ? AND "
                  "x.resource_type = ? AND t.name IN %s",
                  names, n, SQL_PARAMS(p_text(id), p_text(type)));
}

int tags_follow(struct write *w, enum change change)
{
    const char *type = w->res->tag_type;
    switch (change) {
    case CREATED:
        return tags_attach(w->c, type, w->id, member(w->body, "tags"));
    case UPDATED:
        TRY(tags_attach(w->c, type, w->id, member(w->body, "add_tags")));
        return detach(w->c, type, w->id, member(w->body, "remove_tags"));
    case DELETED:
        clear_counts();
        return sql(w->c, NULL, "DELETE FROM tag_resource WHERE resource_id = ? AND resource_type = ?", p_text(w->id),
                   p_text(type));
    }
    return OK;
}
