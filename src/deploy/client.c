/*
 * The stock client's config.yaml: whom it is connected to is the member `store` (docs/contract/deploy.md#client). All
 * other members stay as they are, but for those that name things of the store that was there before. Without a store
 * the client takes its default one.
 */
#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "deploy/deploy.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

enum { CONFIG_MOST = 1 << 20 };

/* What belongs to a store. */
static const char *const OF_STORE[] = {"store", "active_stack_id", "active_workspace_name", NULL};

static const char *config_file(struct deployer *d)
{
    return arena_printf(d->mem, "%s/config.yaml", d->config_dir);
}

/* Whether nothing follows the document that was loaded. */
static bool is_last(yaml_parser_t *parser)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next))
        return false;
    bool empty = !yaml_document_get_root_node(&next);
    yaml_document_delete(&next);
    return empty;
}

/* Reads the file into a document, whose root is a mapping; one that is not there is an empty one. */
static enum deploy_end load(struct deployer *d, yaml_document_t *doc)
{
    const char *path = config_file(d);
    size_t len;
    errno = 0;
    const char *text = file_read(d->mem, path, CONFIG_MOST, &len);
    if (!text && errno != ENOENT)
        return deploy_fail(d, DEPLOY_FAILED, "%s cannot be read: %s", path, strerror(errno));
    text = text ? text : "{}";
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return deploy_fail(d, DEPLOY_FAILED, "there is not enough memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    bool ok = yaml_parser_load(&parser, doc), last = ok && is_last(&parser);
    yaml_parser_delete(&parser);
    if (!ok)
        return deploy_fail(d, DEPLOY_FAILED, "%s is no YAML", path);
    yaml_node_t *root = yaml_document_get_root_node(doc);
    if (last && root && root->type == YAML_MAPPING_NODE) {
        root->data.mapping.style = YAML_BLOCK_MAPPING_STYLE;
        return DEPLOY_OK;
    }
    yaml_document_delete(doc);
    return deploy_fail(d, DEPLOY_FAILED, "%s is no client's configuration", path);
}

static int append(void *to, unsigned char *data, size_t len)
{
    buf_add(to, (const char *)data, len);
    return 1;
}

/* Takes the document. The file holds credentials, so only its owner may read it. */
static enum deploy_end save(struct deployer *d, yaml_document_t *doc)
{
    yaml_emitter_t emitter;
    struct buf text = {0};
    const char *problem = NULL;
    bool ok = yaml_emitter_initialize(&emitter);
    if (ok) {
        yaml_emitter_set_output(&emitter, append, &text);
        yaml_emitter_set_unicode(&emitter, 1);
        ok = yaml_emitter_open(&emitter) && yaml_emitter_dump(&emitter, doc) && yaml_emitter_close(&emitter);
        yaml_emitter_delete(&emitter);
    } else {
        yaml_document_delete(doc);
    }
    if (!ok)
        problem = "the client's configuration cannot be written as YAML";
    if (!problem)
        problem = file_replace(d->mem, config_file(d), text.data, text.len);
    buf_free(&text);
    return problem ? deploy_fail(d, DEPLOY_FAILED, "%s", problem) : DEPLOY_OK;
}

static bool is_named(yaml_document_t *doc, const yaml_node_pair_t *pair, const char *name)
{
    const yaml_node_t *key = yaml_document_get_node(doc, pair->key);
    return key->type == YAML_SCALAR_NODE && key->data.scalar.length == strlen(name) &&
           memcmp(key->data.scalar.value, name, key->data.scalar.length) == 0;
}

static yaml_node_t *member_of(yaml_document_t *doc, const yaml_node_t *map, const char *name)
{
    if (map && map->type == YAML_MAPPING_NODE)
        for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++)
            if (is_named(doc, p, name))
                return yaml_document_get_node(doc, p->value);
    return NULL;
}

/* Takes a pair out of the root. Its nodes stay in the document, where nothing refers to them: they are not written. */
static void drop(yaml_document_t *doc, const char *name)
{
    yaml_node_t *root = yaml_document_get_root_node(doc);
    yaml_node_pair_t *to = root->data.mapping.pairs.start;
    for (yaml_node_pair_t *p = to; p < root->data.mapping.pairs.top; p++)
        if (!is_named(doc, p, name))
            *to++ = *p;
    root->data.mapping.pairs.top = to;
}

static bool put(yaml_document_t *doc, int map, const char *name, const char *value, bool quoted)
{
    int key = yaml_document_add_scalar(doc, NULL, (const unsigned char *)name, -1, YAML_PLAIN_SCALAR_STYLE);
    int node = yaml_document_add_scalar(doc, NULL, (const unsigned char *)value, -1,
                                        quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE);
    return key && node && yaml_document_append_mapping_pair(doc, map, key, node);
}

static bool put_store(yaml_document_t *doc, const char *url, const char *username, const char *password,
                      bool verify_ssl)
{
    int key = yaml_document_add_scalar(doc, NULL, (const unsigned char *)"store", -1, YAML_PLAIN_SCALAR_STYLE);
    int map = yaml_document_add_mapping(doc, NULL, YAML_BLOCK_MAPPING_STYLE), root = 1;
    return key && map && put(doc, map, "type", "rest", false) && put(doc, map, "url", url, true) &&
           put(doc, map, "username", username, true) && put(doc, map, "password", password, true) &&
           put(doc, map, "verify_ssl", verify_ssl ? "true" : "false", false) &&
           yaml_document_append_mapping_pair(doc, root, key, map);
}

const char *client_url(struct deployer *d)
{
    yaml_document_t doc;
    if (load(d, &doc) != DEPLOY_OK)
        return NULL;
    const yaml_node_t *store = member_of(&doc, yaml_document_get_root_node(&doc), "store");
    const yaml_node_t *type = member_of(&doc, store, "type"), *url = member_of(&doc, store, "url");
    const char *found = NULL;
    if (type && url && type->type == YAML_SCALAR_NODE && url->type == YAML_SCALAR_NODE &&
        streq((const char *)type->data.scalar.value, "rest"))
        found = arena_strndup(d->mem, (const char *)url->data.scalar.value, url->data.scalar.length);
    yaml_document_delete(&doc);
    return found;
}

/* Reads the client's file, without what says where its store is. */
static enum deploy_end load_without_store(struct deployer *d, yaml_document_t *doc)
{
    enum deploy_end end = load(d, doc);
    for (size_t i = 0; end == DEPLOY_OK && OF_STORE[i]; i++)
        drop(doc, OF_STORE[i]);
    return end;
}

enum deploy_end client_connect(struct deployer *d, const char *url, const char *username, const char *password,
                               bool verify_ssl)
{
    yaml_document_t doc;
    enum deploy_end end = load_without_store(d, &doc);
    if (end != DEPLOY_OK)
        return end;
    if (put_store(&doc, url, username, password, verify_ssl))
        return save(d, &doc);
    yaml_document_delete(&doc);
    return deploy_fail(d, DEPLOY_FAILED, "there is not enough memory");
}

enum deploy_end client_disconnect(struct deployer *d)
{
    yaml_document_t doc;
    enum deploy_end end = load_without_store(d, &doc);
    return end == DEPLOY_OK ? save(d, &doc) : end;
}
