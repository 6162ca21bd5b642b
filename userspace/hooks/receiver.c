// SPDX-License-Identifier: Apache-2.0
#include "receiver.h"

#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "sinks/server.h"

/* The keeper sends nothing else. So it was taken over, or is not of this version; and what it sends may be secret. */
static _Noreturn void keeper_refuse(const struct sinks_message *m)
{
	struct error e = ERROR_INIT;

	error_set(&e, ERROR_PROTOCOL,
		  "the keeper has sent a message of type %d, which is not for realmkey-hooks: "
		  "connection closed",
		  m->type);
	_exit(log_failure(&e));
}

static int number_pass(int caller, uint32_t number, struct error *e)
{
	/* Whole, or not at all: it is shorter than PIPE_BUF. */
	if (write(caller, &number, sizeof(number)) == (ssize_t)sizeof(number))
		return 0;
	if (errno == EAGAIN)
		return error_set_transient(e, ERROR_DELIVERY,
					   "realmkey-hooks: too many changes wait for systemd");
	return error_set_errno(e, ERROR_DELIVERY, "realmkey-hooks: its other process");
}

/* sinks_serve() has refused a number that is not that of a secret. */
static int message_handle(void *context, const struct sinks_message *m, struct error *e)
{
	const int *caller = context;

	if (m->type != SINKS_CHANGED)
		keeper_refuse(m);
	return number_pass(*caller, m->number, e);
}

int receiver_run(int keeper, int caller, const struct settings *settings, struct error *e)
{
	const uint8_t no_keys[CONFIG_SECRETS_MAX] = { 0 };
	const struct sinks_service service = {
		.digest = settings->text_digest,
		.have = no_keys,
		.have_len = settings->config.count,
		.handle = message_handle,
		.context = &caller,
	};

	return sinks_serve(keeper, &service, e);
}
