#include "base/kubeconfig.h"

#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* The document while it is read. The first problem stays. */
struct reader {
    struct arena *mem;
    const char *path; /* NULL: it has come from elsewhere */
    const char *about, *problem;
    yaml_document_t doc;
};

/* The value of a member; NULL where there is none, or no mapping. */
static yaml_node_t *get(struct reader *r, const yaml_node_t *map, const char *key)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *name = yaml_document_get_node(&r->doc, p->key);
        if (name && name->type == YAML_SCALAR_NODE && streq((const char *)name->data.scalar.value, key))
            return yaml_document_get_node(&r->doc, p->value);
    }
    return NULL;
}

/* The text of a member; NULL where there is none, or an empty one. */
static const char *get_text(struct reader *r, const yaml_node_t *map, const char *key)
{
    const yaml_node_t *n = get(r, map, key);
    return n && n->type == YAML_SCALAR_NODE && n->data.scalar.length
               ? arena_strndup(r->mem, (const char *)n->data.scalar.value, n->data.scalar.length)
               : NULL;
}

/* The member of the entry with that name in one of the file's lists: {name: NAME, KIND: {...}} of `list`. */
static yaml_node_t *get_named(struct reader *r, const char *list, const char *kind, const char *name)
{
    const yaml_node_t *items = get(r, yaml_document_get_root_node(&r->doc), list);
    if (name && items && items->type == YAML_SEQUENCE_NODE)
        for (yaml_node_item_t *i = items->data.sequence.items.start; i < items->data.sequence.items.top; i++) {
            const yaml_node_t *item = yaml_document_get_node(&r->doc, *i);
            if (streq(get_text(r, item, "name"), name))
                return get(r, item, kind);
        }
    if (!r->problem)
        r->problem = arena_printf(r->mem, "%s has no %s named %s", r->about, kind, name ? name : "(nothing)");
    return NULL;
}

/* A text without the blanks and newlines behind it, from a file that the document names, relative to itself. */
static const char *get_file(struct reader *r, const yaml_node_t *map, const char *key)
{
    const char *path = get_text(r, map, key), *slash = r->path ? strrchr(r->path, '/') : NULL, *problem = NULL;
    if (!path)
        return NULL;
    if (!r->path)
        problem = arena_printf(r->mem, "%s names a file of its own (%s), which is not read", r->about, key);
    else if (path[0] != '/' && slash)
        path = arena_printf(r->mem, "%.*s/%s", (int)(slash - r->path), r->path, path);
    const char *text = problem ? NULL : file_text(r->mem, path, KUBECONFIG_MOST, &problem);
    if (!r->problem)
        r->problem = problem;
    return text;
}

/* A text that stands in the document in base64 (KEY-data), or in a file. */
static const char *get_pem(struct reader *r, const yaml_node_t *map, const char *key)
{
    const char *data = get_text(r, map, arena_printf(r->mem, "%s-data", key));
    size_t len;
    if (!data)
        return get_file(r, map, key);
    const char *text = base64_decode(r->mem, data, strlen(data), &len);
    if (!text && !r->problem)
        r->problem = arena_printf(r->mem, "%s: %s-data is not base64", r->about, key);
    return text;
}

static void read_user(struct reader *r, const yaml_node_t *user, struct kubeconfig *out)
{
    out->token = get_text(r, user, "tokenFile") ? get_file(r, user, "tokenFile") : get_text(r, user, "token");
    out->certificate = get_pem(r, user, "client-certificate");
    out->key = get_pem(r, user, "client-key");
    if (!out->token && !out->certificate && !r->problem)
        r->problem = arena_printf(r->mem, "%s: the user has neither token nor client certificate%s", r->about,
                                  get(r, user, "exec") || get(r, user, "auth-provider")
                                      ? "; programs that get one (exec, auth-provider) are not run"
                                      : "");
}

static void read_context(struct reader *r, struct kubeconfig *out)
{
    const char *name = get_text(r, yaml_document_get_root_node(&r->doc), "current-context");
    const yaml_node_t *context = get_named(r, "contexts", "context", name);
    if (!context)
        return;
    out->cluster = get_text(r, context, "cluster");
    const yaml_node_t *cluster = get_named(r, "clusters", "cluster", out->cluster);
    const yaml_node_t *user = get_named(r, "users", "user", get_text(r, context, "user"));
    if (!cluster || !user)
        return;
    out->space = get_text(r, context, "namespace");
    out->server = get_text(r, cluster, "server");
    out->authorities = get_pem(r, cluster, "certificate-authority");
    out->insecure = streq(get_text(r, cluster, "insecure-skip-tls-verify"), "true");
    read_user(r, user, out);
    if (!out->server && !r->problem)
        r->problem = arena_printf(r->mem, "%s: the cluster has no server", r->about);
}

const char *kubeconfig_read(struct arena *a, const char *text, const char *path, struct kubeconfig *out)
{
    struct reader r = {.mem = a, .path = path, .about = path ? path : "the kubeconfig"};
    yaml_parser_t parser;
    *out = (struct kubeconfig){0};
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    if (yaml_parser_load(&parser, &r.doc)) {
        read_context(&r, out);
        yaml_document_delete(&r.doc);
    } else {
        r.problem = arena_printf(a, "%s is not YAML: %s in line %zu", r.about,
                                 parser.problem ? parser.problem : "damaged", parser.problem_mark.line + 1);
    }
    yaml_parser_delete(&parser);
    return r.problem;
}
