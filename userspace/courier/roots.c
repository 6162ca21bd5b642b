// SPDX-License-Identifier: Apache-2.0
#include "roots.h"

#include <unistd.h>

#include "base/array.h"
#include "base/io.h"

#define BUNDLE_MAX ((size_t)4 << 20)

static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch, Alpine */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
	"/etc/ssl/ca-bundle.pem",	      /* SUSE */
	"/etc/ssl/cert.pem",
};

int roots_load(struct bytes *pem, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(bundles); i++)
		if (access(bundles[i], R_OK) == 0)
			return io_read_file(bundles[i], BUNDLE_MAX, pem, e);
	return error_set(e, ERROR_TLS,
			 "this machine has no CA certificates; give the KBS's CA "
			 "(--ca, or ca under [kbs])");
}
