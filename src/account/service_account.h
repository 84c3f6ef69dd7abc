/* Service accounts: users that are programs, and sign in with API keys (docs/contract/resources.md#accounts). */
#ifndef KANSO_ACCOUNT_SERVICE_ACCOUNT_H
#define KANSO_ACCOUNT_SERVICE_ACCOUNT_H

#include "model/model.h"

extern const struct resource resource_service_account;

#endif
