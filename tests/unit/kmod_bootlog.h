/* SPDX-License-Identifier: Apache-2.0 */
/* kmod_bootlog: the kernel module's parser of firmware's log, compiled for this machine. */
#ifndef TESTS_KMOD_BOOTLOG_H
#define TESTS_KMOD_BOOTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;

#include "../../kmod/bootlog.c"

#endif
