/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RMM_ARRAY_H
#define RMM_ARRAY_H

/* ARRAY_SIZE - how many elements @array has; not for a pointer */
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#endif
