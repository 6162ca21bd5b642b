/* SPDX-License-Identifier: Apache-2.0 */
/* ca_file: the file with the CA certificates of a KBS. */
#ifndef REALMKEY_CA_FILE_H
#define REALMKEY_CA_FILE_H

#include "base/bytes.h"
#include "base/error.h"

/* Append the contents of the PEM file @path to @ca, for a courier_target. An empty file is an
 * ERROR_INPUT, because a courier that gets no CA certificates trusts the system's. The courier
 * checks the rest. */
int ca_file_read(const char *path, struct bytes *ca, struct error *e);

#endif
