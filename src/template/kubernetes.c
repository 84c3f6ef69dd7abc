/*
 * kanso.kubernetes: a workload is a Job of the cluster's batch/v1 API, named after its id: that name is what keeps it
 * from being started twice. Its environment, which holds a token, is a Secret that belongs to the Job and goes with it.
 *
 * The Job is made first, since only then there is somebody whom the Secret can belong to; the kubelet waits for the
 * Secret meanwhile. An attempt that was cut short between the two is completed by the next.
 */
#include "base/config.h"
#include "base/spawn.h"
#include "base/text.h"
#include "template/cluster.h"
#include "template/output.h"
#include "template/workload.h"
#include "json/write.h"

#include <unistd.h>

enum {
    CONNECT_MS = 5000,
    CALL_MS = 30000,
    NOT_FOUND = 404,
    CONFLICT = 409,
    TOO_MANY = 429,
    LOG_LINES = 10000,
    LOG_BYTES = 1024 * 1024,        /* that are kept of the end */
    LOG_FETCHED = 64 * 1024 * 1024, /* that are asked for */
    BUILDER_OUTPUT = 16 * 1024 * 1024,
    BUILDER_SHOWN = 4 * 1024,
    TRY_LATER = 75, /* EX_TEMPFAIL of sysexits.h */
};

#define LABEL     "kanso.workload"
#define CONTAINER "runner"

/* The API --------------------------------------------------------------------------------------------------------- */

struct api_call {
    const char *method;
    const char *group; /* "/apis/batch/v1" */
    const char *path;  /* behind the namespace: "jobs/NAME?x=y" */
    struct buf *body;  /* JSON, erased once it has been sent; or NULL */
    struct output *sink;
};

static bool take(void *to, const char *data, size_t len)
{
    output_add(to, data, len);
    return true;
}

/* Whether there is an answer, of whatever status; RETRY when not. */
static int ask(struct ctx *c, const struct api_call *r, struct fetched *answer)
{
    struct cluster cluster;
    *answer = (struct fetched){0};
    const char *problem = cluster_find(c->mem, &cluster);
    if (problem)
        return fail(c, EX_RUNTIME, "The cluster cannot be used: %s", problem);
    const char *headers[4] = {"Accept: application/json, */*"};
    size_t n = 1;
    if (r->body)
        headers[n++] = "Content-Type: application/json";
    if (cluster.token)
        headers[n++] = arena_printf(c->mem, "Authorization: Bearer %s", cluster.token);
    const struct fetch f = {
        .method = r->method,
        .url = arena_printf(c->mem, "%s%s/namespaces/%s/%s", cluster.server, r->group, cluster.space, r->path),
        .headers = headers,
        .body = r->body ? r->body->data : NULL,
        .body_len = r->body ? r->body->len : 0,
        .timeout_ms = CALL_MS,
        .connect_ms = CONNECT_MS,
        .tls = &cluster.tls,
        .sink = r->sink ? take : NULL,
        .sink_to = r->sink};
    *answer = fetch(c->mem, &f);
    if (r->body) {
        memset(r->body->data, 0, r->body->len);
        buf_free(r->body);
    }
    if (answer->failure == FETCH_OK)
        return OK;
    fail(c, EX_RUNTIME, "The cluster at %s does not answer: %s", cluster.server, answer->error);
    return RETRY;
}

static bool good(const struct fetched *answer)
{
    return answer->status >= 200 && answer->status < 300;
}

/* Answers that are not as they should be: what the cluster says about it. */
static int refused(struct ctx *c, const char *what, const struct fetched *answer)
{
    const char *message = member_str(json_tree(c->mem, answer->body, answer->len), "message");
    fail(c, EX_RUNTIME, "The cluster could not %s: %s (status %ld)", what, message ? message : "it gives no reason",
         answer->status);
    return answer->status >= 500 || answer->status == TOO_MANY ? RETRY : FAILED;
}

/* Reads an object: *object is NULL when there is none. */
static int read_object(struct ctx *c, const char *group, const char *path, struct json_object **object)
{
    const struct api_call r = {.method = "GET", .group = group, .path = path};
    struct fetched answer;
    *object = NULL;
    TRY(ask(c, &r, &answer));
    if (answer.status == NOT_FOUND)
        return OK;
    if (!good(&answer))
        return refused(c, "show what it has", &answer);
    *object = json_tree(c->mem, answer.body, answer.len);
    return json_object_is_type(*object, json_type_object)
               ? OK
               : fail(c, EX_RUNTIME,
                      "The cluster's answer is no JSON object: is the server of the context an API server?");
}

