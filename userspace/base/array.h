/* SPDX-License-Identifier: Apache-2.0 */
/* array: the number of elements of an array. */
#ifndef REALMKEY_ARRAY_H
#define REALMKEY_ARRAY_H

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
