/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varlink: the requests and replies of realmkey-local's API socket (varlink.org), for both ends. A message is one JSON
 * object, and a NUL byte after it, which the functions below neither read nor write. This file does no I/O.
 */
#ifndef REALMKEY_SINKS_VARLINK_H
#define REALMKEY_SINKS_VARLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "served.h"

#define VARLINK_SOCKET	    "/run/realmkey/api.sock"
#define VARLINK_INTERFACE   "io.realmkey.Secrets"
#define VARLINK_REQUEST_MAX ((size_t)4 << 10) /* bytes */
#define VARLINK_VALUE_MAX   ((size_t)1 << 20) /* bytes of a secret */
/* Bytes of the longest reply: a value as base64, and less than 64 bytes around it. */
#define VARLINK_REPLY_MAX ((VARLINK_VALUE_MAX + 2) / 3 * 4 + 64)

enum varlink_method {
	VARLINK_GET,
	VARLINK_LIST,
	VARLINK_GET_INFO,	 /* of org.varlink.service */
	VARLINK_GET_DESCRIPTION, /* likewise */
};

struct varlink_request {
	enum varlink_method method;
	bool oneway; /* no reply is sent */
	char name
		[SERVED_NAME_MAX]; /* VARLINK_GET: of the secret; "" if no secret can have that name */
	int64_t wait_ms;	   /* VARLINK_GET: how long the client waits; -1: not given */
	const char *description; /* VARLINK_GET_DESCRIPTION: of the interface */
};

/* What varlink_request_decode() returns besides -1. */
enum varlink_decoded {
	VARLINK_REQUEST, /* @request is set */
	VARLINK_REPLY, /* there is no such method or parameter: @reply is the error to send; it is empty if the
			  * client expects none */
};

/* Read a request of @len bytes at @text. -1 with an ERROR_PROTOCOL if it is not a call of varlink: then the connection
 * cannot be used any more; or if memory is exhausted. */
int varlink_request_decode(const void *text, size_t len, struct varlink_request *request,
			   struct bytes *reply, struct error *e);
/* Append a call of Get. A negative @wait_ms is left out. */
int varlink_get_encode(const char *name, int64_t wait_ms, struct bytes *out, struct error *e);

/* Append a reply. That of Get, with @len bytes @value, uses no memory but @out, which is locked. */
void varlink_value_encode(const void *value, size_t len, struct bytes *out);
int varlink_names_encode(const char *const *name, size_t count, struct bytes *out, struct error *e);
int varlink_info_encode(struct bytes *out, struct error *e);
int varlink_description_encode(const char *description, struct bytes *out, struct error *e);
/* Append an error of Get: PermissionDenied, for which @reason is NULL, or NotDelivered. */
int varlink_error_encode(const char *reason, struct bytes *out, struct error *e);

/* Read the reply to Get, and append the value to @value, which is locked; no other memory holds a part of it.
 * PermissionDenied is an ERROR_POLICY, NotDelivered an ERROR_DELIVERY with its reason, anything else an
 * ERROR_PROTOCOL. */
int varlink_value_decode(const void *text, size_t len, struct bytes *value, struct error *e);

#endif
