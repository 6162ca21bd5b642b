// SPDX-License-Identifier: Apache-2.0
/* realmkeyd --check --online: what the KBS says about each secret. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "privilege.h"
#include "secrets/confine.h"
#include "secrets/keeper.h"
#include "serve.h"

/* An empty directory that is removed already: the keeper's names end in its keyring, and here there is
 * none. */
static int nowhere_open(struct error *e)
{
	char path[] = "/tmp/realmkeyd.XXXXXX";
	int fd = -1;

	if (mkdtemp(path)) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rmdir(path);
	}
	return fd < 0 ? error_set_errno(e, ERROR_SYSTEM, "%s", path) : fd;
}

/* Open what the keeper opens, except the keyring, and give up the same rights. */
static int online_begin(struct keeper *keeper, const struct settings *settings,
			const struct keeper_options *options, struct error *e)
{
	int nowhere, ret;

	keeper->settings = settings;
	keeper->has_user = confine_identity(&keeper->identity);
	if (confine_begin(e) < 0 || keeper_open_realm(keeper, e) < 0 ||
	    keeper_open_courier(keeper, options->courier, e) < 0)
		return -1;
	nowhere = nowhere_open(e);
	if (nowhere < 0)
		return -1;
	ret = confine_finish(nowhere, &keeper->identity, 0, e);
	close(nowhere);
	return ret;
}

/* Request one secret. Returns 0, or -1 after the reason was printed. */
static int secret_ask(struct keeper *keeper, const struct config_secret *secret, struct error *e)
{
	struct bytes plain = BYTES_LOCKED_INIT;
	int ret = session_get(&keeper->session, secret->resource, &plain, e);

	bytes_free(&plain);
	if (ret == 0)
		printf("%s: %s: the KBS releases it\n", secret->name, secret->resource);
	else
		printf("%s: %s: %s: %s\n", secret->required ? "error" : "warning", secret->name,
		       secret->resource, e->text);
	return ret;
}

/* Returns the error of the first required secret, or no error. */
static void secrets_ask(struct keeper *keeper, struct error *e)
{
	const struct config *config = &keeper->settings->config;
	bool explained = false;

	for (size_t i = 0; i < config->count && !keeper_lost(keeper); i++) {
		struct error inner = ERROR_INIT;

		if (secret_ask(keeper, &config->secret[i], &inner) == 0)
			continue;
		if (inner.kind == ERROR_POLICY && !explained) {
			fflush(stdout);
			keeper_log_denial(keeper);
			explained = true;
		}
		if (config->secret[i].required && e->kind == ERROR_NONE)
			*e = inner;
	}
}

int keeper_ask(const struct settings *settings, const struct keeper_options *options)
{
	const bool root = geteuid() == 0; /* confine_finish() changes that */
	struct keeper keeper = KEEPER_INIT;
	struct error e = ERROR_INIT;

	if (online_begin(&keeper, settings, options, &e) < 0) {
		privilege_explain(root, &e);
		printf("error: %s\n", e.text);
	} else if (session_attest(&keeper.session, &e) < 0) {
		printf("error: attestation: %s\n", e.text);
	} else {
		printf("attestation: the KBS accepts this realm\n");
		secrets_ask(&keeper, &e);
	}
	session_close(&keeper.session);
	fflush(stdout);
	return error_exit_code(&e);
}
