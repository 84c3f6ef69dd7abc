#include "automation/event.h"

#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define DOCUMENT(t, title, rows)                                                                                       \
    static const struct model model_##t = MODEL(title, rows);                                                          \
    static const struct type t = {.kind = K_MODEL, .label = (title), .model = &model_##t}
#define LIST_TYPE(t, of) static const struct type t = {.kind = K_LIST, .label = "list", .item = &(of)}
#define WORDS(t, title, ...)                                                                                           \
    static const char *const words_##t[] = {__VA_ARGS__, NULL};                                                        \
    static const struct type t = {.kind = K_ENUM, .label = (title), .words = words_##t}

static const char HEADS[] = "refs/heads/", TAGS[] = "refs/tags/";
static const char PUSH[] = "push_event", TAG[] = "tag_event", PULL_REQUEST[] = "pull_request_event",
                  UNKNOWN[] = "unknown";

/* GitHub --------------------------------------------------------------------------------------------------------- */

static const struct field github_user_fields[] = {
    {"name", &T_STRING, NULL, 0, REQ},
    {"email", &T_STRING, NULL, 0, REQ},
    {"username", &T_STRING, NULL, 0, REQ},
};
DOCUMENT(github_user, "User", github_user_fields);

static const struct field github_commit_fields[] = {
    {"id", &T_STRING, NULL, 0, REQ},
    {"message", &T_STRING, NULL, 0, REQ},
    {"url", &T_STRING, NULL, 0, REQ},
    {"author", &github_user, NULL, 0, REQ},
};
DOCUMENT(github_commit, "Commit", github_commit_fields);
LIST_TYPE(github_commits, github_commit);

static const struct field github_tag_fields[] = {
    {"id", &T_STRING, NULL, 0, REQ},
    {"name", &T_STRING, NULL, 0, REQ},
    {"commit", &github_commit, NULL, 0, REQ},
};
DOCUMENT(github_tag, "Tag", github_tag_fields);
LIST_TYPE(github_tags, github_tag);

static const struct field github_request_fields[] = {
    {"id", &T_STRING, NULL, 0, REQ},    {"number", &T_INT, NULL, 0, REQ},
    {"title", &T_STRING, NULL, 0, REQ}, {"author", &github_user, NULL, 0, REQ},
    {"merged", &T_BOOL, NULL, 0, REQ},  {"merge_commit", &github_commit, NULL, 0, REQ},
};
DOCUMENT(github_request, "PullRequest", github_request_fields);
LIST_TYPE(github_requests, github_request);

static const struct field github_repository_fields[] = {
    {"id", &T_INT, NULL, 0, REQ},
    {"name", &T_STRING, NULL, 0, REQ},
    {"full_name", &T_STRING, NULL, 0, REQ},
    {"html_url", &T_STRING, NULL, 0, REQ},
};
DOCUMENT(github_repository, "Repository", github_repository_fields);

static const struct field github_fields[] = {
    {"ref", &T_STRING, NULL, 0, REQ},           {"before", &T_STRING, NULL, 0, REQ},
    {"after", &T_STRING, NULL, 0, REQ},         {"repository", &github_repository, NULL, 0, REQ},
    {"commits", &github_commits, NULL, 0, REQ}, {"head_commit", &github_commit, NULL, 0, NUL},
    {"tags", &github_tags, NULL, 0, NUL},       {"pull_requests", &github_requests, NULL, 0, NUL},
};
static const struct model github_event = MODEL("GithubEvent", github_fields, .extra = EXTRA_ALLOW);

WORDS(github_types, "GithubEventType", PUSH, TAG, PULL_REQUEST);
static const struct field github_filter_fields[] = {
    {"repo", &T_STRING, NULL, 0, NUL},
    {"branch", &T_STRING, NULL, 0, NUL},
    {"event_type", &github_types, NULL, 0, NUL},
};
static const struct model github_filter = MODEL("GithubWebhookEventFilterConfiguration", github_filter_fields);

static const char *github_branch(struct arena *a, struct json_object *event)
{
    const char *ref = member_str(event, "ref");
    (void)a;
    return starts_with(ref, HEADS) ? ref + sizeof HEADS - 1 : NULL;
}

static const char *github_type(struct json_object *event)
{
    const char *ref = member_str(event, "ref");
    struct json_object *requests = member(event, "pull_requests");
    if (starts_with(ref, HEADS))
        return PUSH;
    if (starts_with(ref, TAGS))
        return TAG;
    return requests && json_object_array_length(requests) ? PULL_REQUEST : UNKNOWN;
}

const struct event_kind GITHUB_EVENTS = {
    .model = &github_event, .filter = &github_filter, .form = true, .branch = github_branch, .type = github_type};

/* Bitbucket ------------------------------------------------------------------------------------------------------ */

static const struct field bitbucket_user_fields[] = {
    {"name", &T_STRING, NULL, 0, NUL},
    {"email", &T_STRING, NULL, 0, NUL},
    {"username", &T_STRING, NULL, 0, NUL},
};
DOCUMENT(bitbucket_user, "User", bitbucket_user_fields);

static const struct field bitbucket_commit_fields[] = {
    {"hash", &T_STRING, NULL, 0, REQ},
    {"message", &T_STRING, NULL, 0, REQ},
    {"links", &T_MAP_ANY, NULL, 0, REQ},
    {"author", &bitbucket_user, NULL, 0, REQ},
};
DOCUMENT(bitbucket_commit, "Commit", bitbucket_commit_fields);
LIST_TYPE(bitbucket_commits, bitbucket_commit);

static const struct field bitbucket_repository_fields[] = {
    {"uuid", &T_STRING, NULL, 0, REQ},
    {"name", &T_STRING, NULL, 0, REQ},
    {"full_name", &T_STRING, NULL, 0, REQ},
    {"links", &T_MAP_ANY, NULL, 0, REQ},
};
DOCUMENT(bitbucket_repository, "Repository", bitbucket_repository_fields);

static const struct field bitbucket_change_fields[] = {
    {"new", &T_MAP_ANY, NULL, 0, NUL},
    {"old", &T_MAP_ANY, NULL, 0, NUL},
    {"commits", &bitbucket_commits, NULL, 0, REQ},
};
DOCUMENT(bitbucket_change, "PushChange", bitbucket_change_fields);
LIST_TYPE(bitbucket_changes, bitbucket_change);

static const struct field bitbucket_push_fields[] = {{"changes", &bitbucket_changes, NULL, 0, REQ}};
DOCUMENT(bitbucket_push, "Push", bitbucket_push_fields);

static const struct field bitbucket_fields[] = {
    {"actor", &bitbucket_user, NULL, 0, REQ},
    {"repository", &bitbucket_repository, NULL, 0, REQ},
    {"push", &bitbucket_push, NULL, 0, REQ},
};
static const struct model bitbucket_event = MODEL("BitbucketEvent", bitbucket_fields, .extra = EXTRA_ALLOW);

WORDS(bitbucket_types, "BitbucketEventType", PUSH, TAG);
static const struct field bitbucket_filter_fields[] = {
    {"repo", &T_STRING, NULL, 0, NUL},
    {"branch", &T_STRING, NULL, 0, NUL},
    {"event_type", &bitbucket_types, NULL, 0, NUL},
};
static const struct model bitbucket_filter = MODEL("BitbucketWebhookEventFilterConfiguration", bitbucket_filter_fields);

static struct json_object *changes_of(struct json_object *event)
{
    return member(member(event, "push"), "changes");
}

static struct json_object *change_to(struct json_object *changes, size_t i)
{
    return member(json_object_array_get_idx(changes, i), "new");
}

/* Where the first change has led: a branch, or a tag. */
static const char *bitbucket_branch(struct arena *a, struct json_object *event)
{
    struct json_object *changes = changes_of(event), *name;
    if (json_object_array_length(changes) == 0)
        return NULL;
    name = member(change_to(changes, 0), "name");
    if (!name || json_object_is_type(name, json_type_string))
        return json_object_get_string(name);
    return json_text(a, name, true);
}

/* Whatever every change has led to something is a push, tags included; what has only removed things is about tags. */
static const char *bitbucket_type(struct json_object *event)
{
    struct json_object *changes = changes_of(event);
    bool push = true, tags = true;
    for (size_t i = 0; i < json_object_array_length(changes); i++) {
        struct json_object *to = change_to(changes, i), *type = member(to, "type");
        push = push && to;
        if (to && json_object_object_length(to))
            tags = tags && json_object_is_type(type, json_type_string) && streq(json_object_get_string(type), "tag");
    }
    return push ? PUSH : tags ? TAG : UNKNOWN;
}

const struct event_kind BITBUCKET_EVENTS = {
    .model = &bitbucket_event, .filter = &bitbucket_filter, .branch = bitbucket_branch, .type = bitbucket_type};

/* Both ----------------------------------------------------------------------------------------------------------- */

struct span event_text(struct arena *a, const struct event_kind *k, const char *content_type, struct span body)
{
    static const char PREFIX[] = "payload=";
    size_t len, prefix = sizeof PREFIX - 1;
    if (!k->form || !streq(content_type, "application/x-www-form-urlencoded"))
        return body;
    const char *text = percent_decode(a, body.s, body.len, true, &len);
    return len < prefix ? (struct span){"", 0} : (struct span){text + prefix, len - prefix};
}

static bool fits(const char *wanted, const char *value)
{
    return !wanted || !*wanted || streq(wanted, value);
}

bool event_matches(struct arena *a, const struct event_kind *k, struct json_object *event, struct json_object *filter)
{
    return fits(member_str(filter, "event_type"), k->type(event)) &&
           fits(member_str(filter, "repo"), member_str(member(event, "repository"), "full_name")) &&
           fits(member_str(filter, "branch"), k->branch(a, event));
}

bool event_signed(const char *secret, struct span body, const char *signature)
{
    enum { DIGEST = 32 };
    static const char PREFIX[] = "sha256=";
    unsigned char digest[DIGEST];
    char wanted[sizeof PREFIX + 2 * (size_t)DIGEST];
    unsigned len = 0;
    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body.s, body.len, digest, &len) ||
        len != DIGEST)
        return false;
    memcpy(wanted, PREFIX, sizeof PREFIX);
    for (size_t i = 0; i < DIGEST; i++) {
        wanted[sizeof PREFIX - 1 + 2 * i] = "0123456789abcdef"[digest[i] >> 4];
        wanted[sizeof PREFIX + 2 * i] = "0123456789abcdef"[digest[i] & 15];
    }
    size_t size = sizeof wanted - 1;
    return signature && strlen(signature) == size && CRYPTO_memcmp(signature, wanted, size) == 0;
}