static const char *job_name(struct ctx *c, const char *id)
{
    return arena_printf(c->mem, "kanso-%s", id);
}

static const char *job_path(struct ctx *c, const char *id, const char *query)
{
    return arena_printf(c->mem, "jobs/kanso-%s%s", id, query);
}

#define BATCH "/apis/batch/v1"
#define CORE  "/api/v1"

static int read_job(struct ctx *c, const char *id, struct json_object **job)
{
    return read_object(c, BATCH, job_path(c, id, ""), job);
}

/* The Job's pod; NULL when there is none (any more). */
static int read_pod(struct ctx *c, const char *id, struct json_object **pod)
{
    struct json_object *list;
    char *path = query_append(c->mem, "pods?", "labelSelector", arena_printf(c->mem, LABEL "=%s", id));
    *pod = NULL;
    TRY(read_object(c, CORE, path, &list));
    struct json_object *items = member(list, "items");
    if (json_object_is_type(items, json_type_array) && json_object_array_length(items))
        *pod = json_object_array_get_idx(items, json_object_array_length(items) - 1);
    return OK;
}

/* Images ---------------------------------------------------------------------------------------------------------- */

static int kubernetes_check(struct buf *why)
{
    struct arena mem = {0};
    struct cluster cluster;
    const char *problem = cluster_find(&mem, &cluster);
    if (problem)
        buf_adds(why, problem);
    else if (!config.workload_image && !(config.workload_builder && config.workload_registry))
        buf_adds(why, "there is neither KANSO_WORKLOAD_IMAGE, the name of images that are there, nor "
                      "KANSO_WORKLOAD_BUILDER and KANSO_WORKLOAD_REGISTRY, to make them");
    else if (config.workload_builder && access(config.workload_builder, X_OK) != 0)
        buf_addf(why, "KANSO_WORKLOAD_BUILDER: %s is not a program that can be run", config.workload_builder);
    arena_free(&mem);
    return why->len ? FAILED : OK;
}

/* What {hash}, {version} and {python} stand for: of "zenml-runner:HASH" and "FROM zenmldocker/zenml:VERSION-pyPYTHON".
 */
struct naming {
    const char *name, *value;
    size_t len;
};

static void read_naming(const char *dockerfile, const char *image_name, struct naming out[3])
{
    const char *line = dockerfile + strcspn(dockerfile, ":\n"), *tag = strrchr(image_name, ':');
    const char *version = *line == ':' ? line + 1 : line, *end = version + strcspn(version, "\n");
    const char *python = strstr(version, "-py");
    python = python && python < end ? python : end;
    const char *digits = python < end ? python + strlen("-py") : end;
    tag = tag ? tag + 1 : image_name;
    out[0] = (struct naming){"{hash}", tag, strlen(tag)};
    out[1] = (struct naming){"{version}", version, (size_t)(python - version)};
    out[2] = (struct naming){"{python}", digits, (size_t)(end - digits)};
}

static const char *expand(struct arena *a, const char *pattern, const struct naming names[3])
{
    struct buf b = {0};
    while (*pattern) {
        size_t i = 0;
        while (i < 3 && !starts_with(pattern, names[i].name))
            i++;
        if (i < 3) {
            buf_add(&b, names[i].value, names[i].len);
            pattern += strlen(names[i].name);
        } else {
            buf_addc(&b, *pattern++);
        }
    }
    const char *text = arena_strndup(a, b.data ? b.data : "", b.len);
    buf_free(&b);
    return text;
}

/* Has the operator's builder make the image in the registry, unless it finds it there. */
static int build_with(struct ctx *c, const char *image, const char *dockerfile)
{
    const char *argv[] = {config.workload_builder, image, NULL};
    const struct spawn s = {.argv = argv,
                            .input = dockerfile,
                            .input_len = strlen(dockerfile),
                            .max_output = BUILDER_OUTPUT,
                            .timeout = (unsigned)config.workload_timeout};
    const struct spawned p = spawn(c->mem, &s);
    if (p.end == SPAWN_EXITED && p.code == 0)
        return OK;
    struct output said = {.limit = BUILDER_SHOWN};
    output_add(&said, p.output, p.output_len);
    output_add(&said, p.errors, p.errors_len);
    const char *how = p.end == SPAWN_EXITED      ? arena_printf(c->mem, "exit status %d", p.code)
                      : p.end == SPAWN_SIGNALLED ? arena_printf(c->mem, "signal %d", p.code)
                      : p.end == SPAWN_UNSTARTED ? strerror(p.code)
                      : p.end == SPAWN_LATE      ? "it took too long"
                                                 : "it wrote too much";
    fail(c, EX_RUNTIME, "%s could not build the image %s: %s\n%s", config.workload_builder, image, how,
         output_text(c->mem, &said));
    return p.end == SPAWN_EXITED && p.code == TRY_LATER ? RETRY : FAILED;
}

