/* Definitions of tables that one kind of server has written, for the other kind. */
#include "backup/backup.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Whether the server has a collation. */
static bool has_collation(struct backup *b, const char *name)
{
    const char *charset = arena_strndup(b->m.mem, name, strcspn(name, "_"));
    return db_script(b->m.db, arena_printf(b->m.mem, "DO CONVERT('' USING %s) COLLATE %s", charset, name)) == DB_OK;
}

/* What compares most like it, of those that servers of both kinds and all ages have, the best one first. */
static const char *const *alike(const char *name)
{
    static const char *const binary[] = {"bin", NULL};
    static const char *const case_sensitive[] = {"0900_as_cs", "uca1400_nopad_as_cs", "bin", NULL};
    static const char *const others[] = {"0900_ai_ci", "uca1400_nopad_ai_ci", "unicode_520_ci", "general_ci", NULL};
    const char *rest = name + strcspn(name, "_");
    return strstr(rest, "bin") ? binary : strstr(rest, "_cs") ? case_sensitive : others;
}

static bool is_word(const char *s)
{
    for (const char *c = s; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    return *s;
}

const char *portable_collation(struct backup *b, const char *name, const char **out)
{
    *out = name;
    if (!is_word(name))
        return arena_printf(b->m.mem, "the backup is damaged: '%s' is no collation", name);
    if (has_collation(b, name))
        return NULL;
    for (const char *const *rest = alike(name); *rest; rest++) {
        *out = arena_printf(b->m.mem, "%.*s_%s", (int)strcspn(name, "_"), name, *rest);
        if (has_collation(b, *out))
            return NULL;
    }
    return arena_printf(b->m.mem, "the server has no collation like %s, which the backup's tables have", name);
}

/* How long the quoted text or name at `s` is, which begins with its quote. */
static size_t quoted_length(const char *s)
{
    size_t i = 1;
    for (; s[i] && s[i] != *s; i++)
        if (*s == '\'' && s[i] == '\\' && s[i + 1])
            i++;
    return s[i] ? i + 1 : i; /* a doubled quote begins another one */
}

/* Where the list of columns ends that begins at `s`, behind its bracket. */
static const char *behind_columns(const char *s)
{
    int depth = 0;
    while (*s) {
        depth += *s == '(' ? 1 : *s == ')' ? -1 : 0;
        s += *s == '\'' || *s == '"' || *s == '`' ? quoted_length(s) : 1;
        if (depth == 0)
            break;
    }
    return s;
}

bool portable_is_table(struct backup *b, const char *name, const char *create)
{
    const char *head = arena_printf(b->m.mem, "CREATE TABLE %s ", backup_name(b->m.mem, name));
    if (!starts_with(create, head) || create[strlen(head)] != '(')
        return false;
    for (const char *at = behind_columns(create + strlen(head)); *at;) {
        size_t word = 0;
        while (isalnum((unsigned char)at[word]) || at[word] == '_')
            word++;
        if (word == strlen("SELECT") && strncasecmp(at, "SELECT", word) == 0)
            return false;
        at += word ? word : *at == '\'' || *at == '"' || *at == '`' ? quoted_length(at) : 1;
    }
    return true;
}

/* The part of a definition that is looked at. */
struct walk {
    struct backup *b;
    const char *at;
    struct buf out;
    bool collated; /* something compares in another way than before */
};

/* COLLATE name, and COLLATE=name */
static const char *take_collation(struct walk *w)
{
    size_t head = strlen("COLLATE");
    const char *name = w->at + head + 1, *mapped;
    name = arena_strndup(w->b->m.mem, name, strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"));
    const char *problem = portable_collation(w->b, name, &mapped);
    if (problem)
        return problem;
    buf_add(&w->out, w->at, head + 1);
    buf_adds(&w->out, mapped);
    w->collated |= !streq(name, mapped);
    w->at += head + 1 + strlen(name);
    return NULL;
}

/* MySQL writes what older ones do not know into comments that MariaDB takes to be none of its business. */
static bool take_invisible(struct walk *w)
{
    static const char comment[] = "/*!80023 INVISIBLE */";
    if (!starts_with(w->at, comment))
        return false;
    buf_adds(&w->out, "INVISIBLE");
    w->at += sizeof comment - 1;
    return true;
}

static const char *step(struct walk *w)
{
    size_t len = 1;
    bool names_collation = starts_with(w->at, "COLLATE ") || starts_with(w->at, "COLLATE=");
    if (names_collation)
        return take_collation(w);
    if (take_invisible(w))
        return NULL;
    if (*w->at == '\'' || *w->at == '`')
        len = quoted_length(w->at);
    buf_add(&w->out, w->at, len);
    w->at += len;
    return NULL;
}

/* Also between servers of one kind: what a later one compares by, an earlier one may lack. */
const char *portable_create(struct backup *b, const char *create, const char **out, bool *collated)
{
    struct walk w = {.b = b, .at = create};
    const char *problem = NULL;
    while (!problem && *w.at)
        problem = step(&w);
    *out = arena_strndup(b->m.mem, w.out.data ? w.out.data : "", w.out.len);
    *collated = w.collated;
    buf_free(&w.out);
    return problem;
}
