#include "model/version_links.h"

#include "base/text.h"
#include "base/uuid.h"
#include "resource/total.h"

#include <stdlib.h>
#include <string.h>

#define TABLE "model_versions_artifacts"

/* Artifact versions, then runs. They are put in order here: for a UNION with an order the database writes all of them
 * into a table first. */
#define ARTIFACTS                                                                                                      \
    "SELECT l.model_version_id, o.id, a.name, o.version, l.is_model_artifact, l.is_deployment_artifact, 'a', a.id, "   \
    "l.created, l.kanso_order FROM " TABLE " l"
#define LOOKED_UP                                                                                                      \
    " STRAIGHT_JOIN artifact_version o ON o.id = l.artifact_version_id STRAIGHT_JOIN artifact a ON a.id = "            \
    "o.artifact_id WHERE l.model_version_id IN "
#define RUNS                                                                                                           \
    " UNION ALL SELECT l.model_version_id, r.id, r.name, NULL, NULL, NULL, 'r', '', l.created, l.kanso_order FROM "    \
    "model_versions_runs l STRAIGHT_JOIN pipeline_run r ON r.id = l.pipeline_run_id WHERE l.model_version_id IN "
enum { L_VERSION = 3, L_IS_MODEL, L_IS_DEPLOYMENT, L_KIND, L_ARTIFACT, L_CREATED, L_ORDER, L_COLUMNS };

/* A row that belongs to no version: deletions, and the last number that a link to an artifact version has. */
#define STATE                                                                                                          \
    " UNION ALL SELECT '', '', '', " TOTAL_DELETIONS ", NULL, NULL, 's', '', NULL, "                                   \
    "(SELECT COALESCE(MAX(x.kanso_order), 0) FROM " TABLE " x)"

/* So many links are worth remembering; so many are remembered at most; so many behind may be read each time. */
enum { LARGE = 1000, MOST = 10000, MOST_BEHIND = 1000, KEPT = 4 };

/* Model versions that have been seen to have many links. */
static struct kept {
    char version[UUID_HEX + 1]; /* "": free */
    bool holds;                 /* the rest is there */
    int64_t deletions, until;
    struct arena mem;
    struct link *links; /* to artifact versions, in order */
} kept_links[KEPT];

/* Where all remembered links end, and the last number that there was; 0 while that is not known. */
static int64_t upto, last;

/* In order --------------------------------------------------------------------------------------------------------- */

/* Artifacts by name, and what is of the same one, and runs, by when they were linked. */
static int compare(const struct link *a, const struct link *b)
{
    const struct db_value *x = a->values, *y = b->values;
    int sign = strcmp(x[L_KIND].s, y[L_KIND].s);
    sign = sign || *x[L_KIND].s == 'r' ? sign : strcmp(a->key, b->key);
    sign = sign ? sign : strcmp(x[L_ARTIFACT].s, y[L_ARTIFACT].s);
    sign = sign ? sign : strcmp(x[L_CREATED].s, y[L_CREATED].s);
    sign = sign ? sign : (x[L_ORDER].len > y[L_ORDER].len) - (x[L_ORDER].len < y[L_ORDER].len); /* numbers */
    return sign ? sign : strcmp(x[L_ORDER].s, y[L_ORDER].s);
}

static int compare_places(const void *one, const void *other)
{
    return compare(*(struct link *const *)one, *(struct link *const *)other);
}

static void sort(struct arena *mem, struct row *row, int slot)
{
    size_t n = 0;
    for (struct link *link = row->links[slot]; link; link = link->next)
        n++;
    struct link **all = arena_array(mem, n + 1, sizeof *all), **end = &row->links[slot];
    n = 0;
    for (struct link *link = row->links[slot]; link; link = link->next)
        all[n++] = link;
    qsort(all, n, sizeof *all, compare_places);
    for (size_t i = 0; i < n; i++, end = &(*end)->next)
        *end = all[i];
    *end = NULL;
    row->link_ends[slot] = end;
}

/* Puts copies of what is remembered between the row's links, which are in order as well. */
static void merge(struct arena *mem, struct row *row, int slot, const struct link *known)
{
    struct link *own = row->links[slot], **end = &row->links[slot];
    while (known || own) {
        if (known && (!own || compare(known, own) <= 0)) {
            *end = arena_memdup(mem, known, sizeof *known);
            known = known->next;
        } else {
            *end = own;
            own = own->next;
        }
        end = &(*end)->next;
    }
    *end = NULL;
    row->link_ends[slot] = end;
}