static int kubernetes_build(struct ctx *c, const char *id, const char *dockerfile, const char *image_name,
                            const char **image)
{
    struct naming names[3];
    const char *pattern = config.workload_image;
    (void)id;
    if (!pattern)
        pattern = arena_printf(c->mem, "%s/zenml-runner:{hash}", config.workload_registry);
    read_naming(dockerfile, image_name, names);
    *image = expand(c->mem, pattern, names);
    return config.workload_builder ? build_with(c, *image, dockerfile) : OK;
}

/* Jobs ------------------------------------------------------------------------------------------------------------ */

static void open_member(struct jw *w, const char *name, char bracket)
{
    jw_key_open(w, name, bracket);
}

static void write_texts(struct jw *w, const char *name, const char *const *texts)
{
    open_member(w, name, '[');
    for (; *texts; texts++)
        jw_str(w, *texts);
    jw_close(w, ']');
}

/* [{"name": NAME}] */
static void write_reference(struct jw *w, const char *member, const char *name)
{
    open_member(w, member, '[');
    jw_open(w, '{');
    jw_key_str(w, "name", name);
    jw_close(w, '}');
    jw_close(w, ']');
}

static void write_labels(struct jw *w, const char *id)
{
    open_member(w, "labels", '{');
    jw_key_str(w, "app.kubernetes.io/managed-by", "kanso");
    jw_key_str(w, "app.kubernetes.io/name", "zenml-runner");
    jw_key_str(w, LABEL, id);
    jw_close(w, '}');
}

static void write_resources(struct ctx *c, struct jw *w)
{
    open_member(w, "resources", '{');
    if (config.workload_memory || config.workload_millicpus) {
        open_member(w, "limits", '{');
        if (config.workload_memory)
            jw_key_str(w, "memory", arena_printf(c->mem, "%lld", (long long)config.workload_memory));
        if (config.workload_millicpus)
            jw_key_str(w, "cpu", arena_printf(c->mem, "%lldm", (long long)config.workload_millicpus));
        jw_close(w, '}');
    }
    jw_close(w, '}');
}

static void write_containers(struct ctx *c, struct jw *w, const struct workload *load)
{
    open_member(w, "containers", '[');
    jw_open(w, '{');
    jw_key_str(w, "name", CONTAINER);
    jw_key_str(w, "image", load->image);
    write_texts(w, "command", load->command);
    write_texts(w, "args", load->arguments);
    open_member(w, "envFrom", '[');
    jw_open(w, '{');
    open_member(w, "secretRef", '{');
    jw_key_str(w, "name", job_name(c, load->id));
    jw_close(w, '}');
    jw_close(w, '}');
    jw_close(w, ']');
    write_resources(c, w);
    open_member(w, "securityContext", '{');
    jw_key(w, "allowPrivilegeEscalation");
    jw_bool(w, false);
    jw_close(w, '}');
    jw_close(w, '}');
    jw_close(w, ']');
}

/* The runner gets the rights of a service account in the cluster only where the operator has named one. */
static void write_pod(struct ctx *c, struct jw *w, const struct workload *load)
{
    open_member(w, "template", '{');
    open_member(w, "metadata", '{');
    write_labels(w, load->id);
    jw_close(w, '}');
    open_member(w, "spec", '{');
    jw_key_str(w, "restartPolicy", "Never");
    jw_key(w, "enableServiceLinks");
    jw_bool(w, false);
    jw_key(w, "automountServiceAccountToken");
    jw_bool(w, config.workload_service_account != NULL);
    if (config.workload_service_account)
        jw_key_str(w, "serviceAccountName", config.workload_service_account);
    if (config.workload_pull_secret)
        write_reference(w, "imagePullSecrets", config.workload_pull_secret);
    write_containers(c, w, load);
    jw_close(w, '}');
    jw_close(w, '}');
}

