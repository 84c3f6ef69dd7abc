/* HyperAI instances: machines that are reached over SSH with a key. */
#include "base/config.h"
#include "base/egress.h"
#include "base/library.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "connector/call.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libssh/libssh.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SSH_FUNCTIONS(X)                                                                                               \
    X(ssh_connect)                                                                                                     \
    X(ssh_disconnect)                                                                                                  \
    X(ssh_free)                                                                                                        \
    X(ssh_key_free)                                                                                                    \
    X(ssh_key_type)                                                                                                    \
    X(ssh_new)                                                                                                         \
    X(ssh_options_set)                                                                                                 \
    X(ssh_pki_import_privkey_base64)                                                                                   \
    X(ssh_userauth_publickey)

LIBRARY(libssh, "libssh.so.4", "connectors to HyperAI instances", SSH_FUNCTIONS);

enum { CONNECT_MS = 10000, SSH_SECONDS = 10 };

/* Names ----------------------------------------------------------------------------------------------------------- */

/* A hostname as it is configured, without the blanks around it. */
static const char *host_at(const struct connection *con, size_t i)
{
    const char *s = json_object_get_string(json_object_array_get_idx(member(con->config, "hostnames"), i));
    s += strspn(s, " \t\r\n");
    size_t len = strlen(s);
    while (len && strchr(" \t\r\n", s[len - 1]))
        len--;
    return arena_strndup(con->mem, s, len);
}

static size_t host_count(const struct connection *con)
{
    struct json_object *list = member(con->config, "hostnames");
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static const char *canonical_id(struct connection *con, const struct connector_resource *r, const char *id)
{
    (void)r;
    for (size_t i = 0; i < host_count(con); i++)
        if (streq(id, host_at(con, i)))
            return id;
    return NULL;
}

/* Connecting ------------------------------------------------------------------------------------------------------ */

/* Waits until a socket is connected. */
static bool connected(int fd, const struct addrinfo *to)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t len = sizeof error;
    if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
        return true;
    return errno == EINPROGRESS && poll(&wait, 1, CONNECT_MS) == 1 &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
}

static bool may_call(const char *host, const struct addrinfo *to)
{
    char text[NI_MAXHOST];
    return getnameinfo(to->ai_addr, to->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0 &&
           egress_allowed(config.egress, config.implicit_auth_methods, host, text);
}

/* A socket that is connected to the first address of the host that answers, or -1 and why there is none. */
static int dial(const char *host, const char *port, const char **problem)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int fd = -1;
    *problem = "the host is not known";
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    for (const struct addrinfo *to = found; to && fd < 0; to = to->ai_next) {
        *problem = "KANSO_EGRESS does not allow to call it";
        if (!may_call(host, to))
            continue;
        *problem = "nobody answers there";
        fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0 && !connected(fd, to)) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    if (fd >= 0)
        fcntl(fd, F_SETFL, 0); /* libssh waits with its own time-out */
    return fd;
}

/* Signing in ------------------------------------------------------------------------------------------------------ */

static bool suits(const char *method, enum ssh_keytypes_e type)
{
    if (streq(method, "rsa-key"))
        return type == SSH_KEYTYPE_RSA;
    if (streq(method, "dsa-key"))
        return type == SSH_KEYTYPE_DSS;
    if (streq(method, "ecdsa-key"))
        return type == SSH_KEYTYPE_ECDSA_P256 || type == SSH_KEYTYPE_ECDSA_P384 || type == SSH_KEYTYPE_ECDSA_P521;
    return type == SSH_KEYTYPE_ED25519;
}

static const char *read_key(const struct connection *con, ssh_key *key)
{
    const char *text = base64_any(con->mem, member_str(con->config, "base64_ssh_key"));
    if (!text)
        return "the key is not in base64";
    if (libssh.ssh_pki_import_privkey_base64(text, member_str(con->config, "ssh_passphrase"), NULL, NULL, key) !=
        SSH_OK)
        return "the key cannot be read: its form or its passphrase is wrong";
    return suits(con->method->name, libssh.ssh_key_type(*key)) ? NULL
                                                               : "the key is of another kind than the method says";
}

