/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_log: a line for each secret that was read, and for each refusal: who, what, when (the log adds the time), with which
 * result. In the journal it has fields (systemd's JOURNAL_NATIVE_PROTOCOL); elsewhere it is one line on standard error.
 */
#ifndef REALMKEY_ACCESS_LOG_H
#define REALMKEY_ACCESS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "peer/peer.h"

enum access_sink { ACCESS_CREDENTIAL, ACCESS_VOLUME, ACCESS_API };
enum access_result {
	ACCESS_GIVEN,
	ACCESS_REFUSED, /* by the configuration, or because the client could not be identified */
	ACCESS_FAILED,	/* not delivered in time, or the client has gone */
};

struct access {
	enum access_sink sink;
	enum access_result result;
	const char *secret; /* NULL: none is known */
	const char *
		wanted; /* what the client named: "nginx.service/db", a volume, a secret; it may come from outside */
	const char *reason; /* NULL: none */
	const struct peer *peer;
};

/* Before this process is confined: connect to the journal at @path if standard error leads there. */
void access_log_open(const char *path);
/* Log @access. After ACCESS_LOG_REFUSALS refusals within 10 s, further ones are only counted, and the count is logged. */
void access_log(const struct access *access);
#define ACCESS_LOG_REFUSALS 200

/* Append the line, without a newline; and the entry for the journal. */
void access_log_line(const struct access *access, struct bytes *out);
void access_log_entry(const struct access *access, const char *line, struct bytes *out);

#endif
