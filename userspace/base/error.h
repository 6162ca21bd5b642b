/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error: what failed, at which step, and whether trying again can help.
 *
 * The innermost function that knows the cause sets the error once, with error_set(). Callers may
 * add where it happened, with error_add(), and never replace it. The one exception is
 * error_reclassify(), for a caller that knows where the input came from. A function of the library
 * that can fail has a struct error as its last argument, and returns -1 (or NULL) after it has set
 * it.
 */
#ifndef REALMKEY_ERROR_H
#define REALMKEY_ERROR_H

#include <stdbool.h>

enum error_kind {
	ERROR_NONE,
	ERROR_SYSTEM,	   /* the operating system or memory */
	ERROR_USAGE,	   /* arguments of a program */
	ERROR_CONFIG,	   /* configuration file */
	ERROR_NO_REALM,	   /* this machine is not a realm */
	ERROR_NETWORK,	   /* no connection, time-out, name not found */
	ERROR_TLS,	   /* certificate or handshake */
	ERROR_ATTESTATION, /* evidence or token refused */
	ERROR_POLICY,	   /* denied by the resource policy */
	ERROR_NOT_FOUND,   /* no such resource */
	ERROR_DELIVERY,	   /* the secret could not be put in its place */
	ERROR_PROTOCOL,	   /* an answer of the KBS is malformed */
	ERROR_INPUT,	   /* a file or argument given to be read is malformed or too large */
	ERROR_NO_DRIVER,   /* a realm without the requested interface (module not loaded) */
	ERROR_ANY,	   /* only for error_reclassify() */
};

#define ERROR_TEXT_MAX 1024

struct error {
	enum error_kind kind;
	bool transient;	   /* trying again can help */
	bool memory;	   /* out of memory */
	bool machine;	   /* this machine failed: error_reclassify() changes nothing */
	unsigned int wait; /* seconds that the KBS asks to wait before a further try, or 0 */
	char text[ERROR_TEXT_MAX]; /* one line without newline; never a secret */
};

#define ERROR_INIT { 0 }

/* Set @e and return -1, so that a caller can write `return error_set(...)`. The formatted text may
 * quote a hostile answer, so it is cleaned as by error_text_clean(). */
int error_set(struct error *e, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* As error_set(), for a failure after which trying again can help. */
int error_set_transient(struct error *e, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* As error_set() with ": strerror(errno)" appended. If memory or descriptors are exhausted or a device
 * failed (ENOMEM, ENOBUFS, EMFILE, ENFILE, EIO), the kind is ERROR_SYSTEM whatever @kind is, and stays
 * so. errno is not changed. */
int error_set_errno(struct error *e, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Out of memory: an ERROR_SYSTEM that error_reclassify() does not change. */
int error_set_memory(struct error *e);
/* Add "where: " before the text of an error that is already set; returns -1. */
int error_add(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Append to the text of an error that is already set; returns -1. */
int error_append(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Turn an error of kind @from (or ERROR_ANY) into one of kind @to, because the caller knows more
 * than the function that failed: bad input for a general decoder is a malformed answer if the KBS
 * sent it. An error of another kind stays as it is, and so does one of this machine, such as
 * "out of memory", because it is never a verdict on the input. Returns -1. */
int error_reclassify(struct error *e, enum error_kind from, enum error_kind to);

/* Make @text safe to print: each byte of a control character, of a character that reorders or hides
 * text, and of invalid UTF-8 becomes '?'. For text from outside that is printed without an
 * error. */
void error_text_clean(char *text);

/* The exit status of a program that ends with this error: 0, 1 system, 2 usage, 3 config, 4 no
 * realm, 5 network, 6 TLS, 7 attestation refused, 8 policy refused, 9 not found, 10 delivery
 * failed, 11 malformed answer, 12 malformed or too large input, 13 no driver. */
int error_exit_code(const struct error *e);

#endif
