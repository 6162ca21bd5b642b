/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/cca-rsi, for the tests */
#ifndef DEVICE_H
#define DEVICE_H

#include <linux/cca_rsi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEVICE_PATH    "/dev/cca-rsi"
#define CHALLENGE_SIZE CCA_RSI_CHALLENGE_SIZE
#define REGISTERS      5
#define TOKEN_ROOM     65536

/* Opens the device with @flags (O_RDONLY ...); ends the program if it cannot. */
int device_open(int flags);

/* The number of ioctl @cmd with a structure of @size bytes */
unsigned long device_cmd_sized(unsigned long cmd, size_t size);

/* Each opens and closes the device; false, with a note, if anything fails. */
bool device_config(struct cca_rsi_config *config);
bool device_measurement(uint32_t index, struct cca_rsi_measurement *value);
bool device_token(const uint8_t *challenge, uint8_t *token, size_t *size);

/* Extends with @digest (of the realm's size) and no event; returns what ioctl() returns. */
int device_extend(int fd, uint32_t index, const uint8_t *digest);

/* Fills @challenge with CHALLENGE_SIZE random bytes. */
void challenge_random(uint8_t *challenge);

#endif /* DEVICE_H */
