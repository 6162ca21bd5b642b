/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as bytes: whatever the bytes are, they are calls of the module's doors; few make sense. */
#ifndef CALLS_H
#define CALLS_H

#include <stdbool.h>
#include <stdint.h>

#define CALLS_MAX 4
#define CALL_BYTES 124

/* In seeds as numbers: new ones go to the end. */
enum door { DOOR_NONE, DOOR_IOCTL, DOOR_NETLINK, DOOR_READ, DOOR_FAKE, DOOR_SYSFS, DOOR_REPORT, DOORS };

struct call {
	uint8_t door;
	uint8_t nr;
	uint8_t size;
	uint8_t flags;
	uint8_t bytes[CALL_BYTES];
};

struct input {
	struct call calls[CALLS_MAX];
};

/* Opens the doors; false if one of them, other than those a module or kernel may lack, is not there. */
bool calls_open(void);
void calls_close(void);

/* Does @input change the RMM of the calls after it? Then calls_run() makes it an honest one again. */
bool calls_lie(const struct input *input);
void calls_run(const struct input *input);

#endif /* CALLS_H */
