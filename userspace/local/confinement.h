/* SPDX-License-Identifier: Apache-2.0 */
/* confinement: what acceptor and reader give up once they have started. */
#ifndef REALMKEY_CONFINEMENT_H
#define REALMKEY_CONFINEMENT_H

#include "base/error.h"

/* The acceptor stays root, without a capability, because the configuration may be readable for root only. It may read the
 * directory of @config, an absolute path, the files with the names of users and groups, /proc, and the keyring, which is
 * the current directory: there it has the rights of any other user. */
int confinement_acceptor(const char *config, struct error *e);
/* The reader becomes SERVED_USER. It may read the keyring, which is its root afterwards. */
int confinement_reader(struct error *e);

#endif
