/* SPDX-License-Identifier: Apache-2.0 */
/* Each operation of the module, as a valid call of one of its interfaces. */
#ifndef OPS_H
#define OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any request to the netlink family, and for any answer */
#define OPS_MESSAGE_MAX 8192
#define OPS_MAX		32

struct op {
	const char *name;
	/*
	 * Prepares the call, without faults; false if this kernel or module does not have the
	 * operation.
	 */
	bool (*begin)(void);
	/* Returns 0, or -1 and errno. */
	int (*call)(void);
	void (*end)(void);
	/* The operation reads registers, and fails if the RMM does not return them. */
	bool reads;
};

extern const struct op ops[];
extern const size_t ops_count;

/* A generic netlink socket and the family's number, or -1. */
int ops_socket(void);
int ops_family(void);

/* A socket that receives a notification of each extension, or -1. */
int ops_listener(void);

/*
 * Sends @size bytes of attributes at @attrs as command @cmd to @family and receives all answers.
 * Returns 0, or -1 and errno, which is EAGAIN if there is no answer.
 */
int ops_request(int sock, int family, uint8_t cmd, uint16_t flags, const void *attrs, size_t size);

#endif /* OPS_H */
