/* SPDX-License-Identifier: Apache-2.0 */
/* event_type: the TCG event types by name (PC Client Platform Firmware Profile, section 10.4.1). */
#ifndef REALMKEY_EVENT_TYPE_H
#define REALMKEY_EVENT_TYPE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/* The types that this tree writes or looks for. */
#define EVENT_TYPE_NO_ACTION 3U
#define EVENT_TYPE_TAG	     6U	 /* the event is a TCG_PCClientTaggedEvent */
#define EVENT_TYPE_IPL	     13U /* the event has no defined form */

/* "EV_IPL" and so on, or NULL. Static. */
const char *event_type_name(uint32_t type);
/* Append the names of all types that extend a register, in lines of at most 80 columns. */
void event_types_print(struct bytes *out);
/* Read a name, in upper or lower case, or a number, decimal or with 0x. Anything else is an
 * ERROR_USAGE, and so is EV_NO_ACTION, because a record of that type extends nothing. */
int event_type_parse(const char *text, uint32_t *type, struct error *e);

#endif
