/*
 * UUIDs in the two forms that meet here: 32 lower-case hex digits in the database, 36 characters with dashes on the
 * wire (docs/contract/schema.md#storage).
 */
#ifndef KANSO_BASE_UUID_H
#define KANSO_BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>

enum { UUID_HEX = 32, UUID_TEXT = 36 };

/* Reads every form the reference reads: dashed, 32 hex digits, in braces, urn:uuid:..., any letter case.
 * Writes 32 hex digits and a NUL; false, and `hex` untouched, when it is none of them. */
bool uuid_read(const char *text, size_t len, char hex[UUID_HEX + 1]);

/* Writes the 36 characters (and a NUL) for 32 hex digits. */
void uuid_write(const char *hex, char text[UUID_TEXT + 1]);

/* All of that in the arena; uuid_hex() gives NULL for a text that uuid_read() does not take, or none. */
struct arena;
char *uuid_dashed(struct arena *a, const char *hex);
char *uuid_hex(struct arena *a, const char *text);

/* A fresh random (version 4) one as 32 hex digits; uuid_made(): in the arena. */
void uuid_new(char hex[UUID_HEX + 1]);
char *uuid_made(struct arena *a);

#endif
