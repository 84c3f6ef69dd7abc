#include "base/url.h"
#include "base/settings.h"
#include "base/text.h"
#include "db/db.h"

#include <stdlib.h>
#include <string.h>

static const char *env(const char *name)
{
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

static char *decoded(struct arena *a, const char *s, size_t len)
{
    return len ? percent_decode(a, s, len, false, NULL) : NULL;
}

/* name[:port], address[:port] or [IPv6 address][:port] */
static const char *read_host(struct arena *a, const char *s, size_t len, struct db_host *out)
{
    struct url_host host;
    const char *text = arena_strndup(a, s, len);
    if (strpbrk(text, "?#\\") || !url_host(a, arena_printf(a, "mysql://%s", text), &host))
        return "ZENML_STORE_URL: a host is a name[:port] or an [IPv6 address][:port], its port a number from 1 to "
               "65535";
    *out = (struct db_host){.name = host.name, .port = host.port ? host.port : 3306};
    return NULL;
}

/* host[,host...] */
static const char *read_hosts(struct arena *a, const char *s, const char *end, struct db_url *u)
{
    while (s < end) {
        const char *comma = memchr(s, ',', (size_t)(end - s)), *stop = comma ? comma : end;
        if (u->host_count == DB_HOSTS_MAX)
            return arena_printf(a, "ZENML_STORE_URL names more than %d hosts", DB_HOSTS_MAX);
        const char *problem = stop == s ? "ZENML_STORE_URL: the host is missing"
                                        : read_host(a, s, (size_t)(stop - s), &u->hosts[u->host_count]);
        if (problem)
            return problem;
        u->host_count++;
        s = comma ? comma + 1 : end;
    }
    return NULL;
}

/* user[:password]@hosts, every part optional. url_host() reads no more of it than each host: in other URLs the first @
 * ends the password, / ? and # end the authority, and there is exactly one host. Here passwords may hold all of these
 * but /, as with the driver of ZenML, a cluster has several hosts, and a socket none. */
static const char *read_authority(struct arena *a, const char *s, size_t len, struct db_url *u)
{
    const char *at = NULL, *end = s + len;
    for (const char *p = s; p < end; p++)
        if (*p == '@')
            at = p;
    if (at) {
        const char *colon = memchr(s, ':', (size_t)(at - s));
        u->user = decoded(a, s, (size_t)((colon ? colon : at) - s));
        if (colon)
            u->password = percent_decode(a, colon + 1, (size_t)(at - colon - 1), false, NULL);
        s = at + 1;
    }
    return read_hosts(a, s, end, u);
}

static const char *read_option(struct arena *a, struct db_url *u, const char *key, const char *value)
{
    if (streq(key, "unix_socket"))
        u->unix_socket = value;
    else if (streq(key, "ssl_ca"))
        u->ssl_ca = value;
    else if (streq(key, "ssl_cert"))
        u->ssl_cert = value;
    else if (streq(key, "ssl_key"))
        u->ssl_key = value;
    else if (streq(key, "ssl_verify_server_cert")) {
        int on = parse_bool_word(value, strlen(value));
        if (on < 0)
            return "ZENML_STORE_URL: ssl_verify_server_cert must be true or false";
        u->ssl_verify = on;
    } else if (streq(key, "read_timeout")) {
        int64_t seconds;
        if (!parse_int64(value, &seconds) || seconds < 1 || seconds > 3600)
            return "ZENML_STORE_URL: read_timeout must be 1 to 3600 seconds";
        u->io_timeout = (unsigned)seconds;
    } else {
        return arena_printf(a,
                            "ZENML_STORE_URL: unknown option '%s'; known are read_timeout, ssl_ca, ssl_cert, "
                            "ssl_key, ssl_verify_server_cert and unix_socket",
                            key);
    }
    return NULL;
}

static const char *read_options(struct arena *a, struct db_url *u, const char *query)
{
    while (query && *query) {
        size_t len = strcspn(query, "&");
        const char *eq = memchr(query, '=', len);
        const char *problem =
            read_option(a, u, decoded(a, query, eq ? (size_t)(eq - query) : len),
                        eq ? percent_decode(a, eq + 1, len - (size_t)(eq + 1 - query), false, NULL) : "");
        if (problem)
            return problem;
        query += len + (query[len] == '&');
    }
    return NULL;
}

static const char *read_url(struct arena *a, const char *url, struct db_url *u)
{
    const char *rest = strstr(url, "://");
    if (!rest || (!starts_with(url, "mysql://") && !starts_with(url, "mysql+") && !starts_with(url, "mariadb://")))
        return "ZENML_STORE_URL must be of the form mysql://user:password@host:port/database";
    rest += 3;
    const char *slash = strchr(rest, '/');
    const char *problem = read_authority(a, rest, slash ? (size_t)(slash - rest) : strlen(rest), u);
    if (problem || !slash)
        return problem;
    size_t len = strcspn(slash + 1, "?");
    u->database = decoded(a, slash + 1, len);
    return slash[1 + len] == '?' ? read_options(a, u, slash + 2 + len) : NULL;
}

const char *db_url_from_env(struct arena *a, struct db_url *u)
{
    *u = (struct db_url){0};
    u->user = env("ZENML_STORE_USERNAME");
    u->password = settings_take(a, "ZENML_STORE_PASSWORD");
    u->database = env("ZENML_STORE_DATABASE");
    u->ssl_ca = env("ZENML_STORE_SSL_CA");
    u->ssl_cert = env("ZENML_STORE_SSL_CERT");
    u->ssl_key = env("ZENML_STORE_SSL_KEY");
    const char *verify = env("ZENML_STORE_SSL_VERIFY_SERVER_CERT");
    u->ssl_verify = verify && parse_bool_word(verify, strlen(verify)) == 1;
    const char *url = settings_take(a, "ZENML_STORE_URL");
    if (!url)
        return "there is no database yet: `kanso start` makes a private one, or ZENML_STORE_URL names yours, "
               "mysql://user:password@host:port/database";
    const char *problem = read_url(a, url, u);
    if (problem)
        return problem;
    const char *home = env("KANSO_HOME");
    if (home && u->unix_socket && starts_with(u->unix_socket, home) && u->unix_socket[strlen(home)] == '/')
        u->disk = arena_strdup(a, home);
    if (!u->user || !u->database)
        return "ZENML_STORE_URL: user name and database are required (or ZENML_STORE_USERNAME and _DATABASE)";
    if (strlen(u->database) > 64 || strpbrk(u->database, "\\/?%*:|\"<>.-`"))
        return "ZENML_STORE_URL: the database name must have 1 to 64 characters and none of \\/?%*:|\"<>.-`";
    if (!u->host_count && !u->unix_socket)
        return "ZENML_STORE_URL: the host is missing";
    return NULL;
}
