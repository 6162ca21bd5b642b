/* SPDX-License-Identifier: Apache-2.0 */
/* Each thing that can be asked of the module, as a valid request through one of its doors. */
#ifndef OPS_H
#define OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any request to the netlink family, and for an answer. */
#define OPS_MESSAGE_MAX 8192
#define OPS_MAX 32

struct op {
	const char *name;
	/* What the call stands on and no fault is to hit; false if this kernel or module has no such thing. */
	bool (*begin)(void);
	/* As a system call: 0, or -1 and errno. */
	int (*call)(void);
	void (*end)(void);
	/* Has registers read, and fails if the RMM does not tell them. */
	bool reads;
};

extern const struct op ops[];
extern const size_t ops_count;

/* A generic netlink socket and the family's number, or -1. */
int ops_socket(void);
int ops_family(void);

/* A socket that is told of each extension, or -1. */
int ops_listener(void);

/*
 * Sends @size bytes of attributes at @attrs as command @cmd to @family, takes all answers. As a system
 * call; no answer at all is EAGAIN.
 */
int ops_request(int sock, int family, uint8_t cmd, uint16_t flags, const void *attrs, size_t size);

#endif /* OPS_H */
