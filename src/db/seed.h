/*
 * The rows that every server has: settings, the default workspace with its stack, the built-in flavors, the first user
 * (docs/contract/resources.md#default-objects, docs/contract/auth.md#first-start).
 *
 * Each function writes what is missing and leaves what is there. The caller holds the transaction.
 */
#ifndef KANSO_DB_SEED_H
#define KANSO_DB_SEED_H

#include "db/db.h"

#include <stdbool.h>

struct seed_settings {
    const char *server_id; /* 32 hex digits, or NULL for a random one */
    const char *server_name;
    bool analytics, announcements, updates;
};

/* The one row of settings. *active tells afterwards whether the server has been activated. */
enum db_status seed_settings(struct db *db, struct arena *a, const struct seed_settings *with, bool *active);

/* Gives a freshly inserted workspace the stack `default` with a local orchestrator and a local artifact store. */
enum db_status seed_default_stack(struct db *db, struct arena *a, const char *workspace_id);

/* The workspace of that name, and with a new one the stack `default` with two components, which belong to nobody. */
enum db_status seed_workspace(struct db *db, struct arena *a, const char *name);

/* Activates the server. A user name that is not NULL becomes an active administrator with that password hash, unless
 * there is such a user. */
enum db_status seed_activation(struct db *db, struct arena *a, const char *user, const char *password_hash, bool *made);

/* The flavors of sql/flavors.json, by name and type: missing ones are made, others get the file's values. */
enum db_status seed_flavors(struct db *db, struct arena *a);

/* Whether there are flavors that are not somebody's own, and their schemas have titles, which clients read: those made
 * by an early Kanso had none. */
enum db_status seed_has_flavors(struct db *db, struct arena *a, bool *has);

#endif
