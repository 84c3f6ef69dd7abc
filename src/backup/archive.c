#include "backup/archive.h"

#include "base/new_file.h"
#include "base/text.h"
#include "json/write.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { HEAD = 5, GZ_BUFFER = 1 << 17, KEPT = 1 << 20, PIECE = 1 << 20 };

/* Numbers, and rows ------------------------------------------------------------------------------------------------ */

static void put_u32(unsigned char *to, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(n >> 8 * i);
}

static uint32_t get_u32(const void *from)
{
    const unsigned char *b = from;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

void row_put(struct buf *row, const char *s, size_t len)
{
    unsigned char head[4];
    put_u32(head, s ? (uint32_t)len : ARCHIVE_NULL);
    buf_add(row, head, sizeof head);
    if (s)
        buf_add(row, s, len);
}

bool row_take(const char **at, size_t *left, const char **s, size_t *len)
{
    if (*left < 4)
        return false;
    uint32_t n = get_u32(*at);
    *at += 4;
    *left -= 4;
    *s = n == ARCHIVE_NULL ? NULL : *at;
    *len = n == ARCHIVE_NULL ? 0 : n;
    if (*len > *left)
        return false;
    *at += *len;
    *left -= *len;
    return true;
}

void row_sum_add(struct row_sum *sum, const void *row, size_t len)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(row, len, digest);
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t part;
        memcpy(&part, digest + 8 * i, sizeof part);
        part = le64toh(part);
        uint64_t with_carry = sum->part[i] + carry;
        carry = with_carry < carry;
        sum->part[i] = with_carry + part;
        carry += sum->part[i] < part;
    }
}

char *row_sum_text(struct arena *a, const struct row_sum *sum)
{
    return arena_printf(a, "%016llx%016llx%016llx%016llx", (unsigned long long)sum->part[3],
                        (unsigned long long)sum->part[2], (unsigned long long)sum->part[1],
                        (unsigned long long)sum->part[0]);
}

static EVP_MD_CTX *new_digest(void)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        abort();
    return digest;
}

static char *digest_text(struct arena *a, EVP_MD_CTX *digest)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_DigestFinal_ex(digest, bytes, &len);
    return hex_encode(a, bytes, len);
}

/* Writing ---------------------------------------------------------------------------------------------------------- */

struct archive_out {
    struct new_file file;
    gzFile gz;
    EVP_MD_CTX *digest;
    const char *problem; /* of the first write that failed */
};

static bool put(struct archive_out *o, const void *data, size_t len)
{
    int code;
    if (o->problem || !len)
        return !o->problem;
    if (gzwrite(o->gz, data, (unsigned)len) == (int)len)
        return EVP_DigestUpdate(o->digest, data, len) == 1;
    const char *words = gzerror(o->gz, &code);
    o->problem = arena_strdup(o->file.mem, code == Z_ERRNO ? strerror(errno) : words);
    return false;
}

const char *archive_create(struct arena *a, const char *path, bool compress, bool force, struct archive_out **out)
{
    struct archive_out *o = arena_alloc(a, sizeof *o);
    *o = (struct archive_out){.digest = new_digest()};
    *out = o;
    const char *problem = new_file_begin(a, path, force, &o->file);
    int fd = problem ? -1 : fcntl(o->file.fd, F_DUPFD_CLOEXEC, 3); /* gzclose() closes it, and more comes after that */
    o->gz = fd < 0 ? NULL : gzdopen(fd, compress ? "wb4" : "wbT");
    if (!problem && !o->gz)
        problem = new_file_trouble(&o->file, strerror(errno));
    if (problem) {
        archive_abandon(o);
        return problem;
    }
    gzbuffer(o->gz, GZ_BUFFER);
    put(o, ARCHIVE_MAGIC, sizeof ARCHIVE_MAGIC - 1);
    return NULL;
}

