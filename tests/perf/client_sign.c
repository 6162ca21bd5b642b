// SPDX-License-Identifier: Apache-2.0
/*
 * client_sign: reads a challenge from standard input and writes a token over it to standard output, with the keys in
 * $REALM_HERE (tests/cli/realm_here.c). The RMM of client_realm.c.
 */
#include <unistd.h>

#include "base/io.h"
#include "rsi/rsi.h"

int main(void)
{
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	struct bytes token = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct rsi *rsi = rsi_open(NULL, &e);

	if (!rsi || io_read_full(STDIN_FILENO, challenge, sizeof(challenge), &e) < 0 ||
	    rsi_token_get(rsi, challenge, &token, NULL, &e) < 0)
		return 1;
	return io_write_full(STDOUT_FILENO, token.data, token.len, &e) < 0;
}