static const char *talk(const struct connection *con, ssh_session session, ssh_key key, const char *host, int fd)
{
    double left = con->deadline > 0 ? (con->deadline - monotonic_ms()) / 1000 : SSH_SECONDS;
    long seconds = left < 1 ? 1 : left < SSH_SECONDS ? (long)left : SSH_SECONDS;
    libssh.ssh_options_set(session, SSH_OPTIONS_HOST, host);
    libssh.ssh_options_set(session, SSH_OPTIONS_USER, member_str(con->config, "username"));
    libssh.ssh_options_set(session, SSH_OPTIONS_TIMEOUT, &seconds);
    libssh.ssh_options_set(session, SSH_OPTIONS_FD, &fd);
    libssh.ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &(bool){false});
    /* Host keys are not known beforehand: whoever answers is taken for the instance, as ZenML does. He learns nothing
     * with which he could sign in elsewhere. */
    if (libssh.ssh_connect(session) != SSH_OK)
        return "the host does not speak SSH as it should";
    bool in = libssh.ssh_userauth_publickey(session, NULL, key) == SSH_AUTH_SUCCESS;
    libssh.ssh_disconnect(session);
    return in ? NULL : "the user and the key are not accepted";
}

/* Where a host is called: on the usual port, or where KANSO_CONNECTOR_ENDPOINTS has it (ssh://HOST:PORT). */
static const char *find_place(struct arena *a, const char *host, const char **port)
{
    static const char scheme[] = "ssh://";
    const char *given = call_base(a, host), *colon;
    *port = "22";
    if (!starts_with(given, scheme))
        return host;
    given += strlen(scheme);
    colon = strrchr(given, ':');
    if (!colon)
        return given;
    *port = colon + 1;
    return arena_strndup(a, given, (size_t)(colon - given));
}

static const char *sign_in(const struct connection *con, ssh_key key, const char *host)
{
    const char *port, *place = find_place(con->mem, host, &port), *problem;
    if (con->deadline > 0 && monotonic_ms() > con->deadline)
        return "the time for this request is up";
    int fd = dial(place, port, &problem);
    if (fd < 0)
        return problem;
    ssh_session session = libssh.ssh_new();
    problem = session ? talk(con, session, key, host, fd) : "there is no memory for a connection";
    libssh.ssh_free(session);
    close(fd); /* libssh leaves it to us */
    return problem;
}

static const char *verify(struct connection *con, const struct connector_resource *r, const char *id, struct texts *ids)
{
    ssh_key key = NULL;
    const char *missing = library_load(&libssh_library), *problem = missing ? missing : read_key(con, &key);
    (void)r;
    if (problem)
        problem = arena_printf(con->mem, "could not create an SSH client for HyperAI instances: %s", problem);
    for (size_t i = 0; i < host_count(con) && !problem; i++) {
        const char *host = id ? id : host_at(con, i);
        problem = sign_in(con, key, host);
        if (problem)
            problem = arena_printf(con->mem, "could not create an SSH client for the HyperAI instance '%s': %s", host,
                                   problem);
        else
            texts_add(ids, host);
        if (id)
            break;
    }
    if (!missing)
        libssh.ssh_key_free(key);
    return problem;
}

/* The type ------------------------------------------------------------------------------------------------------- */

static const struct connector_attribute attributes[] = {
    {"base64_ssh_key", "SSH key (base64)", NULL, A_TEXT, A_SECRET | A_REQUIRED},
    {"ssh_passphrase", "Passphrase of the SSH key", NULL, A_TEXT, A_SECRET},
    {"hostnames", "Hostnames of the instances", NULL, A_TEXTS, A_REQUIRED},
    {"username", "Username on the instances", NULL, A_TEXT, A_REQUIRED},
};
static const struct connector_config config_key =
    CONFIG("HyperAIConfiguration", "An SSH key, and the instances that it opens.", attributes);

#define METHOD(method, called, kind)                                                                                   \
    {                                                                                                                  \
        .name = (method), .label = (called), .config = &config_key,                                                    \
        .description = "Sign in over SSH with " kind " key, with or without a passphrase."                             \
    }

static const struct connector_method methods[] = {
    METHOD("rsa-key", "RSA key with optional passphrase", "an RSA"),
    METHOD("dsa-key", "DSA/DSS key with optional passphrase", "a DSA"),
    METHOD("ecdsa-key", "ECDSA key with optional passphrase", "an ECDSA"),
    METHOD("ed25519-key", "Ed25519 key with optional passphrase", "an Ed25519"),
};

static const struct connector_resource resources[] = {
    {
        .name = "hyperai-instance",
        .label = "HyperAI instance",
        .description = "A HyperAI instance, by one of the configured hostnames.",
        .logo_url = LOGO("connectors/hyperai/hyperai.png"),
        .emoji = ":robot_face:",
        .instances = true,
    },
};

const struct connector_type connector_hyperai = {
    .name = "hyperai",
    .label = "HyperAI Service Connector",
    .description = "Gives stack components access to HyperAI instances over SSH.",
    .logo_url = LOGO("connectors/hyperai/hyperai.png"),
    .emoji = ":robot_face:",
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
    .resources = resources,
    .resource_count = ARRAY_LEN(resources),
    .canonical_id = canonical_id,
    .verify = verify,
};