bool archive_put(struct archive_out *o, enum archive_kind kind, const void *content, size_t len)
{
    unsigned char head[HEAD] = {(unsigned char)kind};
    if (len > ARCHIVE_LONGEST) {
        o->problem = "a row has more than a gibibyte";
        return false;
    }
    put_u32(head + 1, (uint32_t)len);
    return put(o, head, sizeof head) && put(o, content, len);
}

static void put_last(struct archive_out *o)
{
    struct buf out = {0};
    struct jw w = {.out = &out};
    jw_open(&w, '{');
    jw_key(&w, "sha256");
    jw_str(&w, digest_text(o->file.mem, o->digest));
    jw_close(&w, '}');
    archive_put(o, ARCHIVE_DONE, out.data, out.len);
    buf_free(&out);
}

void archive_abandon(struct archive_out *o)
{
    if (o->gz)
        gzclose(o->gz);
    o->gz = NULL;
    EVP_MD_CTX_free(o->digest);
    new_file_abandon(&o->file);
}

const char *archive_finish(struct archive_out *o)
{
    put_last(o);
    errno = 0;
    if (gzclose(o->gz) != Z_OK && !o->problem)
        o->problem = errno ? strerror(errno) : "it could not be compressed";
    o->gz = NULL;
    const char *problem = o->problem ? new_file_trouble(&o->file, o->problem) : new_file_finish(&o->file);
    archive_abandon(o);
    return problem;
}

/* Reading ---------------------------------------------------------------------------------------------------------- */

struct archive_reader {
    struct arena *mem;
    const char *name;
    int fd;
    off_t size;
    gzFile gz;
    EVP_MD_CTX *digest;
};

static const char *damaged(const struct archive_reader *r, const char *how)
{
    return arena_printf(r->mem, "%s is damaged: %s", r->name, how);
}

/* What zlib has to complain of, without its own name for the file. */
static const char *zlib_words(const struct archive_reader *r)
{
    int code;
    const char *words = gzerror(r->gz, &code), *text = strstr(words, ": ");
    return arena_strdup(r->mem, code == Z_ERRNO ? strerror(errno) : text ? text + 2 : words);
}

/* Standard input can be read once, and a backup is read twice: it is checked before anything is written. */
static const char *spool(struct archive_reader *r)
{
    static char piece[PIECE];
    FILE *to = tmpfile();
    if (!to)
        return arena_printf(r->mem, "cannot make a temporary file: %s", strerror(errno));
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, stdin)) > 0)
        if (fwrite(piece, 1, n, to) != n)
            break;
    bool ok = !ferror(stdin) && feof(stdin) && fflush(to) == 0;
    int why = errno;
    if (ok)
        r->fd = fcntl(fileno(to), F_DUPFD_CLOEXEC, 3);
    fclose(to);
    return ok && r->fd >= 0 && lseek(r->fd, 0, SEEK_SET) == 0
               ? NULL
               : arena_printf(r->mem, "cannot keep standard input in a temporary file: %s", strerror(why));
}

static const char *open_file(struct archive_reader *r, const char *path)
{
    struct stat is;
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0 || fstat(r->fd, &is) != 0)
        return arena_printf(r->mem, "cannot read %s: %s", path, strerror(errno));
    if (!S_ISREG(is.st_mode))
        return arena_printf(r->mem, "%s is no file; `-` reads standard input", path);
    return NULL;
}

const char *archive_open(struct arena *a, const char *path, struct archive_in *in)
{
    struct archive_reader *r = arena_alloc(a, sizeof *r);
    bool piped = streq(path, "-");
    *r = (struct archive_reader){.mem = a, .name = piped ? "standard input" : path, .fd = -1};
    *in = (struct archive_in){.reader = r};
    const char *problem = piped ? spool(r) : open_file(r, path);
    if (problem)
        return problem;
    struct stat is;
    r->size = fstat(r->fd, &is) == 0 ? is.st_size : 0;
    r->gz = gzdopen(r->fd, "rb");
    if (!r->gz)
        return arena_printf(a, "cannot read %s", r->name);
    gzbuffer(r->gz, GZ_BUFFER);
    return archive_rewind(in);
}

