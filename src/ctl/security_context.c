/* kansoctl security-context: docs/security-models.md. */
#include "ctl/ctl.h"

#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "secrets/stores.h"
#include "security/run.h"
#include "security/security.h"
#include "json/write.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum form { BASE64, BINARY, JSON };

struct call {
    struct arena *mem;
    const struct sec_model *model;
    enum form form;
    const char *run;
    bool json;
};

__attribute__((format(printf, 1, 2))) static int complain(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("kansoctl security-context: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return CTL_FAILED;
}

/* All of standard input; what exceeds every form's limit is cut off, and refused for its length. */
static bool read_input(struct arena *a, struct span *in)
{
    const size_t limit = 2 * SEC_MAX_BYTES + 1;
    char *data = arena_alloc(a, limit + 1);
    in->s = data;
    in->len = fread(data, 1, limit, stdin);
    return !ferror(stdin);
}

static int write_output(const void *data, size_t len)
{
    if ((len > 0 && fwrite(data, 1, len, stdout) != len) || fflush(stdout) != 0)
        return complain("cannot write the output: %s", strerror(errno));
    return CTL_DONE;
}

static int write_line(struct buf *out)
{
    buf_addc(out, '\n');
    int status = write_output(out->data, out->len);
    buf_free(out);
    return status;
}

static void *parse_json(struct call *c, struct span in, const char **why)
{
    struct json_error error;
    if (in.len <= SEC_MAX_BYTES && !json_check_strict(in.s, in.len, &error)) {
        *why = arena_printf(c->mem, "not JSON: %s (character %zu)", error.message, error.at);
        return NULL;
    }
    return sec_from_json(c->mem, c->model, in, why);
}

/* Reads the object from standard input; NULL when it was refused, which has been said then. */
static void *read_object(struct call *c, enum form form)
{
    struct span in;
    const char *why;
    void *object;
    if (!read_input(c->mem, &in)) {
        complain("cannot read the input: %s", strerror(errno));
        return NULL;
    }
    if (form == JSON)
        object = parse_json(c, in, &why);
    else if (form == BINARY)
        object = sec_from_wire(c->mem, c->model, in, SEC_AS_WRITTEN, &why);
    else
        object = sec_from_base64(c->mem, c->model, in, SEC_AS_WRITTEN, &why);
    if (!object)
        complain("%s refused: %s", sec_model_name(c->model), why);
    return object;
}

static int encode(struct call *c)
{
    struct buf wire = {0};
    void *object = read_object(c, JSON);
    if (!object)
        return CTL_FAILED;
    if (!sec_to_wire(c->model, object, &wire))
        return complain("there is nothing to serialise: run_as, secrets and tokens are all null; "
                        "give one of them, if only as an empty list");
    int status;
    if (c->form == BINARY) {
        status = write_output(wire.data, wire.len);
    } else {
        struct buf line = {0};
        buf_adds(&line, base64_encode(c->mem, wire.data, wire.len));
        status = write_line(&line);
    }
    buf_free(&wire);
    return status;
}

static int decode(struct call *c)
{
    struct buf out = {0};
    void *object = read_object(c, c->form);
    if (!object)
        return CTL_FAILED;
    sec_to_json(c->model, object, &out);
    return write_line(&out);
}

static const char *const found_words[] = {
    [SEC_EXISTS] = "exists",
    [SEC_NO_SECRET] = "no such secret",
    [SEC_NO_KEY] = "the secret has no such key",
    [SEC_UNREADABLE] = "the secret exists, its keys cannot be read",
};
static const char *const mount_words[] = {
    [SEC_MOUNT_ANY] = "ANY", [SEC_MOUNT_ENV_VAR] = "ENV_VAR", [SEC_MOUNT_FILE] = "FILE"};

static void text_member(struct jw *w, const char *name, struct span text)
{
    jw_key(w, name);
    jw_strn(w, text.len ? text.s : NULL, text.len);
}

static void need_json(struct jw *w, const struct sec_need *n)
{
    const struct sec_secret *s = n->secret;
    jw_open(w, '{');
    text_member(w, "group", s->group);
    text_member(w, "key", s->key);
    text_member(w, "group_version", s->group_version);
    jw_key(w, "mount_requirement");
    if (s->mount_requirement >= SEC_MOUNT_ANY && s->mount_requirement <= SEC_MOUNT_FILE)
        jw_str(w, mount_words[s->mount_requirement]);
    else
        jw_int(w, s->mount_requirement);
    text_member(w, "env_var", s->env_var);
    jw_key(w, "purpose");
    jw_str(w, n->purpose);
    jw_key(w, "exists");
    jw_bool(w, n->found == SEC_EXISTS);
    jw_key(w, "state");
    jw_str(w, found_words[n->found]);
    jw_key(w, "secret_id");
    if (n->id)
        jw_uuid(w, n->id);
    else
        jw_null(w);
    jw_key(w, "scope");
    jw_str(w, n->scope);
    jw_close(w, '}');
}

static void run_json(const struct sec_run *r, struct buf *out)
{
    struct jw w = {.out = out};
    jw_open(&w, '{');
    jw_key(&w, "run");
    jw_open(&w, '{');
    jw_key(&w, "id");
    jw_str(&w, r->id);
    jw_key(&w, "name");
    jw_str(&w, r->name);
    jw_key(&w, "workspace");
    jw_str(&w, r->workspace);
    jw_close(&w, '}');
    jw_key(&w, "acting_as");
    if (r->user) {
        jw_open(&w, '{');
        jw_key(&w, "type");
        jw_str(&w, r->service_account ? "service_account" : "user");
        jw_key(&w, "id");
        jw_str(&w, r->user_id);
        jw_key(&w, "name");
        jw_str(&w, r->user);
        jw_close(&w, '}');
    } else {
        jw_null(&w);
    }
    jw_key(&w, "security_context");
    if (r->context) {
        struct buf context = {0};
        sec_to_json(&SEC_CONTEXT, r->context, &context);
        jw_raw(&w, context.data, context.len);
        buf_free(&context);
    } else {
        jw_null(&w);
    }
    jw_key(&w, "secrets");
    jw_open(&w, '[');
    for (size_t i = 0; i < r->count; i++)
        need_json(&w, &r->needs[i]);
    jw_close(&w, ']');
    jw_close(&w, '}');
}

/* Text from elsewhere for a terminal: control characters become blanks. */
static void put(struct buf *out, const char *before, struct span text)
{
    if (text.len == 0)
        return;
    buf_adds(out, before);
    for (size_t i = 0; i < text.len; i++)
        buf_addc(out, (unsigned char)text.s[i] < 0x20 || text.s[i] == 0x7f ? ' ' : text.s[i]);
}

static struct span span_of(const char *s)
{
    return (struct span){s, s ? strlen(s) : 0};
}

static void mount_text(struct buf *out, const struct sec_secret *s)
{
    static const char *const variable[] = {
        [SEC_MOUNT_ANY] = ", variable ",
        [SEC_MOUNT_ENV_VAR] = " ",
        [SEC_MOUNT_FILE] = ", its path in ",
    };
    buf_addf(out, ", mounted as %s", mount_words[s->mount_requirement]);
    put(out, variable[s->mount_requirement], s->env_var);
}

static void need_text(struct buf *out, const struct sec_need *n)
{
    put(out, "\n  group ", n->secret->group.len ? n->secret->group : span_of("(empty)"));
    put(out, ", key ", n->secret->key);
    put(out, ", version ", n->secret->group_version);
    if (n->purpose)
        put(out, ", ", span_of(n->purpose));
    else
        mount_text(out, n->secret);
    buf_addf(out, ": %s", found_words[n->found]);
    if (n->scope)
        buf_addf(out, " (%s scope)", n->scope);
}

static void run_text(const struct sec_run *r, struct buf *out)
{
    put(out, "run ", span_of(r->name));
    buf_addf(out, " (%s)", r->id);
    put(out, ", workspace ", span_of(r->workspace));
    if (r->user) {
        put(out, r->service_account ? "\nacting: service account " : "\nacting: user ", span_of(r->user));
        buf_addf(out, " (%s)", r->user_id);
    } else {
        buf_adds(out, "\nacting: a user who has been deleted");
    }
    if (!r->context) {
        buf_adds(out, "\nsecurity context: none");
        return;
    }
    const struct sec_identity *i = r->context->run_as;
    buf_adds(out, "\nrun as:");
    if (!i || sec_is_empty(&SEC_IDENTITY, i)) {
        buf_adds(out, " no identity of its own");
    } else {
        put(out, "\n  IAM role ", i->iam_role);
        put(out, "\n  Kubernetes service account ", i->k8s_service_account);
        if (i->oauth2_client)
            put(out, "\n  OAuth2 client ", i->oauth2_client->client_id);
        put(out, "\n  execution identity ", i->execution_identity);
    }
    buf_addf(out, "\nsecrets:%s", r->count ? "" : " none");
    for (size_t k = 0; k < r->count; k++)
        need_text(out, &r->needs[k]);
    buf_addf(out, "\ntokens:%s", r->context->tokens.count ? "" : " none");
    for (size_t k = 0; k < r->context->tokens.count; k++) {
        const struct sec_token_request *t = r->context->tokens.items[k];
        put(out, "\n  ", t->name.len ? t->name : span_of("(unnamed)"));
        if (t->client)
            put(out, ", client ", t->client->client_id);
        put(out, ", token endpoint ", t->token_endpoint);
        put(out, ", discovery endpoint ", t->idp_discovery_endpoint);
    }
}

static int show_run(struct call *c)
{
    char hex[UUID_HEX + 1];
    struct db_url url;
    struct sec_run run;
    if (!uuid_read(c->run, strlen(c->run), hex))
        return ctl_misused(&ctl_security_context_show, "--run takes a run's id, a UUID, not '%s'", c->run);
    ctl_instance(c->mem);
    const char *problem = config_load(c->mem);
    if (!problem)
        problem = secrets_configure(c->mem);
    if (!problem)
        problem = db_url_from_env(c->mem, &url);
    if (problem)
        return complain("%s", problem);
    struct db *db = db_new(&url);
    problem = sec_load_run(db, c->mem, hex, &run);
    db_free(db);
    if (problem)
        return complain("%s", problem);
    struct buf out = {0};
    (c->json ? run_json : run_text)(&run, &out);
    return write_line(&out);
}

static int show(struct call *c)
{
    if (c->run)
        return show_run(c);
    struct buf out = {0};
    void *object = read_object(c, c->form);
    if (!object)
        return CTL_FAILED;
    sec_short_string(c->mem, c->model, object, &out);
    return write_line(&out);
}

/* The call of a command that takes those forms. Returns CTL_DONE, or CTL_MISUSED, and has complained. */
static int read_call(const struct ctl_call *line, const char *const *forms, const char *form, struct call *call)
{
    const char *message = ctl_option(line, "message");
    *call = (struct call){.mem = line->mem, .model = message ? sec_model_named(message) : &SEC_CONTEXT};
    if (!call->model)
        return ctl_misused(line->command, "there is no message '%s'", message);
    for (int i = 0; form && forms[i]; i++) {
        if (!streq(forms[i], form))
            continue;
        call->form = (enum form)i;
        form = NULL;
    }
    if (form)
        return ctl_misused(line->command, "there is no form '%s'; it takes base64%s", form,
                           forms[2] ? ", binary or json" : " or binary");
    return CTL_DONE;
}

static const char *const two_forms[] = {"base64", "binary", NULL}, *const three_forms[] = {"base64", "binary", "json",
                                                                                           NULL};

static int run_encode(const struct ctl_call *line)
{
    struct call call;
    int status = read_call(line, two_forms, ctl_option(line, "to"), &call);
    return status == CTL_DONE ? encode(&call) : status;
}

static int run_decode(const struct ctl_call *line)
{
    struct call call;
    int status = read_call(line, two_forms, ctl_option(line, "from"), &call);
    return status == CTL_DONE ? decode(&call) : status;
}

static int run_show(const struct ctl_call *line)
{
    struct call call;
    const char *form = ctl_option(line, "from");
    int status = read_call(line, three_forms, form, &call);
    call.run = ctl_option(line, "run");
    call.json = ctl_option(line, "json");
    if (status != CTL_DONE)
        return status;
    if (call.run ? form || call.model != &SEC_CONTEXT : call.json)
        return ctl_misused(line->command, "--run goes with --json only, and --json only with --run");
    return show(&call);
}

#define MESSAGE                                                                                                        \
    {                                                                                                                  \
        "message", "NAME", "Secret, OAuth2Client, Identity, OAuth2TokenRequest or SecurityContext\n(the default)"      \
    }

const struct ctl_command ctl_security_context = {
    .name = "security-context",
    .summary = "execution security contexts",
    .details = "Execution security contexts in the wire format of flyteidl.\n",
};

const struct ctl_command ctl_security_context_encode = {
    .name = "security-context encode",
    .summary = "write a security context in its serialised form",
    .synopsis = "[--to base64|binary] [--message NAME]",
    .details = "Reads JSON from standard input, writes the serialised form.\n",
    .options = {{"to", "FORM", "base64 (the default) or binary"}, MESSAGE},
    .run = run_encode,
};

const struct ctl_command ctl_security_context_decode = {
    .name = "security-context decode",
    .summary = "write a serialised security context as JSON",
    .synopsis = "[--from base64|binary] [--message NAME]",
    .details = "Reads the serialised form from standard input, writes JSON.\n",
    .options = {{"from", "FORM", "base64 (the default) or binary"}, MESSAGE},
    .run = run_decode,
};

const struct ctl_command ctl_security_context_show = {
    .name = "security-context show",
    .summary = "say what a security context means",
    .synopsis = "[--from base64|binary|json] [--message NAME]\n"
                "--run ID [--json]",
    .details = "Writes the readable form of what standard input holds, or with --run as whom a run acts and\n"
               "whether the secrets that it asks for exist.\n",
    .options = {{"from", "FORM", "base64 (the default), binary, or json"},
                MESSAGE,
                {"run", "ID",
                 "the run's id; the database is that of ZENML_STORE_URL, or the one of\nthe Kanso in KANSO_HOME"},
                {"json", NULL, "JSON instead of text"}},
    .run = run_show,
};
