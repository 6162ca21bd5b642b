// SPDX-License-Identifier: Apache-2.0
/*
 * The input is a file in PEM form: a private key, the CA certificates of a courier, the public key of an
 * administrator, and the certificate and key of trusteed, which are divided by a NUL.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "courier/tls.h"
#include "fuzz.h"
#include "jose/tee_key.h"
#include "kbs/ca_file.h"
#include "trusteed/http/tls_current.h"
#include "trusteed/http/tls_files.h"
#include "trusteed/store/admins.h"
#include "trusteed/store/ear_cert.h"

/* A file with these contents; its name goes to @path. */
static int file_make(struct part part, char path[32])
{
	int fd = memfd_create("fuzz", 0);

	must(fd >= 0);
	must(write(fd, part.data, part.size) == (ssize_t)part.size);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static void key_read(struct part part)
{
	struct tee_key key = TEE_KEY_INIT, again = TEE_KEY_INIT;
	struct bytes pem = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret = tee_key_from_pem(&key, part.data, part.size, &e);

	must_explain(ret, &e);
	if (ret == 0) {
		must(tee_key_to_pem(&key, &pem, &e) == 0);
		must(tee_key_from_pem(&again, pem.data, pem.len, &e) == 0);
		must(EVP_PKEY_eq(key.pkey, again.pkey) == 1);
	}
	bytes_free(&pem);
	tee_key_free(&again);
	tee_key_free(&key);
}

static void ca_read(struct part part)
{
	struct tls tls = TLS_INIT;
	X509_STORE *store;
	struct bytes ca = BYTES_INIT;
	struct error e = ERROR_INIT, e2 = ERROR_INIT;
	char path[32];
	int fd = file_make(part, path);

	must_explain(ca_file_read(path, &ca, &e), &e);
	must(tls_prepare(&tls, &e2) == 0);
	store = tls_store(&ca, &e2);
	must_explain(store ? 0 : -1, &e2);
	X509_STORE_free(store);
	e2 = (struct error)ERROR_INIT;
	must_explain(tls_identify(&tls, &ca, &ca, &e2), &e2);
	tls_close(&tls);
	bytes_free(&ca);
	close(fd);
}

static void server_read(struct part cert, struct part key)
{
	struct tls_files files = TLS_FILES_INIT;
	struct error e = ERROR_INIT;
	char cert_path[32], key_path[32];
	int cert_fd = file_make(cert, cert_path), key_fd = file_make(key, key_path);

	must_explain(tls_files_read(&files, cert_path, key_path, &e), &e);
	if (e.kind == ERROR_NONE)
		must(tls_current_set(&files, &e) == 0);
	tls_current_clear();
	tls_files_free(&files);
	close(cert_fd);
	close(key_fd);
}

/* The certificates of the key that signs EARs. */
static void chain_read(struct part cert, struct part pem)
{
	struct tee_key key = TEE_KEY_INIT;
	struct error e = ERROR_INIT;
	json_t *x5c;

	if (tee_key_from_pem(&key, pem.data, pem.size, &e) == 0) {
		x5c = ear_cert_chain(cert.data, cert.size, key.pkey, &e);
		must_explain(x5c ? 0 : -1, &e);
		json_decref(x5c);
	}
	tee_key_free(&key);
}

/* The public key of an administrator. */
static void admin_read(struct part part)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	EVP_PKEY *key;

	bytes_set(&text, part.data, part.size);
	key = admins_key(&text, &e);
	must_explain(key ? 0 : -1, &e);
	EVP_PKEY_free(key);
	bytes_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part input = { data, size }, first;

	bytes_lock_optional(true);
	key_read(input);
	ca_read(input);
	admin_read(input);
	first = part_until(&input, '\0');
	server_read(first, input);
	chain_read(first, input);
	return 0;
}
