/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader: the process that reads values, and writes them to clients. It decides nothing: the acceptor says which connection
 * gets which value. It holds the connections of systemd too, so that one that is open while the acceptor is killed has no
 * clean end.
 */
#ifndef REALMKEY_READER_H
#define REALMKEY_READER_H

#include "base/error.h"

#define READER_ANSWER_MS 10000 /* for a program to read its answer */
#define READER_CLIENTS	 64

/* Serve the acceptor at the other end of @channel until it ends, with the keyring as the current directory. Returns after each
 * connection that is held was failed. */
int reader_serve(int channel, struct error *e);

#endif
