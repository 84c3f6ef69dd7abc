#include "connector/call.h"

#include "base/config.h"
#include "base/text.h"
#include "base/timestamp.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALL_MS = 10000, NEARBY_MS = 1000, REASON_MAX = 300, SECRET_MIN = 4 };

/* Clocks that are further apart than this are said to be: the shortest that a provider is known to mind is a minute. */
enum { SKEW_SECONDS = 60 };

/* What * stands for in *.example.org; NULL when the host is another one. */
static const char *matches(struct arena *a, const char *pattern, const char *host)
{
    size_t len = strlen(host), tail = strlen(pattern);
    if (*pattern != '*')
        return streq(pattern, host) ? "" : NULL;
    tail--;
    return len > tail && streq(host + len - tail, pattern + 1) ? arena_strndup(a, host, len - tail) : NULL;
}

/* The URL that KANSO_CONNECTOR_ENDPOINTS has for the host; NULL: none. */
static const char *other_place(struct arena *a, const char *host)
{
    const char *list = config.connector_endpoints ? config.connector_endpoints : "";
    for (list += strspn(list, ", "); *list; list += strspn(list, ", ")) {
        char *entry = arena_strndup(a, list, strcspn(list, ", ")), *url = strchr(entry, '=');
        list += strlen(entry);
        *url++ = '\0';
        const char *part = matches(a, entry, host);
        if (!part)
            continue;
        char *star = strchr(url, '*');
        size_t len = star ? (size_t)(star - url) : strlen(url);
        url = arena_printf(a, "%.*s%s%s", (int)len, url, star ? part : "", star ? star + 1 : "");
        for (len = strlen(url); len && url[len - 1] == '/';)
            url[--len] = '\0';
        return url;
    }
    return NULL;
}

const char *call_base(struct arena *a, const char *host)
{
    const char *place = other_place(a, host);
    return place ? place : arena_printf(a, "https://%s", host);
}

const char *call_url(struct arena *a, const char *url)
{
    const char *scheme = strstr(url, "://"), *host = scheme ? scheme + 3 : url;
    size_t len = strcspn(host, "/:?");
    const char *place = scheme && host[len] != ':' ? other_place(a, arena_strndup(a, host, len)) : NULL;
    return place ? arena_printf(a, "%s%s", place, host + len) : url;
}

/* Secrets ---------------------------------------------------------------------------------------------------------- */

static const char *replace_all(struct arena *a, const char *text, const char *what, const char *with)
{
    size_t count = 0, len = strlen(what);
    const char *found = text;
    for (; (found = strstr(found, what)); found += len)
        count++;
    if (!count)
        return text;
    char *out = arena_alloc(a, size_add(strlen(text), size_mul(count, strlen(with) + 1))), *to = out;
    for (; (found = strstr(text, what)); text = found + len) {
        memcpy(to, text, (size_t)(found - text));
        to = stpcpy(to + (found - text), with);
    }
    memcpy(to, text, strlen(text) + 1);
    return out;
}

static const char *scrub(struct arena *a, const char *text, const char *secret)
{
    static const char mark[] = "(secret)";
    return secret && strlen(secret) >= SECRET_MIN && !strstr(mark, secret) ? replace_all(a, text, secret, mark) : text;
}

/* Takes the secrets of the connection out of a text that somebody else has written. */
static const char *scrub_connection(const struct connection *con, const char *text)
{
    static const char *const members[] = {"refresh_token", "client_secret", "private_key"}; /* of key files */
    for (size_t i = 0; con->method && i < con->method->config->count; i++) {
        const struct connector_attribute *at = &con->method->config->attributes[i];
        const char *secret = at->flags & A_SECRET ? member_str(con->config, at->name) : NULL;
        if (!secret)
            continue;
        text = scrub(con->mem, text, secret);
        if (!(at->flags & A_DOCUMENT))
            continue;
        struct json_object *file = json_tree(con->mem, secret, strlen(secret));
        for (size_t k = 0; k < ARRAY_LEN(members); k++)
            text = scrub(con->mem, text, member_str(file, members[k]));
    }
    return text;
}

/* The value of a pair in the text of a form, decoded; NULL when it is not there. */
static const char *form_value(struct arena *a, const char *form, const char *name)
{
    const char *start = arena_printf(a, "&%s=", name), *found = strstr(arena_printf(a, "&%s", form), start);
    return found ? percent_decode(a, found + strlen(start), strcspn(found + strlen(start), "&"), false, NULL) : NULL;
}

/* Takes what a call has proved itself with out of a refusal, which may repeat it: credentials that are made on the way
 * stand in no configuration. */
static const char *scrub_call(struct arena *a, const struct call *c, const char *text)
{
    static const char *const names[] = {
        "Authorization: ", "X-aws-ec2-metadata-token: ", "x-amz-security-token: ", "X-IDENTITY-HEADER: "};
    static const char *const parameters[] = {"client_secret",    "refresh_token", "assertion",
                                             "client_assertion", "subject_token", "WebIdentityToken"};
    for (const char *const *h = c->headers; h && *h; h++)
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            if (starts_with(*h, names[i])) {
                const char *word = strrchr(*h, ' ');
                text = scrub(a, text, word + 1);
            }
    for (size_t i = 0; c->body && i < ARRAY_LEN(parameters); i++)
        text = scrub(a, text, form_value(a, c->body, parameters[i]));
    return text;
}

