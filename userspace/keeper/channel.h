/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel: what the supervisor and the keeper of realmkeyd send each other, over a SOCK_SEQPACKET
 * socketpair: packets of fixed size, because both are the same program. The supervisor trusts nothing in a report: it
 * checks type and size, and cleans the text, which may quote a hostile KBS.
 */
#ifndef REALMKEY_CHANNEL_H
#define REALMKEY_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum channel_type {
	/* from the supervisor */
	CHANNEL_PING = 1, /* answered with CHANNEL_PONG between two requests to the KBS */
	CHANNEL_REFRESH,  /* answered with CHANNEL_DONE after the pass */
	/* from the keeper */
	CHANNEL_STARTED, /* it is confined, and has taken over the keyring */
	CHANNEL_FAILED,	 /* it could not start, or can get no further secret; it exits after this */
	CHANNEL_STALE, /* the same, because of a secret with on_stale = fail: the service must fail */
	CHANNEL_STATE, /* after each pass */
	CHANNEL_PONG,
	CHANNEL_DONE,
};

#define CHANNEL_ALL (-1)

struct channel_command {
	uint32_t type;
	uint32_t id;	/* returned in the answer */
	int32_t secret; /* of CHANNEL_REFRESH: its number in the configuration, or CHANNEL_ALL */
	uint32_t now;	/* of CHANNEL_REFRESH: 1: even what is not due */
};

#define CHANNEL_TEXT_MAX (ERROR_TEXT_MAX + 128)

struct channel_report {
	uint32_t type;
	uint32_t id; /* of CHANNEL_PONG and CHANNEL_DONE */
	uint32_t
		ready; /* of CHANNEL_STARTED, CHANNEL_STATE, CHANNEL_DONE: every required secret is there */
	uint32_t code; /* of CHANNEL_FAILED, CHANNEL_STALE, CHANNEL_DONE: an exit status */
	char text[CHANNEL_TEXT_MAX]; /* for people; ends with a NUL */
};

/* Send a packet. 0, or -1 if the other side is gone; @e is set. */
int channel_send_command(int fd, const struct channel_command *command, struct error *e);
int channel_send_report(int fd, enum channel_type type, uint32_t id, bool ready, int code,
			const char *text, struct error *e);
/* Receive a packet without waiting. 1; 0 if there is none; -1 if the other side is gone or sent something else. */
int channel_receive_command(int fd, struct channel_command *command, struct error *e);
int channel_receive_report(int fd, struct channel_report *report, struct error *e);

#endif
