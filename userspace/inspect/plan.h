/* SPDX-License-Identifier: Apache-2.0 */
/* plan: realmkeyd --plan: what a reload of the configuration would change. */
#ifndef REALMKEY_PLAN_H
#define REALMKEY_PLAN_H

#include <stdbool.h>

/* Compare the configuration @config with the files in the keyring at @keyring and with what the keeper
 * published there, and print each change, as text or as JSON. Nothing is changed. Returns an exit
 * status: 0, whether or not there is a change, or that of an error in the configuration. */
int plan_run(const char *config, const char *keyring, bool json);

#endif
