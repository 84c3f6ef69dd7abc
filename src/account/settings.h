/* The server itself: health, version, info, settings, activation, onboarding (docs/contract/server.md#endpoints). */
#ifndef KANSO_ACCOUNT_SETTINGS_H
#define KANSO_ACCOUNT_SETTINGS_H

#include "model/model.h"

/* GET /health: the worker is alive. GET /ready: it reaches a database that has the tables and accepts changes; else 503
 * with the cause. */
int server_health(struct ctx *c);
int server_ready(struct ctx *c);
int server_version(struct ctx *c);
int server_info(struct ctx *c);
int settings_get(struct ctx *c);
int settings_update(struct ctx *c);

/* PUT /activate: once, by whoever comes first; with an administrator's name and password it makes that user. */
int server_activate(struct ctx *c);

/* Whether the settings are kept here: not when the server's id is given from outside. */
bool settings_here(void);

extern const struct model SETTINGS_UPDATE, SERVER_ACTIVATION;

#endif
