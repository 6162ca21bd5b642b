/* SPDX-License-Identifier: Apache-2.0 */
/* check: realmkeyd --check: report what is wrong with the configuration, and change nothing. */
#ifndef REALMKEY_CHECK_H
#define REALMKEY_CHECK_H

#include "config/settings.h"

/* Print each error and warning of the configuration @config, and how many there are. Returns an exit status;
 * if that is 0, @settings has what was read. */
int check_run(const char *config, struct settings *settings);

#endif
