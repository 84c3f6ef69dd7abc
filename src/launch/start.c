#include "launch/start.h"

#include "auth/server.h"
#include "auth/token.h"
#include "base/text.h"
#include "base/uuid.h"

/* Members of the payload by their place in struct start. */
static const struct {
    const char *name;
    size_t offset;
} IDS[] = {
    {"run", offsetof(struct start, run)},           {"user", offsetof(struct start, user)},
    {"pipeline", offsetof(struct start, pipeline)}, {"schedule", offsetof(struct start, schedule)},
    {"device", offsetof(struct start, device)},     {"api_key", offsetof(struct start, api_key)},
    {"session", offsetof(struct start, session)},
};

static void free_buf(void *b)
{
    buf_free(b);
}

int start_add(struct ctx *c, const char *deployment_id, const struct start *s)
{
    struct buf *text = arena_alloc(c->mem, sizeof *text);
    struct jw w = {.out = text};
    arena_on_reset(c->mem, free_buf, text);
    jw_open(&w, '{');
    for (size_t i = 0; i < ARRAY_LEN(IDS); i++) {
        jw_name(&w, IDS[i].name);
        jw_str(&w, *(const char *const *)((const char *)s + IDS[i].offset));
    }
    jw_name(&w, "claims");
    jw_value(&w, s->claims);
    jw_close(&w, '}');
    return job_add(c, job_workload.name, deployment_id, deployment_id, (struct span){text->data, text->len}, 0);
}

bool start_read(struct arena *a, struct span payload, struct start *out)
{
    struct json_object *o = json_tree(a, payload.s, payload.len);
    *out = (struct start){.claims = member(o, "claims")};
    for (size_t i = 0; i < ARRAY_LEN(IDS); i++)
        *(const char **)((char *)out + IDS[i].offset) = member_str(o, IDS[i].name);
    return out->run && out->user;
}

int start_token(struct ctx *c, const struct start *s, const char **token)
{
    const struct token t = {.subject = s->user,
                            .device_id = s->device,
                            .api_key_id = s->api_key,
                            .pipeline_id = s->pipeline,
                            .schedule_id = s->schedule,
                            .session = s->session,
                            .claims = s->claims};
    const char *server_id;
    TRY(server_id_of(c, &server_id));
    *token = token_encode(c->mem, &t, server_id);
    return *token ? OK : fail(c, EX_RUNTIME, "The server has no signing key");
}