static void write_job(struct ctx *c, struct jw *w, const struct workload *load)
{
    jw_open(w, '{');
    jw_key_str(w, "apiVersion", "batch/v1");
    jw_key_str(w, "kind", "Job");
    open_member(w, "metadata", '{');
    jw_key_str(w, "name", job_name(c, load->id));
    write_labels(w, load->id);
    jw_close(w, '}');
    open_member(w, "spec", '{');
    jw_key(w, "backoffLimit");
    jw_int(w, 0);
    jw_key(w, "ttlSecondsAfterFinished");
    jw_int(w, config.workload_kept);
    if (load->timeout) {
        jw_key(w, "activeDeadlineSeconds");
        jw_int(w, load->timeout);
    }
    write_pod(c, w, load);
    jw_close(w, '}');
    jw_close(w, '}');
}

static void write_secret(struct ctx *c, struct jw *w, const struct workload *load, const char *job_uid)
{
    jw_open(w, '{');
    jw_key_str(w, "apiVersion", "v1");
    jw_key_str(w, "kind", "Secret");
    jw_key_str(w, "type", "Opaque");
    open_member(w, "metadata", '{');
    jw_key_str(w, "name", job_name(c, load->id));
    write_labels(w, load->id);
    open_member(w, "ownerReferences", '[');
    jw_open(w, '{');
    jw_key_str(w, "apiVersion", "batch/v1");
    jw_key_str(w, "kind", "Job");
    jw_key_str(w, "name", job_name(c, load->id));
    jw_key_str(w, "uid", job_uid);
    jw_close(w, '}');
    jw_close(w, ']');
    jw_close(w, '}');
    open_member(w, "stringData", '{');
    for (size_t i = 0; i < load->n_environment; i++) {
        jw_key(w, load->environment[i].name);
        jw_strn(w, load->environment[i].value, load->environment[i].value_len);
    }
    jw_close(w, '}');
    jw_close(w, '}');
}

/* Makes the Job, or finds the one of that name that is there. */
static int create_job(struct ctx *c, const struct workload *load, struct json_object **job)
{
    struct buf body = {0};
    struct jw w = {.out = &body};
    struct fetched answer;
    const struct api_call r = {.method = "POST", .group = BATCH, .path = "jobs", .body = &body};
    write_job(c, &w, load);
    TRY(ask(c, &r, &answer));
    if (answer.status == CONFLICT) {
        TRY(read_job(c, load->id, job));
    } else if (good(&answer)) {
        *job = json_tree(c->mem, answer.body, answer.len);
    } else {
        return refused(c, "make the Job", &answer);
    }
    if (member_str(member(*job, "metadata"), "uid"))
        return OK;
    fail(c, EX_RUNTIME, "The cluster has made a Job and shows none");
    return RETRY;
}

static int kubernetes_run(struct ctx *c, const struct workload *load)
{
    struct json_object *job;
    struct buf body = {0};
    struct jw w = {.out = &body};
    struct fetched answer;
    const struct api_call r = {.method = "POST", .group = CORE, .path = "secrets", .body = &body};
    TRY(create_job(c, load, &job));
    write_secret(c, &w, load, member_str(member(job, "metadata"), "uid"));
    TRY(ask(c, &r, &answer));
    return good(&answer) || answer.status == CONFLICT ? OK : refused(c, "keep the workload's environment", &answer);
}

/* The condition of the Job that holds, of that type; NULL when it does not. */
static struct json_object *condition(struct json_object *job, const char *type)
{
    struct json_object *conditions = member(member(job, "status"), "conditions");
    size_t n = json_object_is_type(conditions, json_type_array) ? json_object_array_length(conditions) : 0;
    for (size_t i = 0; i < n; i++) {
        struct json_object *item = json_object_array_get_idx(conditions, i);
        if (streq(member_str(item, "type"), type) && streq(member_str(item, "status"), "True"))
            return item;
    }
    return NULL;
}