/* Remembering ------------------------------------------------------------------------------------------------------ */

static struct kept *kept_of(const char *version)
{
    for (size_t i = 0; i < KEPT; i++)
        if (streq(kept_links[i].version, version))
            return &kept_links[i];
    return NULL;
}

static void free_memory(void *mem)
{
    arena_free(mem);
}

/* The request's answer may show what is forgotten: that lives as long as the request. */
static void forget(struct kept *k, struct arena *request)
{
    struct arena *mem = arena_alloc(request, sizeof *mem);
    *mem = k->mem;
    arena_on_reset(request, free_memory, mem);
    *k = (struct kept){0};
}

static void forget_links(struct kept *k, struct arena *request)
{
    struct kept empty = {0};
    memcpy(empty.version, k->version, sizeof empty.version);
    forget(k, request);
    *k = empty;
}

/* The next answer with this version asks for what is needed to remember its links, if there is a place that nobody
 * has need of: with more such versions than places, those that came first keep theirs. */
static void note_large(const char *version, struct arena *request)
{
    for (size_t i = 0; i < KEPT && strlen(version) == UUID_HEX; i++) {
        struct kept *k = &kept_links[i];
        if (*k->version && total_clock() < k->until)
            continue;
        forget(k, request);
        memcpy(k->version, version, sizeof k->version);
        k->until = total_clock() + TOTAL_KEPT_SECONDS;
        return;
    }
}

/* Moves the end of what is remembered, once that can be and there is a reason to. It goes down when the last links are
 * gone, or all that was, with another database. */
static void renew_end(struct arena *request)
{
    int64_t settled = total_settled(TABLE);
    if (settled == upto || (settled > upto && upto && last - upto <= MOST_BEHIND))
        return;
    for (size_t i = 0; i < KEPT; i++)
        forget_links(&kept_links[i], request);
    upto = settled;
}

static bool is_behind(const struct link *link)
{
    return strtoll(link->values[L_ORDER].s, NULL, 10) > upto;
}

static struct link *keep_link(struct kept *k, const struct link *link, const struct link *before)
{
    bool same = before && streq(before->values[L_ARTIFACT].s, link->values[L_ARTIFACT].s);
    struct link *copy = arena_alloc(&k->mem, sizeof *copy);
    copy->id = arena_strdup(&k->mem, link->id);
    copy->key = same ? before->key : arena_strdup(&k->mem, link->key);
    copy->values = arena_array(&k->mem, L_COLUMNS, sizeof *copy->values);
    for (size_t i = L_VERSION; i < L_COLUMNS; i++) {
        copy->values[i] = link->values[i];
        copy->values[i].s = i == L_ARTIFACT && same ? before->values[i].s : arena_strdup(&k->mem, link->values[i].s);
    }
    return copy;
}

static size_t count_artifacts(const struct row *row, int slot)
{
    size_t n = 0;
    for (const struct link *link = row->links[slot]; link && version_link_role(link) != RUN; link = link->next)
        n++;
    return n;
}

static bool is_large(const struct row *row, int slot)
{
    size_t n = count_artifacts(row, slot);
    return n >= LARGE && n <= MOST;
}

/* Remembers the links of a row, which are in order. */
static void keep(const struct row *row, int slot, int64_t deletions, struct arena *request)
{
    struct kept *k = kept_of(row->id);
    if (!is_large(row, slot))
        forget(k, request);
    if (!*k->version || !upto)
        return;
    forget_links(k, request);
    struct link **end = &k->links, *before = NULL;
    for (const struct link *link = row->links[slot]; link && version_link_role(link) != RUN; link = link->next) {
        if (is_behind(link))
            continue;
        before = *end = keep_link(k, link, before);
        end = &before->next;
    }
    k->holds = true;
    k->deletions = deletions;
    k->until = total_clock() + TOTAL_KEPT_SECONDS;
}

/* Reading ---------------------------------------------------------------------------------------------------------- */

struct part {
    struct row **rows;
    size_t count;
};

static void add(struct part *p, struct row *row)
{
    p->rows[p->count++] = row;
}

static void add_ids(struct query *q, const struct part *p)
{
    const char **ids = arena_array(q->mem, p->count + 1, sizeof *ids);
    for (size_t i = 0; i < p->count; i++)
        ids[i] = p->rows[i]->id;
    query_in(q, ids, p->count);
}

