/* SPDX-License-Identifier: Apache-2.0 */
/* rsi_source: what a source of the realm's data implements, and its errors. For this folder, and for a program
 * that has a list of sources of its own. */
#ifndef REALMKEY_RSI_SOURCE_H
#define REALMKEY_RSI_SOURCE_H

#include "rsi.h"

#define RSI_TOKEN_MAX ((size_t)64 << 10)

struct nl_sock;

struct rsi_source {
	const char *name;
	/* 1 if it is open, 0 if this source is not there, -1 with @e for any other failure. */
	int (*open)(struct rsi *rsi, struct error *e);
	void (*close)(struct rsi *rsi);
	int (*config)(struct rsi *rsi, struct rsi_config *config, struct error *e);
	int (*measurement)(struct rsi *rsi, unsigned int index, uint8_t value[HASH_SIZE_MAX],
			   size_t *size, struct error *e);
	int (*extend)(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
		      const struct rsi_event *event, uint64_t *seq, struct error *e);
	int (*log)(struct rsi *rsi, struct bytes *log, struct error *e);
	int (*token)(struct rsi *rsi, const uint8_t challenge[REALM_CHALLENGE_SIZE],
		     struct bytes *token, uint64_t *records, struct error *e);
};

struct rsi {
	const struct rsi_source *source;
	int fd;		      /* device */
	struct nl_sock *sock; /* netlink */
	int family;
};

/*
 * The sources that a program has, in the order in which they are tried, ended by NULL. The library has two lists,
 * rsi_sources.c with all of them and rsi_device_only.c; a program that links neither defines its own.
 */
extern const struct rsi_source *const rsi_source_list[];

/* Turn @error, an errno that the kernel returned at @where, into an error that says what to do.
 * Returns -1. */
int rsi_source_error(int error, const char *where, struct error *e);
/* Say why the source @source, or any source if it is NULL, is not there. Returns -1. */
int rsi_source_absent(const char *source, struct error *e);
/* Set config->hash to the algorithm with RSI's number @number. -1 if there is none, or if its
 * digests do not have @digest_size bytes. */
int rsi_source_hash(unsigned int number, size_t digest_size, struct rsi_config *config,
		    struct error *e);

#endif
