/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: a number of bytes to or from another process, until a deadline. It uses no system call but sendto() without
 * an address, recvfrom() and poll(). What an end means for the caller, and its text, is the caller's to say.
 */
#ifndef REALMKEY_EXCHANGE_STREAM_H
#define REALMKEY_EXCHANGE_STREAM_H

#include <stddef.h>
#include <stdint.h>

enum exchange_end {
	EXCHANGE_DONE, /* all bytes */
	EXCHANGE_LATE, /* the deadline passed first */
	EXCHANGE_CLOSED, /* the other process closed the connection first, maybe without reading all */
	EXCHANGE_FAILED,      /* see errno */
	EXCHANGE_POLL_FAILED, /* see errno; the other process cannot be the cause */
};

/* Send or receive exactly @len bytes over the stream socket @fd, which may block or not. @deadline: boot clock, ms;
 * nothing is done after it. SIGPIPE is not raised. */
enum exchange_end exchange_send(int fd, const void *data, size_t len, int64_t deadline);
enum exchange_end exchange_receive(int fd, void *data, size_t len, int64_t deadline);

#endif