/* What the pod's container is in ("waiting", "running" or "terminated"); NULL when it is not. */
static struct json_object *container_state(struct json_object *pod, const char *state)
{
    struct json_object *list = member(member(pod, "status"), "containerStatuses");
    struct json_object *first = json_object_is_type(list, json_type_array) && json_object_array_length(list)
                                    ? json_object_array_get_idx(list, 0)
                                    : NULL;
    return member(member(first, "state"), state);
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static const char *why_failed(struct ctx *c, struct json_object *job, struct json_object *pod)
{
    struct json_object *end = container_state(pod, "terminated"), *status = member(pod, "status");
    if (end)
        return arena_printf(c->mem, "The pod's container ended with exit code %d: %s %s",
                            json_object_get_int(member(end, "exitCode")), or_empty(member_str(end, "reason")),
                            or_empty(member_str(end, "message")));
    if (member_str(status, "reason"))
        return arena_printf(c->mem, "The pod failed: %s %s", member_str(status, "reason"),
                            or_empty(member_str(status, "message")));
    struct json_object *failed = condition(job, "Failed");
    return arena_printf(c->mem, "The Job failed: %s %s", or_empty(member_str(failed, "reason")),
                        or_empty(member_str(failed, "message")));
}

/* Why the pod's container will never start; NULL as long as it may. An image that cannot be pulled now is tried again.
 */
static const char *why_stuck(struct ctx *c, struct json_object *pod)
{
    static const char *const final[] = {"InvalidImageName", "ErrImageNeverPull", "CreateContainerError",
                                        "RunContainerError"};
    struct json_object *waiting = container_state(pod, "waiting");
    const char *reason = member_str(waiting, "reason");
    for (size_t i = 0; i < ARRAY_LEN(final); i++)
        if (streq(reason, final[i]))
            return arena_printf(c->mem, "The pod cannot start: %s %s", reason,
                                or_empty(member_str(waiting, "message")));
    return NULL;
}

/* Whether the Secret is there; without it, nothing starts. */
static int has_environment(struct ctx *c, const char *id, bool *there)
{
    struct json_object *secret;
    TRY(read_object(c, CORE, arena_printf(c->mem, "secrets/kanso-%s", id), &secret));
    *there = secret != NULL;
    return OK;
}

/* A Job without its Secret has not been started: whoever made it did not get that far. */
static int kubernetes_state(struct ctx *c, const char *id, enum workload_state *state, const char **reason)
{
    struct json_object *job, *pod;
    *state = WORKLOAD_UNKNOWN;
    *reason = NULL;
    TRY(read_job(c, id, &job));
    if (!job)
        return OK;
    if (condition(job, "Complete")) {
        *state = WORKLOAD_SUCCEEDED;
        return OK;
    }
    TRY(read_pod(c, id, &pod));
    bool failed = condition(job, "Failed") != NULL, complete = true;
    if (!failed && !container_state(pod, "running") && !container_state(pod, "terminated"))
        TRY(has_environment(c, id, &complete));
    if (!complete)
        return OK;
    *reason = failed ? why_failed(c, job, pod) : why_stuck(c, pod);
    *state = *reason ? WORKLOAD_FAILED : WORKLOAD_RUNNING;
    return OK;
}

static int kubernetes_logs(struct ctx *c, const char *id, struct buf *text)
{
    struct json_object *pod;
    TRY(read_pod(c, id, &pod));
    struct json_object *waiting = container_state(pod, "waiting");
    const char *name = member_str(member(pod, "metadata"), "name");
    if (waiting)
        buf_addf(text, "The pod waits: %s %s\n", or_empty(member_str(waiting, "reason")),
                 or_empty(member_str(waiting, "message")));
    if (!name || waiting)
        return OK;
    struct output log = {.limit = LOG_BYTES};
    struct fetched answer;
    const char *path = arena_printf(c->mem, "pods/%s/log?container=" CONTAINER "&tailLines=%d&limitBytes=%d", name,
                                    LOG_LINES, LOG_FETCHED);
    const struct api_call r = {.method = "GET", .group = CORE, .path = path, .sink = &log};
    int rc = ask(c, &r, &answer);
    if (rc == OK)
        output_take(&log, text);
    buf_free(&log.kept);
    /* 400: the container has not started so far. */
    return rc != OK || good(&answer) || answer.status == NOT_FOUND || answer.status == 400
               ? rc
               : refused(c, "show the pod's log", &answer);
}

static int kubernetes_remove(struct ctx *c, const char *id)
{
    struct fetched answer;
    const struct api_call r = {
        .method = "DELETE", .group = BATCH, .path = job_path(c, id, "?propagationPolicy=Background")};
    TRY(ask(c, &r, &answer));
    return good(&answer) || answer.status == NOT_FOUND ? OK : refused(c, "remove the Job", &answer);
}

const struct workload_manager workload_kubernetes = {
    .name = "kanso.kubernetes",
    .check = kubernetes_check,
    .build = kubernetes_build,
    .run = kubernetes_run,
    .state = kubernetes_state,
    .logs = kubernetes_logs,
    .remove = kubernetes_remove,
};
