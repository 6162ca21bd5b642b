// SPDX-License-Identifier: Apache-2.0
#include "realm.h"

#include <stddef.h>

const char *realm_register_name(unsigned int index)
{
	static const char *const names[REALM_REGISTERS] = { "RIM", "REM0", "REM1", "REM2", "REM3" };

	return index < REALM_REGISTERS ? names[index] : NULL;
}
