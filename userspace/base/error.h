/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error: what failed, at which step, and whether trying again can help.
 *
 * The innermost function that knows the cause sets the error once with error_set(); callers may
 * add where it happened with error_add(), and never replace it. Every fallible function of the
 * library takes a struct error as its last argument and returns -1 (or NULL) when it has set it.
 */
#ifndef REALMKEY_ERROR_H
#define REALMKEY_ERROR_H

#include <stdbool.h>

enum error_kind {
	ERROR_NONE,
	ERROR_SYSTEM,		/* the operating system or memory */
	ERROR_USAGE,		/* arguments of a program */
	ERROR_CONFIG,		/* configuration file */
	ERROR_NO_REALM,		/* this machine is not a realm */
	ERROR_NETWORK,		/* no connection, time-out, name not found */
	ERROR_TLS,		/* certificate or handshake */
	ERROR_ATTESTATION,	/* evidence or token refused */
	ERROR_POLICY,		/* denied by the resource policy */
	ERROR_NOT_FOUND,	/* no such resource */
	ERROR_DELIVERY,		/* the secret could not be put in its place */
	ERROR_PROTOCOL,		/* an answer of the KBS is malformed */
	ERROR_INPUT,		/* a file or argument given to be read is malformed or too large */
	ERROR_NO_DRIVER,	/* a realm, but the interface asked for is not there (module not loaded) */
};

#define ERROR_TEXT_MAX 1024

struct error {
	enum error_kind kind;
	bool transient;			/* trying again can help */
	char text[ERROR_TEXT_MAX];	/* one line, no newline, no secret */
};

#define ERROR_INIT { 0 }

/* Set @e and return -1, so that a caller can write `return error_set(...)`. Control characters in
 * the formatted text (it may quote a hostile answer) become '?'. */
int error_set(struct error *e, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* As error_set(), and trying again can help. */
int error_set_transient(struct error *e, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* ERROR_SYSTEM (or @kind) with ": strerror(errno)" appended. */
int error_set_errno(struct error *e, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int error_set_memory(struct error *e);
/* Prefix "where: " to an error already set; returns -1. */
int error_add(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Make @text safe to print: control characters, those that reorder or hide text, and what is not
 * UTF-8 become '?', byte for byte. For text from outside that goes anywhere else than through the functions above. */
void error_text_clean(char *text);

/* The exit code a program ends with: 0, 1 system, 2 usage, 3 config, 4 no realm, 5 network, 6 TLS,
 * 7 attestation refused, 8 policy refused, 9 not found, 10 delivery failed, 11 malformed answer,
 * 12 malformed or too large input, 13 no driver. */
int error_exit_code(const struct error *e);
/* A short name of the kind for logs and --json ("policy", "tls", ...). */
const char *error_kind_name(enum error_kind kind);

#endif
