/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the module's user interfaces, encoded as bytes. Any bytes are an input; few make sense.
 */
#ifndef CALLS_H
#define CALLS_H

#include <stdbool.h>
#include <stdint.h>

#define CALLS_MAX  4
#define CALL_BYTES 124

/*
 * The seeds contain these numbers, so new ones go to the end. INTERFACE_FAKE is the fake RMM's
 * parameters.
 */
enum interface {
	INTERFACE_NONE,
	INTERFACE_IOCTL,
	INTERFACE_NETLINK,
	INTERFACE_READ,
	INTERFACE_FAKE,
	INTERFACE_SYSFS,
	INTERFACE_REPORT,
	INTERFACES,
};

struct call {
	uint8_t interface;
	uint8_t nr;
	uint8_t size;
	uint8_t flags;
	uint8_t bytes[CALL_BYTES];
};

struct input {
	struct call calls[CALLS_MAX];
};

/* Opens the interfaces; false if one is missing that every module and kernel has. */
bool calls_open(void);
void calls_close(void);

/*
 * Does @input make the fake RMM misbehave in the calls after it? Then calls_run() resets it at the
 * end.
 */
bool calls_change_rmm(const struct input *input);
void calls_run(const struct input *input);

#endif /* CALLS_H */
