/* SPDX-License-Identifier: Apache-2.0 */
/*
 * algorithms: which algorithms of OpenSSL a client can use. Its first fetch of a cipher, a key or a
 * decoder otherwise prepares all those of that kind, several hundred, and that is most of what the
 * start of a short program costs.
 */
#ifndef REALMKEY_ALGORITHMS_H
#define REALMKEY_ALGORITHMS_H

#include <stdbool.h>

enum algorithms {
	ALGORITHMS_TLS,	    /* for a client of TLS, and its certificates */
	ALGORITHMS_SECRETS, /* for the handshake with a KBS, and secrets */
};

/*
 * Make a library context of OpenSSL that has only these algorithms, and random bytes from
 * getrandom(2), the default of this thread. Returns false if OpenSSL fails, or if the thread's
 * context has the other algorithms. The context lives as long as the process; a further call does
 * nothing.
 */
bool algorithms_limit(enum algorithms which);

#endif
