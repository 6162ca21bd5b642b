// SPDX-License-Identifier: Apache-2.0
/* The keys of a secret that name its sinks other than files, and its hooks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "names.h"
#include "parser.h"

typedef int read_word(struct parser *p, const struct key *key, struct config_secret *secret,
		      char *word);

static struct config_secret *secret_last(const struct parser *p)
{
	return &p->config->secret[p->config->count - 1];
}

/* Call @read for each word of @value, which has white space between them. */
static int each_word(struct parser *p, const struct key *key, const char *value, read_word *read)
{
	char text[PARSER_LINE_MAX + 1], *save = NULL;
	int ret = 0;

	if (!*value)
		return parser_fail(p, key->name, "is empty");
	snprintf(text, sizeof(text), "%s", value);
	for (char *word = strtok_r(text, " \t", &save); word && ret == 0;
	     word = strtok_r(NULL, " \t", &save))
		ret = read(p, key, secret_last(p), word);
	return ret;
}

/* Make room for an element of @size bytes after @count of them in @list. */
static void *list_room(struct parser *p, const struct key *key, void *list, size_t count,
		       size_t size)
{
	if (count == CONFIG_LIST_MAX) {
		parser_fail(p, key->name, "more than %d are given", CONFIG_LIST_MAX);
		return NULL;
	}
	if (!list)
		list = calloc(CONFIG_LIST_MAX, size);
	if (!list)
		parser_memory(p);
	return list;
}

/* --- keys of the kernel ---------------------------------------------------------------------- */

static const char *const types[] = {
	[CONFIG_KEY_USER] = "user:",
	[CONFIG_KEY_LOGON] = "logon:",
	[CONFIG_KEY_BIG] = "big_key:",
};

void config_key_text(const struct config_secret *secret, char text[CONFIG_KEY_TEXT_MAX])
{
	if (secret->key && secret->key_name)
		snprintf(text, CONFIG_KEY_TEXT_MAX, "%s%s", types[secret->key], secret->key_name);
	else
		*text = '\0';
}

int config_read_key(struct parser *p, const struct key *key, const char *value, void *field)
{
	struct config_secret *secret = secret_last(p);

	(void)field;
	for (size_t i = CONFIG_KEY_USER; i < ARRAY_SIZE(types); i++) {
		const char *name = value + strlen(types[i]), *fault;

		if (strncmp(value, types[i], strlen(types[i])) != 0)
			continue;
		fault = names_key_fault((enum config_key_type)i, name);
		if (fault)
			return parser_fail(p, key->name, "'%s' %s", value, fault);
		secret->key = (enum config_key_type)i;
		return parser_store(p, name, &secret->key_name);
	}
	return parser_fail(p, key->name,
			   "'%s' is not TYPE:DESCRIPTION with one of the types user, logon, "
			   "big_key",
			   value);
}

/* --- credentials and volumes ----------------------------------------------------------------- */

static int read_credential(struct parser *p, const struct key *key, struct config_secret *secret,
			   char *word)
{
	struct config_credential *list, *new;
	char *colon = strrchr(word, ':');
	const char *id = colon ? colon + 1 : secret->name, *fault;

	/* The name of a unit may contain ':', an ID may not. */
	if (colon)
		*colon = '\0';
	fault = names_unit_fault(word, NAMES_LOADS);
	if (fault)
		return parser_fail(p, key->name, "'%s' %s", word, fault);
	fault = names_credential_fault(id);
	if (fault)
		return parser_fail(p, key->name, "the ID '%s' of a credential %s", id, fault);
	if (strlen(word) + strlen(id) > NAMES_CREDENTIAL_MAX)
		return parser_fail(p, key->name,
				   "'%s:%s' has more than %d bytes without the ':', too many for "
				   "systemd to ask for it",
				   word, id, NAMES_CREDENTIAL_MAX);
	list = list_room(p, key, secret->credential, secret->credentials, sizeof(*list));
	if (!list)
		return -1;
	secret->credential = list;
	new = &list[secret->credentials++];
	return parser_store(p, word, &new->unit) < 0 ? -1 : parser_store(p, id, &new->id);
}

int config_read_credentials(struct parser *p, const struct key *key, const char *value, void *field)
{
	(void)field;
	return each_word(p, key, value, read_credential);
}

static int read_volume(struct parser *p, const struct key *key, struct config_secret *secret,
		       char *word)
{
	const char *fault = names_volume_fault(word);
	char **list;

	if (fault)
		return parser_fail(p, key->name, "'%s' %s", word, fault);
	list = list_room(p, key, secret->volume, secret->volumes, sizeof(*list));
	if (!list)
		return -1;
	secret->volume = list;
	return parser_store(p, word, &list[secret->volumes++]);
}

