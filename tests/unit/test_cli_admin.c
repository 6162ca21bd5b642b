// SPDX-License-Identifier: Apache-2.0
/*
 * realmkey admin with a server of the test's: what each sub-command sends, byte for byte as Trustee's own client
 * does, and what it makes of the answers of Trustee, of trusteed and of neither. And the tokens that it signs.
 */
#include "base/array.h"
#include "cli_run.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "jose/jwt.h"

#define ERROR_URL    "https://github.com/confidential-containers/kbs/errors/"
#define REQUEST_MAX  8192
#define SERVED_MAX   2
#define POLICY	     "package policy\n"
#define POLICY_TEXT  "cGFja2FnZSBwb2xpY3kK" /* POLICY as base64url */
#define VALUE_TEXT   "eyJuIjpbIngiXX0="	    /* {"n":["x"]} as base64 */
#define CORIM_TEXT   "2QH1gA=="		    /* the bytes of the file "corim" */
#define TOKEN_HEADER "Authorization: Bearer ab.cd.ef\r\n"

/* --- the server ------------------------------------------------------------------------------ */

/* In memory that the server's process shares: the requests that came. */
static struct {
	char request[SERVED_MAX][REQUEST_MAX];
	int served;
} *seen;

static char url[64];

/* Read a request with its body into @request. */
static void request_read(int fd, char request[REQUEST_MAX])
{
	size_t len = 0, body = 0;
	const char *end = NULL, *length;
	ssize_t n;

	while (!end || strlen(end + 4) < body) {
		n = read(fd, request + len, REQUEST_MAX - 1 - len);
		if (n <= 0)
			return;
		len += (size_t)n;
		request[len] = '\0';
		end = strstr(request, "\r\n\r\n");
		length = strcasestr(request, "\r\nContent-Length: ");
		if (end && length && length < end)
			body = strtoul(length + 18, NULL, 10);
	}
}

/* An answer: "STATUS BODY". */
static void answer_write(int fd, const char *answer)
{
	const char *body = strchr(answer, ' ') + 1;

	dprintf(fd, "HTTP/1.1 %.3s x\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", answer,
		strlen(body), body);
}

/* Serve one connection for each of @answer, which ends with NULL. */
static _Noreturn void server_run(int listener, const char *const *answer)
{
	for (; *answer; answer++) {
		int fd = accept(listener, NULL, NULL);

		request_read(fd, seen->request[seen->served++]);
		answer_write(fd, *answer);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
	_exit(0);
}

static pid_t server_start(const char *const *answer)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(address);
	pid_t pid;

	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(address.sin_port));
	memset(seen, 0, sizeof(*seen));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		server_run(listener, answer);
	close(listener);
	return pid;
}

/* Run `realmkey admin` with @word against a server that gives @answer. */
static void admin_run(const char *const *word, const char *const *answer)
{
	const char *words[24] = { "admin" };
	pid_t server = server_start(answer);
	size_t count = 1;

	while (*word)
		words[count++] = *word++;
	words[count++] = "--url";
	words[count++] = url;
	words[count++] = "--insecure";
	words[count++] = "--admin-token-file";
	words[count++] = scratch("token");
	cli_run(NULL, 0, words);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

static int set_up(void **state)
{
	if (scratch_make(state) < 0)
		return -1;
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	scratch_write("token", "ab.cd.ef\n", 9);
	scratch_write("policy", POLICY, strlen(POLICY));
	scratch_write("corim", "\xd9\x01\xf5\x80", 4);
	scratch_write("empty", "", 0);
	return seen == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "token", "policy", "corim",  "empty", "key",
					     "out",   "public", "locked", NULL };

	(void)state;
	return scratch_remove(names);
}

/* A word "@name" of a table is the path of that file. */
static void words_of(const char *const *in, const char **out)
{
	for (; *in; in++)
		*out++ = **in == '@' ? scratch(*in + 1) : *in;
	*out = NULL;
}

/* --- requests -------------------------------------------------------------------------------- */

