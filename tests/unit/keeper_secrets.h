/* SPDX-License-Identifier: Apache-2.0 */
/* keeper_secrets: a keeper of keeper_world.h with four secrets, r/t/0 to r/t/3, of which the last is optional. */
#ifndef TESTS_KEEPER_SECRETS_H
#define TESTS_KEEPER_SECRETS_H

#include "keeper_world.h"

#define MINUTES 60000

static struct config_secret configs[4];
static struct settings_secret owners[4];
static struct settings settings;
static struct keeper_secret secrets[4];
static int64_t now; /* on the boot clock, ms */

/* Before each test. @refresh is in ms. */
static inline void secrets_make(char *const names[4], char *const files[4], int64_t refresh)
{
	static char *const resources[] = { (char *)"r/t/0", (char *)"r/t/1", (char *)"r/t/2",
					   (char *)"r/t/3" };

	world_make();
	now = 1000 * MINUTES;
	for (int i = 0; i < 4; i++) {
		configs[i] = (struct config_secret){ .name = names[i],
						     .resource = resources[i],
						     .file = files[i],
						     .mode = 0400,
						     .required = i != 3,
						     .refresh = refresh };
		owners[i] = (struct settings_secret){ .uid = 10, .gid = 20 };
		secrets[i] = (struct keeper_secret){
			.config = &configs[i],
			.file = keyring_declare(NULL, files[i], 0400, 10, 20, NULL),
		};
	}
	settings = (struct settings){ .secret = owners };
	settings.config.secret = configs;
	settings.config.count = 4;
	settings.config.url[settings.config.urls++] = (char *)"https://kbs";
	keeper.settings = &settings;
	keeper.secret = secrets;
	keeper.started = now;
	keeper.session.courier.fd = 0;
	bytes_append_text(&keeper.session.ear, "e.a.r");
}

/* After each test. */
static inline int secrets_free(void **state)
{
	(void)state;
	world_free();
	return 0;
}

#endif