/* NULL, or what is wrong with the next `len` bytes. A length that is damaged may ask for more than there is memory:
 * room is made as the bytes come. */
static const char *get(struct archive_in *in, size_t len)
{
    struct archive_reader *r = in->reader;
    buf_clear(&in->content, KEPT);
    while (in->content.len < len) {
        size_t piece = len - in->content.len < PIECE ? len - in->content.len : PIECE;
        char *to = buf_room(&in->content, piece);
        int n = gzread(r->gz, to, (unsigned)piece);
        if (n <= 0)
            return damaged(r, n < 0 ? zlib_words(r) : "it ends early");
        EVP_DigestUpdate(r->digest, to, (size_t)n);
        in->content.len += (size_t)n;
        in->content.data[in->content.len] = '\0';
    }
    return NULL;
}

const char *archive_rewind(struct archive_in *in)
{
    static const char family[] = "KANSO BACKUP ";
    struct archive_reader *r = in->reader;
    char magic[sizeof ARCHIVE_MAGIC] = "";
    EVP_MD_CTX_free(r->digest);
    r->digest = new_digest();
    if (gzrewind(r->gz) != 0)
        return arena_printf(r->mem, "%s cannot be read twice", r->name);
    int n = gzread(r->gz, magic, sizeof magic - 1);
    if (n < (int)sizeof magic - 1 || !starts_with(magic, family))
        return arena_printf(r->mem, "%s is no backup of Kanso", r->name);
    if (!streq(magic, ARCHIVE_MAGIC))
        return arena_printf(r->mem, "%s was made by a later Kanso, in a form that this one does not know: use that one",
                            r->name);
    EVP_DigestUpdate(r->digest, magic, sizeof magic - 1);
    return NULL;
}

/* Reads to the end of the file, so that what zlib checks there is checked. */
static const char *check_last(struct archive_in *in, size_t len)
{
    struct archive_reader *r = in->reader;
    const char *is = digest_text(r->mem, r->digest);
    struct json_object *said = NULL;
    const char *problem = get(in, len);
    if (problem)
        return problem;
    char more;
    int n = gzread(r->gz, &more, 1), code;
    gzerror(r->gz, &code);
    if (n != 0 || (code != Z_OK && code != Z_STREAM_END))
        return damaged(r, n > 0 ? "something follows its end" : "it ends early");
    json_object_object_get_ex(json_tree(r->mem, in->content.data, in->content.len), "sha256", &said);
    return streq(json_object_get_string(said), is) ? NULL : damaged(r, "its content has been changed");
}

const char *archive_next(struct archive_in *in, bool *done)
{
    struct archive_reader *r = in->reader;
    unsigned char head[HEAD];
    *done = false;
    int n = gzread(r->gz, head, sizeof head);
    if (n < (int)sizeof head)
        return damaged(r, n < 0 ? zlib_words(r) : "it ends early");
    in->kind = (enum archive_kind)head[0];
    size_t len = get_u32(head + 1);
    if (!strchr("HTREZ", head[0]) || !head[0] || len > ARCHIVE_LONGEST)
        return damaged(r, "a record of no known kind");
    if (in->kind == ARCHIVE_DONE) {
        *done = true;
        return check_last(in, len);
    }
    EVP_DigestUpdate(r->digest, head, sizeof head);
    return get(in, len);
}

int archive_percent(const struct archive_in *in)
{
    const struct archive_reader *r = in->reader;
    return r->size > 0 ? (int)(gzoffset(r->gz) * 100 / r->size) : 0;
}

void archive_close(struct archive_in *in)
{
    struct archive_reader *r = in->reader;
    buf_free(&in->content);
    if (!r)
        return;
    if (r->gz)
        gzclose(r->gz);
    else if (r->fd >= 0)
        close(r->fd);
    EVP_MD_CTX_free(r->digest);
    in->reader = NULL;
}
