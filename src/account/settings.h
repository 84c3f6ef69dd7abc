/* The server itself: version, info, settings, activation, onboarding (docs/contract/server.md#endpoints). */
#ifndef KANSO_ACCOUNT_SETTINGS_H
#define KANSO_ACCOUNT_SETTINGS_H

#include "model/model.h"

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
