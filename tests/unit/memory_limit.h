/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_limit: makes one chosen allocation fail, of those in the program's own code, in OpenSSL
 * and in jansson. A test that uses it is linked with memory_limit.c and memory_limit_args
 * (meson.build).
 */
#ifndef TESTS_MEMORY_LIMIT_H
#define TESTS_MEMORY_LIMIT_H

#include <stdbool.h>
#include <stddef.h>

/* Call first in main(), before OpenSSL allocates anything. */
void memory_limit_setup(void);

/* From now on @count allocations succeed, the next one fails, and all after it succeed. */
void memory_limit_start(size_t count);
/* End that. Returns whether an allocation failed. */
bool memory_limit_stop(void);

#endif