struct fetched call_send(const struct connection *con, const struct call *c)
{
    double left = con->deadline > 0 ? con->deadline - monotonic_ms() : CALL_MS;
    const struct fetch f = {
        .method = c->method,
        .url = c->url,
        .headers = c->headers,
        .body = c->body,
        .timeout_ms = left < CALL_MS ? (long)left : CALL_MS,
        .connect_ms = c->nearby ? NEARBY_MS : 0,
        .direct = c->nearby,
        .guarded = !con->own,
        .tls = c->tls,
    };
    if (left < 1)
        return (struct fetched){
            .failure = FETCH_TIMEOUT, .error = "The time for this request is up", .body = "", .headers = ""};
    struct fetched got = fetch(con->mem, &f);
    if (got.status >= 300) {
        got.body = scrub_call(con->mem, c, got.body);
        got.len = strlen(got.body);
    }
    return got;
}

/* Problems in words ---------------------------------------------------------------------------------------------- */

/* What providers write about an error, in one of their several forms; NULL when it is none of them. */
static const char *reason(struct arena *a, const struct fetched *f)
{
    static const char *const members[] = {"error_description", "message", "Message", "error"};
    static const char *const elements[] = {"Message", "message"};
    struct json_object *o = f->body[0] == '{' ? json_tree(a, f->body, f->len) : NULL, *v;
    for (int depth = 0; depth < 2 && json_object_is_type(member(o, "error"), json_type_object); depth++)
        o = member(o, "error");
    if (json_object_is_type(member(o, "Error"), json_type_object))
        o = member(o, "Error");
    v = member(o, "errors"); /* of registries */
    if (json_object_is_type(v, json_type_array) && json_object_array_length(v))
        o = json_object_array_get_idx(v, 0);
    if (json_object_is_type(o, json_type_string)) /* of Vault */
        return json_object_get_string(o);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (json_object_is_type(member(o, members[i]), json_type_string))
            return member_str(o, members[i]);
    for (size_t i = 0; i < ARRAY_LEN(elements) && f->body[0] == '<'; i++) {
        const char *at = f->body, *text = xml_next(a, &at, elements[i]);
        if (text)
            return text;
    }
    return NULL;
}

/* That the clocks of this server and of the provider differ; "" when they do not, or the provider does not say. */
static const char *clock_problem(struct arena *a, const struct fetched *f)
{
    int64_t theirs = fetched_date(a, f), apart = (int64_t)time(NULL) - theirs;
    if (!theirs || llabs(apart) <= SKEW_SECONDS)
        return "";
    return arena_printf(a, "; the clock of this server is %lld seconds %s that of the provider: is it wrong?",
                        llabs(apart), apart > 0 ? "ahead of" : "behind");
}

const char *call_problem(const struct connection *con, const struct fetched *f)
{
    if (f->failure != FETCH_OK)
        return f->error;
    if (f->status >= 200 && f->status < 300)
        return NULL;
    const char *why = reason(con->mem, f), *clocks = clock_problem(con->mem, f);
    if (!why || !*why)
        return arena_printf(con->mem, "the provider answers with status %ld%s", f->status, clocks);
    /* Line breaks begin what is meant for developers: AWS shows there what should have been signed. */
    size_t len = strcspn(why, "\r\n");
    why = arena_strndup(con->mem, why, len < REASON_MAX ? len : REASON_MAX);
    return arena_printf(con->mem, "%s (status %ld%s)", scrub_connection(con, why), f->status, clocks);
}

const char *call_read(const struct connection *con, const struct fetched *f, struct json_object **out)
{
    const char *problem = call_problem(con, f);
    *out = problem ? NULL : json_tree(con->mem, f->body, f->len);
    if (problem || json_object_is_type(*out, json_type_object))
        return problem;
    *out = NULL;
    return "the provider's answer is not a JSON object";
}

const char *call_json(const struct connection *con, const struct call *c, struct json_object **out)
{
    struct fetched f = call_send(con, c);
    return call_read(con, &f, out);
}

const char *const *call_bearer(struct arena *a, const char *token, const char *more)
{
    const char **out = arena_array(a, 3, sizeof *out);
    out[0] = arena_printf(a, "Authorization: Bearer %s", token);
    out[1] = more;
    return out;
}

/* XML and base64 ------------------------------------------------------------------------------------------------- */

static const char *decode_entities(struct arena *a, const char *s, size_t len)
{
    static const char *const entities[][2] = {{"&lt;", "<"},   {"&gt;", ">"},   {"&quot;", "\""},
                                              {"&apos;", "'"}, {"&#xA;", "\n"}, {"&amp;", "&"}};
    char *out = arena_alloc(a, len + 1), *to = out;
    for (const char *end = s + len; s < end;) {
        size_t i = 0;
        while (*s == '&' && i < ARRAY_LEN(entities) && !starts_with(s, entities[i][0]))
            i++;
        if (*s == '&' && i < ARRAY_LEN(entities)) {
            *to++ = *entities[i][1];
            s += strlen(entities[i][0]);
        } else {
            *to++ = *s++;
        }
    }
    *to = '\0';
    return out;
}

const char *xml_next(struct arena *a, const char **at, const char *name)
{
    const char *open = arena_printf(a, "<%s>", name), *close = arena_printf(a, "</%s>", name);
    const char *from = strstr(*at, open), *to = from ? strstr(from, close) : NULL;
    if (!to)
        return NULL;
    from += strlen(open);
    *at = to + strlen(close);
    return decode_entities(a, from, (size_t)(to - from));
}

const char *xml_first(struct arena *a, const char *xml, const char *name)
{
    return xml_next(a, &xml, name);
}

const char *base64_any(struct arena *a, const char *s)
{
    char *plain = arena_alloc(a, strlen(s) + 1);
    size_t len = 0;
    for (; *s; s++)
        if (!strchr("\r\n =", *s))
            plain[len++] = *s;
    for (size_t i = 0; i < len; i++)
        plain[i] = (char)(plain[i] == '+' ? '-' : plain[i] == '/' ? '_' : plain[i]);
    return base64url_decode(a, plain, len, &len);
}
