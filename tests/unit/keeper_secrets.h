/* SPDX-License-Identifier: Apache-2.0 */
/* keeper_secrets: a keeper of keeper_world.h with four secrets, r/t/0 to r/t/3, of which the last is optional. */
#ifndef TESTS_KEEPER_SECRETS_H
#define TESTS_KEEPER_SECRETS_H

#include "keeper_world.h"

#include "keeper/secrets/digests.h"
#include "keeper/secrets/groups.h"
#include "keeper/secrets/outlets.h"
#include "keeper/secrets/publish.h"

#define MINUTES	  60000
#define FILES_MAX 8

static struct config_secret configs[4];
static struct settings_secret owners[4];
static struct config_file files[FILES_MAX];
static struct settings_file file_owners[FILES_MAX];
static struct settings settings;
static struct keeper_secret secrets[4];
static int64_t now; /* on the boot clock, ms */

/* Make the keeper's tables anew, as for the configuration at the moment. */
static inline void secrets_group(void)
{
	struct error e = ERROR_INIT;

	groups_free(&keeper);
	for (size_t i = 0; i < 4; i++)
		secrets[i].config = &configs[i];
	assert_int_equal(groups_declare(&keeper, &e), 0);
	assert_int_equal(groups_make(&keeper, &e), 0);
}

/* Add another file with the value of @secret, or the template @text. */
static inline void file_add(const char *path, size_t secret, const struct template *template)
{
	const size_t i = settings.config.files++;

	assert_true(i < FILES_MAX);
	files[i] = (struct config_file){ .path = (char *)path, .secret = secret, .mode = 0440 };
	file_owners[i] = (struct settings_file){ .uid = 11, .gid = 21 };
	if (template)
		file_owners[i].template = *template;
}

/* Only the first @count secrets are configured. */
static inline void secrets_limit(size_t count)
{
	groups_free(&keeper);
	settings.config.count = settings.config.files = count;
	secrets_group();
}

/* The files that the configuration has at the start, one for each secret. */
static inline void own_files(void)
{
	settings.config.files = 0;
	for (int i = 0; i < 4; i++) {
		if (!configs[i].file)
			continue;
		file_add(configs[i].file, (size_t)i, NULL);
		files[settings.config.files - 1].mode = 0400;
		file_owners[settings.config.files - 1] = (struct settings_file){ .uid = 10,
										 .gid = 20 };
	}
}

/* Before each test. @refresh is in ms. */
static inline void secrets_make(char *const names[4], char *const paths[4], int64_t refresh)
{
	static char *const resources[] = { (char *)"r/t/0", (char *)"r/t/1", (char *)"r/t/2",
					   (char *)"r/t/3" };
	struct error e = ERROR_INIT;

	world_make();
	now = 1000 * MINUTES;
	for (int i = 0; i < 4; i++) {
		configs[i] = (struct config_secret){ .name = names[i],
						     .resource = resources[i],
						     .file = paths[i],
						     .mode = 0400,
						     .required = i != 3,
						     .refresh = refresh };
		owners[i] = (struct settings_secret){ .uid = 10, .gid = 20 };
		secrets[i] = (struct keeper_secret){ .config = &configs[i] };
	}
	settings = (struct settings){ .secret = owners, .file = file_owners };
	settings.text_digest[0] = 0xd1;
	settings.config.secret = configs;
	settings.config.count = 4;
	settings.config.file = files;
	settings.config.url[settings.config.urls++] = (char *)"https://kbs";
	own_files();
	keeper.settings = &settings;
	keeper.secret = secrets;
	keeper.started = now;
	keeper.keys_path = "/keys";
	keeper.hooks_path = "/hooks";
	keeper.session.courier.fd = 0;
	bytes_append_text(&keeper.session.ear, "e.a.r");
	secrets_group();
	assert_int_equal(digests_take_over(&keeper, &e), 0);
}

/* Another keeper begins with the same keyring, and with what was published. */
static inline void secrets_next(void)
{
	struct error e = ERROR_INIT;

	outlets_close(&keeper);
	keeper.keys_error = e;
	for (int i = 0; i < 4; i++)
		secrets[i] = (struct keeper_secret){ .config = &configs[i] };
	secrets_group();
	assert_int_equal(outlets_open(&keeper, &e), 0);
	assert_int_equal(digests_take_over(&keeper, &e), 0);
	keeper_take_over(&keeper, now);
}

/* After each test. */
static inline int secrets_free(void **state)
{
	(void)state;
	groups_free(&keeper);
	bytes_free(&keeper.digests);
	world_free();
	return 0;
}

#endif
