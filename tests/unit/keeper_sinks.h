/* SPDX-License-Identifier: Apache-2.0 */
/* keeper_sinks: a keeper of keeper_secrets.h whose secrets have other places, set by a test, than a file each. */
#ifndef TESTS_KEEPER_SINKS_H
#define TESTS_KEEPER_SINKS_H

#include "keeper_secrets.h"

#define TEMPLATE "app/env"

static struct template template;
static char *names[] = { (char *)"user", (char *)"password", (char *)"cert", (char *)"json" };
static char *paths[] = { (char *)"user", (char *)"password", (char *)"cert", (char *)"json" };

static inline int name_find(void *context, const char *name, size_t len)
{
	(void)context;
	for (int i = 0; i < 4; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], name, len))
			return i;
	return -1;
}

static inline void template_make(const char *text)
{
	struct error e = ERROR_INIT;

	template_free(&template);
	if (template_parse(&template, text, strlen(text), name_find, NULL, &e) < 0)
		fail_msg("%s", e.text);
}

static inline int setup(void **state)
{
	(void)state;
	secrets_make(names, paths, 100 * MINUTES);
	return 0;
}

static inline int teardown(void **state)
{
	template_free(&template);
	return secrets_free(state);
}

/* The configuration has been changed: begin with it. */
static inline void begin(void)
{
	own_files();
	if (template.count)
		file_add(TEMPLATE, CONFIG_NO_SECRET, &template);
	secrets_next();
	bytes_clear(&logged);
}

static inline void pass(void)
{
	world.asked[0] = world.put[0] = world.keys[0] = world.hooks[0] = '\0';
	keeper_run(&keeper, now);
	assert_null(keeper_age(&keeper, now));
	keeper_plan(&keeper, now, UINT32_MAX);
	keeper_publish(&keeper, now);
	for (int i = 0; i < 4; i++)
		assert_null(secrets[i].value.data);
}

static inline void pass_when_due(void)
{
	assert_true(keeper_next(&keeper) != RETRY_NEVER);
	now = keeper_next(&keeper);
	pass();
}

static inline void is(const char *has, const char *expected)
{
	assert_string_equal(has, expected);
}

static inline const char *content(const char *path)
{
	for (size_t i = 0; i < world.files; i++)
		if (!strcmp(world.file[i].name, path))
			return world.file[i].content;
	fail_msg("%s is not declared", path);
	return NULL;
}

static inline void status_is(const char *text)
{
	char status[256];

	keeper_status(&keeper, status, sizeof(status));
	assert_string_equal(status, text);
}

/* Secret number @i has a kernel key and no file. */
static inline void key_only(int i)
{
	configs[i].file = NULL;
	configs[i].key = CONFIG_KEY_LOGON;
	configs[i].key_name = (char *)"realmkey:x";
}

#endif