static void test_requests(void **state)
{
	static const struct {
		const char *word[8], *answer, *line, *body, *printed;
	} cases[] = {
		{ { "set-attestation-policy", "--policy-file", "@policy" },
		  "200 ",
		  "POST /kbs/v0/attestation-policy HTTP/1.1\r\n",
		  "{\"type\":\"rego\",\"policy_id\":\"default_cpu\",\"policy\":\"" POLICY_TEXT
		  "\"}",
		  "attestation policy default_cpu set\n" },
		{ { "set-attestation-policy", "--policy-file", "@policy", "--id", "default_gpu",
		    "--type", "opa" },
		  "200 ",
		  "POST /kbs/v0/attestation-policy HTTP/1.1\r\n",
		  "{\"type\":\"opa\",\"policy_id\":\"default_gpu\",\"policy\":\"" POLICY_TEXT "\"}",
		  "attestation policy default_gpu set\n" },
		{ { "set-resource-policy", "--policy-file", "@policy" },
		  "200 ",
		  "POST /kbs/v0/resource-policy HTTP/1.1\r\n",
		  "{\"policy\":\"" POLICY_TEXT "\"}",
		  "policy set\n" },
		{ { "set-resource", "--path", "a/b/c", "--resource-file", "@policy" },
		  "200 ",
		  "POST /kbs/v0/resource/a/b/c HTTP/1.1\r\n",
		  POLICY,
		  "stored a/b/c\n" },
		{ { "delete-resource", "--path", "kbs:///a/b/c" },
		  "200 ",
		  "DELETE /kbs/v0/resource/a/b/c HTTP/1.1\r\n",
		  "",
		  "deleted kbs:///a/b/c\n" },
		{ { "set-reference-value", "--corim", "@corim" },
		  "200 ",
		  "POST /kbs/v0/reference-value HTTP/1.1\r\n",
		  "{\"version\":\"0.1.0\",\"type\":\"corim\",\"payload\":\"" CORIM_TEXT "\"}",
		  "endorsed the values of " },
		{ { "get-reference-value", "a.b/c d%\xc3\xa9" },
		  "200 [\"x\"]",
		  "GET /kbs/v0/reference-value/a.b/c%20d%25%C3%A9 HTTP/1.1\r\n",
		  "",
		  "[\n  \"x\"\n]\n" },
		{ { "get-reference-value", "n" },
		  "200 7",
		  "GET /kbs/v0/reference-value/n HTTP/1.1\r\n",
		  "",
		  "7\n" },
		{ { "get-policy", "--id", "default_cpu" },
		  "200 {\"policy_id\":\"default_cpu\",\"policy\":\"" POLICY_TEXT "\"}",
		  "GET /kbs/v0/attestation-policy/default_cpu HTTP/1.1\r\n",
		  "",
		  POLICY },
		{ { "get-policy", "--repository", "db" },
		  "200 {\"policy\":\"" POLICY_TEXT "\"}",
		  "GET /kbs/v0/resource-policy/db HTTP/1.1\r\n",
		  "",
		  POLICY },
		{ { "delete-policy", "--repository", "db" },
		  "200 ",
		  "DELETE /kbs/v0/resource-policy/db HTTP/1.1\r\n",
		  "",
		  "deleted resource-policy/db\n" },
		{ { "rotate-ear-key" },
		  "200 ",
		  "POST /kbs/v0/ear-key HTTP/1.1\r\n",
		  "",
		  "EARs are signed with a new key\n" },
		{ { "rotate-ear-key", "--withdraw" },
		  "200 ",
		  "DELETE /kbs/v0/ear-key HTTP/1.1\r\n",
		  "",
		  "EARs are signed with a new key, and those of earlier keys are refused\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *word[8];
		const char *body;

		words_of(cases[i].word, word);
		admin_run(word, (const char *const[]){ cases[i].answer, NULL });
		cli_went_well();
		cli_printed(cases[i].printed);
		if (strncmp(seen->request[0], cases[i].line, strlen(cases[i].line)) != 0)
			fail_msg("%s: %s", cases[i].word[0], seen->request[0]);
		assert_non_null(strstr(seen->request[0], TOKEN_HEADER));
		body = strstr(seen->request[0], "\r\n\r\n");
		assert_non_null(body);
		assert_string_equal(body + 4, cases[i].body);
	}
}

/* A value without a rule is endorsed with a warning. */
static void test_reference_value(void **state)
{
	static const char *const word[] = { "set-reference-value", "n", "x", NULL };
	static const char *const answer[] = { "200 ", NULL };

	(void)state;
	admin_run(word, answer);
	assert_int_equal(cli.code, 0);
	assert_string_equal(bytes_text(&cli.out), "endorsed n\n");
	assert_non_null(strstr(seen->request[0],
			       "\r\n\r\n{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":"
			       "\"" VALUE_TEXT "\"}"));
}

/* --- answers --------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
	static const struct {
		const char *word[8], *answer; /* "-": no request is sent */
		int code;
		const char *why;
	} cases[] = {
		{ { "set-attestation-policy", "--policy-file", "@policy" },
		  "401 {\"type\":\"" ERROR_URL
		  "AttestationError\",\"detail\":\"Attestation error: Set "
		  "Attestation Policy failed\"}",
		  12,
		  "its log has the cause" },
		{ { "set-resource-policy", "--policy-file", "@policy" },
		  "401 {\"type\":\"" ERROR_URL
		  "ParsePolicyError\",\"detail\":\"line 2, column 5: x\"}",
		  12,
		  "line 2, column 5" },
		{ { "set-resource-policy", "--policy-file", "@policy" },
		  "401 {\"type\":\"" ERROR_URL "AdminAuthAccess\",\"detail\":\"d\"}",
		  8,
		  "administrator's token refused" },
		{ { "delete-resource", "--path", "a/b/c" },
		  "404 {\"type\":\"" ERROR_URL "ResourceNotFound\",\"detail\":\"d\"}",
		  9,
		  "a/b/c: not found" },
		{ { "delete-resource", "--path", "a/b/c" }, "405 ", 11, "does not serve" },
		{ { "rotate-ear-key" },
		  "404 {\"type\":\"" ERROR_URL
		  "PluginNotFound\",\"detail\":\"Plugin ear-key not found\"}",
		  9,
		  "ear-key" },
		{ { "get-reference-value", "n" },
		  "401 {\"type\":\"" ERROR_URL "RvpsError\",\"detail\":\"RVPS configuration "
		  "failed: Failed to get reference_values: No reference value found for the given "
		  "id: n\"}",
		  9,
		  "n: nothing is endorsed under this name" },
		{ { "get-reference-value", "n" },
		  "401 {\"type\":\"" ERROR_URL "RvpsError\",\"detail\":\"down\"}",
		  12,
		  "down" },
		/* of neither server */
		{ { "get-reference-value", "n" }, "200 <html>", 11, "n: " },
		{ { "get-reference-value", "n" }, "200 ", 11, "n: " },
		{ { "list-policies" }, "200 {\"a\":1}", 11, "not a list" },
		{ { "list-policies" }, "200 [\"a\",1]", 11, "not a list" },
		{ { "list-policies" }, "200 <html>", 11, "resource-policy" },
		{ { "get-policy", "--id", "x" }, "200 [\"resource-policy\"]", 11, "policy" },
		{ { "get-policy", "--id", "x" }, "200 {\"policy\":\"a b\"}", 11, "policy" },
		{ { "delete-policy", "--id", "x" },
		  "404 {\"type\":\"" ERROR_URL "PolicyNotFound\",\"detail\":\"x\"}",
		  9,
		  "attestation-policy/x: not found" },
		/* nothing is sent */
		{ { "get-reference-value", "a//b" }, "-", 2, "empty" },
		{ { "get-reference-value", "../b" }, "-", 2, "dot" },
		{ { "get-reference-value", "" }, "-", 2, "empty" },
		{ { "delete-resource" }, "-", 2, "--path is required" },
		{ { "delete-resource", "--path", "a/b" }, "-", 2, "repository/type/tag" },
		{ { "set-attestation-policy" }, "-", 2, "--policy-file is required" },
		{ { "set-attestation-policy", "--policy-file", "@policy", "--id", "../x" },
		  "-",
		  2,
		  "--id" },
		{ { "set-attestation-policy", "--policy-file", "@empty" }, "-", 12, "empty" },
		{ { "set-reference-value", "--corim", "@empty" }, "-", 12, "empty" },
		{ { "set-reference-value", "--corim", "@corim", "n", "v" }, "-", 2, "alone" },
		{ { "set-resource-policy", "--deny-all", "--repository", "a/b" },
		  "-",
		  2,
		  "--repository" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *word[8];
		char name[64];

		words_of(cases[i].word, word);
		admin_run(word, (const char *const[]){
					*cases[i].answer == '-' ? "200 " : cases[i].answer, NULL });
		snprintf(name, sizeof(name), "admin %s", word[0]);
		cli_refused(cases[i].code, name, cases[i].why);
		assert_int_equal(seen->served, *cases[i].answer != '-');
	}
}