/* The links of rows, with the state of the table: all of them, or only those to artifact versions that are not
 * remembered. */
static int ask(struct view *v, const struct part *p, int slot, bool behind, int64_t *deletions)
{
    struct query *q = query_new(view_ctx(v)->mem);
    struct db_rows found;
    query_add(q, ARTIFACTS "%s" LOOKED_UP, behind ? " FORCE INDEX (kanso_" TABLE "_order)" : "");
    add_ids(q, p);
    if (behind) {
        query_add(q, " AND l.kanso_order > ?");
        query_param(q, p_int(upto));
    }
    query_add(q, RUNS);
    add_ids(q, p);
    query_add(q, STATE);
    TRY(query_run(view_ctx(v), q, &found));
    for (size_t i = 0; i < found.count; i++) {
        struct db_value *values = db_row(&found, i);
        struct row *row = view_find(v, p->rows[0]->res, values[0].s);
        if (row)
            view_add_link(v, row, slot, values[1].s, values[2].s, values);
        if (*values[L_KIND].s != 's')
            continue;
        *deletions = strtoll(values[L_VERSION].s, NULL, 10);
        last = strtoll(values[L_ORDER].s, NULL, 10);
        total_note_end(TABLE, last);
    }
    for (size_t i = 0; i < p->count; i++)
        sort(view_ctx(v)->mem, p->rows[i], slot);
    return OK;
}

/* What is remembered, with what has come behind it; rows of which it no longer holds go into `large`. */
static int load_known(struct view *v, const struct part *known, struct part *large, int slot)
{
    int64_t deletions = 0;
    if (!known->count)
        return OK;
    TRY(ask(v, known, slot, true, &deletions));
    for (size_t i = 0; i < known->count; i++) {
        struct row *row = known->rows[i];
        const struct kept *k = kept_of(row->id);
        if (k->deletions == deletions) {
            merge(view_ctx(v)->mem, row, slot, k->links);
            continue;
        }
        row->links[slot] = NULL;
        row->link_ends[slot] = NULL;
        add(large, row);
    }
    return OK;
}

static int load_large(struct view *v, const struct part *large, int slot)
{
    int64_t deletions = 0;
    if (!large->count)
        return OK;
    TRY(ask(v, large, slot, false, &deletions));
    for (size_t i = 0; i < large->count; i++)
        keep(large->rows[i], slot, deletions, view_ctx(v)->mem);
    return OK;
}

static int load_few(struct view *v, const struct part *few, int slot)
{
    TRY(view_links(v, few->rows, few->count, slot, NULL, ARTIFACTS LOOKED_UP "%s" RUNS "%s"));
    for (size_t i = 0; i < few->count; i++) {
        sort(view_ctx(v)->mem, few->rows[i], slot);
        if (is_large(few->rows[i], slot))
            note_large(few->rows[i]->id, view_ctx(v)->mem);
    }
    return OK;
}

int version_links_load(struct view *v, struct row **rows, size_t count, int slot)
{
    struct arena *mem = view_ctx(v)->mem;
    struct part few = {arena_array(mem, count + 1, sizeof *rows), 0}, known = few, large = few;
    known.rows = arena_array(mem, KEPT, sizeof *rows);
    large.rows = arena_array(mem, KEPT, sizeof *rows);
    renew_end(mem);
    for (size_t i = 0; i < count; i++) {
        const struct kept *k = kept_of(rows[i]->id);
        add(!k ? &few : k->holds && total_clock() < k->until ? &known : &large, rows[i]);
    }
    TRY(load_known(v, &known, &large, slot));
    TRY(load_large(v, &large, slot));
    return load_few(v, &few, slot);
}

/* Showing ---------------------------------------------------------------------------------------------------------- */

static bool set_in(const struct link *link, size_t column)
{
    return link->values[column].s && *link->values[column].s != '0';
}

enum role version_link_role(const struct link *link)
{
    return *link->values[L_KIND].s == 'r'  ? RUN
           : set_in(link, L_IS_MODEL)      ? MODEL_ITSELF
           : set_in(link, L_IS_DEPLOYMENT) ? DEPLOYMENT
                                           : DATA;
}

const char *version_link_version(const struct link *link)
{
    return link->values[L_VERSION].s;
}
