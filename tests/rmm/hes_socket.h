/* SPDX-License-Identifier: Apache-2.0 */
/* The unix sockets of hes: one for machines, one for commands. */
#ifndef HES_SOCKET_H
#define HES_SOCKET_H

/*
 * hes_socket_listen - listen at @path, with access for this user only
 *
 * A socket on which no process listens is replaced.
 *
 * Returns a file descriptor, or -1 after a line on stderr.
 */
int hes_socket_listen(const char *path, int backlog);

#endif
