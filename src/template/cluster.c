#include "template/cluster.h"

#include "base/config.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { FILE_MOST = 1024 * 1024, SPACE_MOST = 63 };

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

/* A text without the blanks and newlines behind it. */
static char *trimmed(char *text, size_t len)
{
    while (text && len && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
    return text;
}

/* A file's text; NULL, and *problem says why. */
static char *read_file(struct arena *a, const char *path, const char **problem)
{
    size_t len;
    char *text = file_read(a, path, FILE_MOST, &len);
    if (!text)
        *problem = arena_printf(a, "%s cannot be read: %s", path, strerror(errno));
    return trimmed(text, len);
}

/* In a pod --------------------------------------------------------------------------------------------------------- */

static const char *find_within(struct arena *a, struct cluster *out, const char *host)
{
    const char *port = getenv("KUBERNETES_SERVICE_PORT"), *problem = NULL;

    out->server = strchr(host, ':') ? arena_printf(a, "https://[%s]:%s", host, port ? port : "443")
                                    : arena_printf(a, "https://%s:%s", host, port ? port : "443");
    out->token = read_file(a, ACCOUNT "/token", &problem);
    out->tls.authorities = read_file(a, ACCOUNT "/ca.crt", &problem);
    out->space = read_file(a, ACCOUNT "/namespace", &problem);
    return problem;
}

/* By a kubeconfig -------------------------------------------------------------------------------------------------- */

/* The file while it is read. The first problem stays. */
struct reader {
    struct arena *mem;
    const char *path, *problem;
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
        r->problem = arena_printf(r->mem, "%s has no %s named %s", r->path, kind, name ? name : "(nothing)");
    return NULL;
}

/* A text that stands in the file in base64 (KEY-data), or in a file of its own, named relative to this one. */
static const char *get_pem(struct reader *r, const yaml_node_t *map, const char *key)
{
    const char *data = get_text(r, map, arena_printf(r->mem, "%s-data", key)), *path = get_text(r, map, key);
    size_t len;
    if (data) {
        const char *text = base64_decode(r->mem, data, strlen(data), &len);
        if (!text && !r->problem)
            r->problem = arena_printf(r->mem, "%s: %s-data is not base64", r->path, key);
        return text;
    }
    const char *slash = strrchr(r->path, '/');
    if (path && path[0] != '/' && slash)
        path = arena_printf(r->mem, "%.*s/%s", (int)(slash - r->path), r->path, path);
    return path ? read_file(r->mem, path, &r->problem) : NULL;
}

static void read_user(struct reader *r, const yaml_node_t *user, struct cluster *out)
{
    const char *file = get_text(r, user, "tokenFile");
    out->token = file ? read_file(r->mem, file, &r->problem) : get_text(r, user, "token");
    out->tls.certificate = get_pem(r, user, "client-certificate");
    out->tls.key = get_pem(r, user, "client-key");
    if (!out->token && !out->tls.certificate && !r->problem)
        r->problem = arena_printf(r->mem, "%s: the user has neither token nor client certificate%s", r->path,
                                  get(r, user, "exec") || get(r, user, "auth-provider")
                                      ? "; programs that get one (exec, auth-provider) are not run"
                                      : "");
}

static void read_context(struct reader *r, struct cluster *out)
{
    const char *name = get_text(r, yaml_document_get_root_node(&r->doc), "current-context");
    const yaml_node_t *context = get_named(r, "contexts", "context", name);
    if (!context)
        return;
    const yaml_node_t *cluster = get_named(r, "clusters", "cluster", get_text(r, context, "cluster"));
    const yaml_node_t *user = get_named(r, "users", "user", get_text(r, context, "user"));
    if (!cluster || !user)
        return;
    out->space = get_text(r, context, "namespace");
    out->server = get_text(r, cluster, "server");
    out->tls.authorities = get_pem(r, cluster, "certificate-authority");
    out->tls.insecure = streq(get_text(r, cluster, "insecure-skip-tls-verify"), "true");
    read_user(r, user, out);
    if (!out->server && !r->problem)
        r->problem = arena_printf(r->mem, "%s: the cluster has no server", r->path);
}

static const char *find_by_file(struct arena *a, struct cluster *out, const char *path)
{
    struct reader r = {.mem = a, .path = path};
    yaml_parser_t parser;
    const char *text = read_file(a, path, &r.problem);
    if (!text)
        return r.problem;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    if (yaml_parser_load(&parser, &r.doc)) {
        read_context(&r, out);
        yaml_document_delete(&r.doc);
    } else {
        r.problem = arena_printf(a, "%s is not YAML: %s in line %zu", path, parser.problem ? parser.problem : "damaged",
                                 parser.problem_mark.line + 1);
    }
    yaml_parser_delete(&parser);
    return r.problem;
}

/* ------------------------------------------------------------------------------------------------------------------ */

/* What may stand in a path of the API: a DNS label. */
static bool is_label(const char *s)
{
    size_t len = strlen(s);
    return len && len <= SPACE_MOST && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

const char *cluster_find(struct arena *a, struct cluster *out)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *home = getenv("HOME"), *problem;
    *out = (struct cluster){0};
    if (host && *host && !config.kubeconfig)
        problem = find_within(a, out, host);
    else
        problem = find_by_file(
            a, out, config.kubeconfig ? config.kubeconfig : arena_printf(a, "%s/.kube/config", home ? home : ""));
    if (problem)
        return problem;
    size_t len = strlen(out->server);
    while (len && out->server[len - 1] == '/')
        len--;
    out->server = arena_strndup(a, out->server, len);
    if (config.workload_namespace)
        out->space = config.workload_namespace;
    if (!out->space || !*out->space)
        out->space = "default";
    if (!is_label(out->space))
        return arena_printf(a, "%s cannot be the name of a namespace", out->space);
    if (!starts_with(out->server, "https://") && !starts_with(out->server, "http://"))
        return arena_printf(a, "the cluster's server is %s, which is no URL", out->server);
    if (out->token && strpbrk(out->token, "\r\n"))
        return "the token has more than one line";
    return NULL;
}
