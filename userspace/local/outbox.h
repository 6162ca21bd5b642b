/* SPDX-License-Identifier: Apache-2.0 */
/* outbox: what is still to be written to a client, without waiting for it. */
#ifndef REALMKEY_OUTBOX_H
#define REALMKEY_OUTBOX_H

#include <stddef.h>

#include "base/bytes.h"

/*
 * Bytes that no credential may have: systemd fails the unit, instead of starting it with an empty or a partial credential. The
 * end of the stream alone would be an empty credential, and there is no other answer (systemd#27373). The limit is 1 MiB, and
 * 1 MiB and 128 KiB if the credential is encrypted.
 */
#define OUTBOX_EXCESS (((size_t)1 << 20) + ((size_t)256 << 10))

struct outbox {
	struct bytes text;
	size_t done;   /* bytes of it that were written */
	size_t excess; /* zeros to write after it */
};

enum outbox_result { OUTBOX_DONE, OUTBOX_WAITS, OUTBOX_GONE };

/* Write as much to the socket @fd as it accepts now. OUTBOX_GONE: the client has closed it. */
enum outbox_result outbox_write(struct outbox *out, int fd);
/* Wipe and drop all of it. */
void outbox_free(struct outbox *out);

#endif