static void test_list_policies(void **state)
{
	static const char none[] = "404 {\"type\":\"" ERROR_URL
				   "PluginNotFound\",\"detail\":\"d\"}";
	static const char *const word[] = { "list-policies", NULL };

	(void)state;
	admin_run(word, (const char *const[]){ "200 [\"resource-policy\",\"db\"]",
					       "200 [\"default_cpu\"]", NULL });
	cli_went_well();
	cli_printed("{\n  \"attestation\": [\n    \"default_cpu\"\n  ],\n  \"resource\": [\n    "
		    "\"resource-policy\",\n    \"db\"\n  ]\n}\n");
	/* Trustee of 2026 has no list of attestation policies, that of 2025 answers with the policy. */
	admin_run(word, (const char *const[]){ "200 " POLICY_TEXT, none, NULL });
	assert_int_equal(cli.code, 0);
	cli_printed(
		"{\n  \"attestation\": null,\n  \"resource\": [\n    \"resource-policy\"\n  ]\n}\n");
	assert_non_null(strstr(bytes_text(&cli.err), "does not list"));
}

/* A Trustee would set the policy of all repositories, so it is asked first whether it is one. */
static void test_policy_of_a_repository(void **state)
{
	static const char none[] = "404 {\"type\":\"" ERROR_URL
				   "PluginNotFound\",\"detail\":\"d\"}";
	static const char denied[] = "401 {\"type\":\"" ERROR_URL
				     "AdminAuthAccess\",\"detail\":\"d\"}";
	static const char *const word[] = {
		"set-resource-policy", "--policy-file", NULL, "--repository", "db", NULL
	};
	static const char *const first[] = { "200 [\"default\"]", denied, "405 " };
	const char *words[ARRAY_SIZE(word)];

	(void)state;
	memcpy(words, word, sizeof(word));
	words[2] = scratch("policy");
	admin_run(words, (const char *const[]){ none, "200 ", NULL });
	cli_refused(9, "admin set-resource-policy", "nothing was changed");
	assert_int_equal(seen->served, 1);
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		words[2] = scratch("policy");
		admin_run(words, (const char *const[]){ first[i], "200 ", NULL });
		cli_went_well();
		cli_printed("policy of db set\n");
		assert_non_null(strstr(seen->request[1], "\r\n\r\n{\"policy\":\"" POLICY_TEXT
							 "\",\"policy_id\":\"db\"}"));
	}
}

