/*
 * The file that a backup is kept in: records, one after the other, with a digest of them all in the last one.
 *
 * The file is compressed with zlib (`zcat` shows what is in it) or plain; readers take both. It begins with
 * ARCHIVE_MAGIC. A record is its kind (one byte), the length of its content (4 bytes, the lowest first) and the
 * content:
 *
 *   H  JSON: who made the backup, when, of what, and the definition of each table (backup/backup.c)
 *   T  JSON: the name of the table whose rows follow
 *   R  a row: for each of the table's columns 4 bytes of length, the lowest first, and the value as the server writes
 * it; a length of ARCHIVE_NULL and nothing behind it for NULL E  JSON: how many rows the table had, and their sum
 * (struct row_sum) Z  JSON: "sha256" of all bytes before this record. Nothing follows.
 *
 * The digest finds damage. It is no signature: who can change the file can make another one.
 */
#ifndef KANSO_BACKUP_ARCHIVE_H
#define KANSO_BACKUP_ARCHIVE_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCHIVE_MAGIC "KANSO BACKUP 1\n"

/* A reader refuses a file of another form. To be raised together with the number in the magic. */
enum { ARCHIVE_FORM = 1 };

enum archive_kind {
    ARCHIVE_HEADER = 'H',
    ARCHIVE_TABLE = 'T',
    ARCHIVE_ROW = 'R',
    ARCHIVE_END = 'E',
    ARCHIVE_DONE = 'Z'
};

/* No row is longer: it is what the protocol of the database can carry. */
enum { ARCHIVE_LONGEST = 1 << 30 };
#define ARCHIVE_NULL 0xffffffffu

/* A sum over the rows of a table that does not depend on their order: that of the SHA-256 of each, modulo 2^256. */
struct row_sum {
    uint64_t part[4]; /* the lowest first */
};

void row_sum_add(struct row_sum *sum, const void *row, size_t len);
char *row_sum_text(struct arena *a, const struct row_sum *sum);

/* A column's value at the end of a row's content; `s` NULL for NULL. */
void row_put(struct buf *row, const char *s, size_t len);

/* Takes the next value out of a row's content, of which *left bytes are left at *at. False: it ends early. */
bool row_take(const char **at, size_t *left, const char **s, size_t *len);

/* The functions below that return text return NULL, or what is wrong in one sentence. */

/* Writing ---------------------------------------------------------------------------------------------------------- */

struct archive_out;

/* Begins a file (mode 0600) under a temporary name beside `path`, or standard output for "-". A file that is there is
 * an error unless `force`. At most one at a time in a process: when SIGINT, SIGTERM or SIGHUP ends the process, what
 * was begun is removed. */
const char *archive_create(struct arena *a, const char *path, bool compress, bool force, struct archive_out **out);

/* Appends a record; false when that fails, which archive_finish() then says. */
bool archive_put(struct archive_out *o, enum archive_kind kind, const void *content, size_t len);

/* Appends the last record, makes sure that all is on the disk, and gives the file its name. Releases `o`. */
const char *archive_finish(struct archive_out *o);

/* Removes what has been begun, and releases `o`. */
void archive_abandon(struct archive_out *o);

/* Reading ---------------------------------------------------------------------------------------------------------- */

struct archive_in {
    enum archive_kind kind; /* of the record that has been read; its content lives until the next one */
    struct buf content;
    struct archive_reader *reader;
};

/* Opens a file; what comes through standard input ("-") is kept in a temporary file without a name. */
const char *archive_open(struct arena *a, const char *path, struct archive_in *in);

/* Reads the next record, of any kind but the last, for which *done is set, and whose digest and end of file are
 * checked. */
const char *archive_next(struct archive_in *in, bool *done);

/* Back to the first record. */
const char *archive_rewind(struct archive_in *in);

/* How much of the file has been read, in percent. */
int archive_percent(const struct archive_in *in);

void archive_close(struct archive_in *in);

#endif
