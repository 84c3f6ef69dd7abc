#include "template/cluster.h"

#include "base/config.h"
#include "base/file.h"
#include "base/kubeconfig.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { SPACE_MOST = 63 };

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

/* In a pod --------------------------------------------------------------------------------------------------------- */

static const char *find_within(struct arena *a, struct cluster *out, const char *host)
{
    const char *port = getenv("KUBERNETES_SERVICE_PORT"), *problem = NULL;

    out->server = strchr(host, ':') ? arena_printf(a, "https://[%s]:%s", host, port ? port : "443")
                                    : arena_printf(a, "https://%s:%s", host, port ? port : "443");
    out->token = file_text(a, ACCOUNT "/token", KUBECONFIG_MOST, &problem);
    out->tls.authorities = file_text(a, ACCOUNT "/ca.crt", KUBECONFIG_MOST, &problem);
    out->space = file_text(a, ACCOUNT "/namespace", KUBECONFIG_MOST, &problem);
    return problem;
}

static const char *find_by_file(struct arena *a, struct cluster *out, const char *path)
{
    struct kubeconfig k;
    const char *problem = NULL, *text = file_text(a, path, KUBECONFIG_MOST, &problem);
    if (text)
        problem = kubeconfig_read(a, text, path, &k);
    if (problem)
        return problem;
    *out = (struct cluster){
        .server = k.server,
        .space = k.space,
        .token = k.token,
        .tls = {.authorities = k.authorities, .certificate = k.certificate, .key = k.key, .insecure = k.insecure},
    };
    return NULL;
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