/* --- tokens ---------------------------------------------------------------------------------- */

/* Makes a key, writes it to "key", encrypted if @cipher is not NULL. */
static EVP_PKEY *key_make(const char *type, const char *group, const EVP_CIPHER *cipher)
{
	EVP_PKEY *key = group		     ? EVP_PKEY_Q_keygen(NULL, NULL, type, group) :
			!strcmp(type, "RSA") ? EVP_PKEY_Q_keygen(NULL, NULL, type, (size_t)2048) :
					       EVP_PKEY_Q_keygen(NULL, NULL, type);
	FILE *file = fopen(scratch("key"), "w");

	assert_true(key && file);
	assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, cipher, cipher ? "pass" : NULL,
						   cipher ? 4 : 0, NULL, NULL),
			 1);
	fclose(file);
	return key;
}

static void token_check(EVP_PKEY *key, const char *role, const char *issuer, int64_t days)
{
	struct bytes text = BYTES_INIT;
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;
	const long long now = time(NULL);
	long long expires;
	struct stat st;

	assert_int_equal(io_read_file(scratch("out"), 65536, &text, &e), 0);
	assert_int_equal(stat(scratch("out"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(jwt_decode(text.data, text.len, &jwt, &e), 0);
	assert_int_equal(jwt_verify(&jwt, key, &e), 0);
	assert_int_equal(jwt_check_times(&jwt, now, 0, NULL, &e), 0);
	expires = json_integer_value(json_object_get(jwt.payload, "exp"));
	assert_in_range(expires - now, (days * 86400) - 60, days * 86400);
	assert_string_equal(json_string_value(json_object_get(jwt.payload, "role")), role);
	if (issuer)
		assert_string_equal(json_string_value(json_object_get(jwt.payload, "iss")), issuer);
	else
		assert_null(json_object_get(jwt.payload, "iss"));
	jwt_free(&jwt);
	bytes_free(&text);
}

static void test_make_token(void **state)
{
	static const char *const keys[][2] = {
		{ "ED25519", NULL }, { "EC", "P-256" }, { "EC", "P-384" }, { "RSA", NULL }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		EVP_PKEY *key = key_make(keys[i][0], keys[i][1], NULL);

		CLI("admin", "make-token", "--key", scratch("key"), "--output", scratch("out"));
		cli_went_well();
		assert_int_equal(cli.out.len, 0);
		token_check(key, "admin", NULL, 30);
		CLI("admin", "make-token", "--key", scratch("key"), "--output", scratch("out"),
		    "--days", "2", "--role", "tenant", "--issuer", "us", "--audience", "kbs");
		cli_went_well();
		token_check(key, "tenant", "us", 2);
		EVP_PKEY_free(key);
	}
}

/* What is no key that can sign is named, and nothing of it is printed. */
static void test_make_token_refused(void **state)
{
	(void)state;
	unlink(scratch("out"));
	EVP_PKEY_free(key_make("EC", "P-521", NULL));
	CLI("admin", "make-token", "--key", scratch("key"), "--output", scratch("out"));
	cli_refused(12, "admin make-token", "neither Ed25519, P-256, P-384 nor RSA");
	EVP_PKEY_free(key_make("ED25519", NULL, EVP_aes_256_cbc()));
	CLI("admin", "make-token", "--key", scratch("key"), "--output", scratch("out"));
	cli_refused(12, "admin make-token", "not an unencrypted private key");
	CLI("admin", "make-token", "--key", scratch("policy"), "--output", scratch("out"));
	cli_refused(12, "admin make-token", "not an unencrypted private key");
	CLI("admin", "make-token", "--key", scratch("none"), "--output", scratch("out"));
	cli_refused(12, "admin make-token", "none");
	CLI("admin", "make-token", "--output", scratch("out"));
	cli_refused(2, "admin make-token", "--key and --output are required");
	CLI("admin", "make-token", "--key", scratch("key"), "--output", scratch("out"), "--days",
	    "0");
	cli_refused(2, "admin make-token", "--days");
	assert_int_equal(access(scratch("out"), F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_reference_value),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_list_policies),
		cmocka_unit_test(test_policy_of_a_repository),
		cmocka_unit_test(test_make_token),
		cmocka_unit_test(test_make_token_refused),
	};

	return cmocka_run_group_tests_name("cli of an operator", tests, set_up, tear_down);
}
