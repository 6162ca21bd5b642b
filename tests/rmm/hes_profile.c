/* SPDX-License-Identifier: Apache-2.0 */
#include "hes_profile.h"

#include <string.h>

const struct hes_profile hes_profiles[] = {
	{ .name = "legacy", .platform = "http://arm.com/CCA-SSD/1.0.0", .raw_rak = true },
	{ .name = "2023",
	  .platform = "tag:arm.com,2023:cca_platform#1.0.0",
	  .realm = "tag:arm.com,2023:realm#1.0.0" },
	{ .name = "2024",
	  .platform = "tag:arm.com,2024:cca_platform#2.0.0",
	  .realm = "tag:arm.com,2024:realm#2.0.0",
	  .client_id = true,
	  .instance_id = true },
	{ .name = "2026",
	  .platform = "tag:arm.com,2026:cca_platform#2.0.0",
	  .realm = "tag:arm.com,2026:realm#2.0.0",
	  .client_id = true,
	  .workload_binding = true,
	  .instance_id = true },
	{ .name = "unknown",
	  .platform = "tag:arm.com,2099:cca_platform#9.0.0",
	  .realm = "tag:arm.com,2099:realm#9.0.0" },
	{ 0 },
};

int hes_profile_find(const char *name, size_t length)
{
	for (int i = 0; hes_profiles[i].name; i++) {
		if (strlen(hes_profiles[i].name) == length &&
		    !memcmp(hes_profiles[i].name, name, length))
			return i;
	}
	return -1;
}