int config_read_volumes(struct parser *p, const struct key *key, const char *value, void *field)
{
	(void)field;
	return each_word(p, key, value, read_volume);
}

/* --- the local API --------------------------------------------------------------------------- */

static int read_peer(struct parser *p, const struct key *key, struct config_secret *secret,
		     char *word)
{
	static const char *const kinds[] = {
		[CONFIG_PEER_UID] = "uid:",
		[CONFIG_PEER_GID] = "gid:",
		[CONFIG_PEER_UNIT] = "unit:",
		[CONFIG_PEER_CONTAINER] = "container:",
	};
	struct config_allow *list;
	const char *name = NULL, *fault = NULL;
	size_t kind;

	for (kind = 0; kind < ARRAY_SIZE(kinds) && !name; kind++)
		if (!strncmp(word, kinds[kind], strlen(kinds[kind])))
			name = word + strlen(kinds[kind]);
	kind--;
	if (!name || !*name)
		return parser_fail(p, key->name,
				   "'%s' is not one of uid:USER, gid:GROUP, unit:UNIT, "
				   "container:UNIT",
				   word);
	if (kind == CONFIG_PEER_UNIT || kind == CONFIG_PEER_CONTAINER)
		fault = names_unit_fault(name, NAMES_RUNS);
	if (fault)
		return parser_fail(p, key->name, "'%s' %s", word, fault);
	for (size_t i = 0; i < secret->allows; i++)
		if (secret->allow[i].kind == kind && !strcmp(secret->allow[i].name, name))
			return parser_fail(p, key->name, "'%s' is given twice", word);
	list = list_room(p, key, secret->allow, secret->allows, sizeof(*list));
	if (!list)
		return -1;
	secret->allow = list;
	list[secret->allows].kind = (enum config_peer)kind;
	return parser_store(p, name, &list[secret->allows++].name);
}

int config_read_allow(struct parser *p, const struct key *key, const char *value, void *field)
{
	(void)field;
	return each_word(p, key, value, read_peer);
}

/* --- hooks ----------------------------------------------------------------------------------- */

static int hook_add(struct parser *p, const struct key *key, struct config_secret *secret,
		    enum config_action action, const char *unit)
{
	const char *fault = names_unit_fault(unit, NAMES_ANY);
	struct config_hook *list;

	if (fault)
		return parser_fail(p, key->name, "'%s' %s", unit, fault);
	for (size_t i = 0; secret->hook && i < secret->hooks; i++)
		if (secret->hook[i].action == action && !strcmp(secret->hook[i].unit, unit))
			return parser_fail(p, key->name, "'%s' is given twice", unit);
	list = list_room(p, key, secret->hook, secret->hooks, sizeof(*list));
	if (!list)
		return -1;
	secret->hook = list;
	list[secret->hooks].action = action;
	return parser_store(p, unit, &list[secret->hooks++].unit);
}

static int read_reload(struct parser *p, const struct key *key, struct config_secret *secret,
		       char *word)
{
	return hook_add(p, key, secret, CONFIG_RELOAD, word);
}

static int read_restart(struct parser *p, const struct key *key, struct config_secret *secret,
			char *word)
{
	return hook_add(p, key, secret, CONFIG_RESTART, word);
}

/* Units and signals take turns: the last unit still has no signal, or this is the next one. */
static int read_signal(struct parser *p, const struct key *key, struct config_secret *secret,
		       char *word)
{
	struct config_hook *last = secret->hooks ? &secret->hook[secret->hooks - 1] : NULL;

	if (!last || last->action != CONFIG_SIGNAL || last->signal)
		return hook_add(p, key, secret, CONFIG_SIGNAL, word);
	last->signal = names_signal(word);
	if (last->signal)
		return 0;
	return parser_fail(p, key->name,
			   "'%s' is not a signal, such as HUP, USR1 or a number from 1 to 31",
			   word);
}

static int read_signals(struct parser *p, const struct key *key, const char *value)
{
	const struct config_secret *secret = secret_last(p);

	if (each_word(p, key, value, read_signal) < 0)
		return -1;
	if (secret->hook[secret->hooks - 1].signal)
		return 0;
	return parser_fail(p, key->name, "'%s' has no signal after it",
			   secret->hook[secret->hooks - 1].unit);
}

int config_read_hooks(struct parser *p, const struct key *key, const char *value, void *field)
{
	(void)field;
	if (!strcmp(key->name, "signal"))
		return read_signals(p, key, value);
	return each_word(p, key, value, strcmp(key->name, "reload") ? read_restart : read_reload);
}
