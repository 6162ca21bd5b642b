/* SPDX-License-Identifier: Apache-2.0 */
/* program: a helper process that has a stream socket to this one, and nothing else of it. */
#ifndef REALMKEY_EXCHANGE_PROGRAM_H
#define REALMKEY_EXCHANGE_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Start the program @path with the arguments @argv. *@pid becomes its process, and *@fd our end of the socket, which is
 * close-on-exec and blocks; its own end is its descriptor @at, 0 or 3. It has no other open file: standard input unless
 * it is @at, standard output and standard error are /dev/null. Its environment is empty, so that no proxy, no
 * SSL_CERT_FILE and no LD_PRELOAD reaches it. It blocks and ignores no signal.
 *
 * Returns 0; or -1 and errno if there is no pair of sockets, and 1 and errno if @path was not started. Then *@pid is 0
 * and *@fd is -1.
 */
int program_start(const char *path, char *const argv[], int at, pid_t *pid, int *fd);

/*
 * Close *@fd and end the process *@pid, which become -1 and 0; -1 and 0 are none. It has nothing to save, so it is killed
 * at once. If we may not kill it (it runs as another user, and we lack CAP_KILL), it ends because its socket is closed,
 * unless it was taken over or loops; so that wait is limited to 2 s, and init reaps it later. Returns whether it has
 * ended, with its wait status in *@status, which may be NULL; a process that had begun to end by itself keeps its own.
 */
bool program_end(pid_t *pid, int *fd, int *status);

#endif
