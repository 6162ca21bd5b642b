// SPDX-License-Identifier: Apache-2.0
/*
 * The courier in its sandbox, and what glibc's resolver reads or asks while the system changes it: files
 * that are replaced, made later or removed, modules, scoped addresses. The process has its own mount and
 * network namespaces, an /etc of its own, and a DNS server.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "courier_test.h"
#include "refuse.h"

static const char *obstacle; /* the reason why tests cannot run here, or NULL */
static pid_t dns;

/* --- this machine ----------------------------------------------------------------------------- */

static void file_write(const char *path, const char *mode, const char *contents)
{
	FILE *f = fopen(path, mode);
	bool written = f && fputs(contents, f) >= 0;

	if (f)
		written = fclose(f) == 0 && written;
	assert_true(written);
}

/* Set the file @name in /etc as tools do: a new file is renamed over the old one. */
static void etc_put(const char *name, const char *contents)
{
	char path[64];

	file_write("/etc/new", "w", contents);
	snprintf(path, sizeof(path), "/etc/%s", name);
	assert_int_equal(rename("/etc/new", path), 0);
}

static void etc_clear(void)
{
	static const char *const names[] = { "hosts", "resolv.conf", "nsswitch.conf", "gai.conf",
					     "host.conf" };
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/etc/%s", names[i]);
		unlink(path);
	}
}

static int interface_request(int family, unsigned long request, void *arg)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret = ioctl(fd, request, arg);

	close(fd);
	return ret;
}

/* lo with fe80::1, a link-local address. */
static int loopback_up(void)
{
	struct in6_ifreq address = { .ifr6_addr.s6_addr = { 0xfe, 0x80, [15] = 1 },
				     .ifr6_prefixlen = 64 };
	struct ifreq lo = { .ifr_name = "lo" };

	lo.ifr_flags = IFF_UP | IFF_RUNNING;
	if (interface_request(AF_INET, SIOCSIFFLAGS, &lo) < 0)
		return -1;
	address.ifr6_ifindex = (int)if_nametoindex("lo");
	return interface_request(AF_INET6, SIOCSIFADDR, &address);
}

/* Answers each A query with 127.0.0.1, and each other query with an empty answer. */
static _Noreturn void dns_serve(int fd)
{
	static const uint8_t record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1 };
	uint8_t message[512 + sizeof(record)];
	struct sockaddr_in from;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, message, 512, 0, (struct sockaddr *)&from, &size);
		size_t len = 12;

		if (n < 17)
			_exit(1);
		while (len < (size_t)n && message[len])
			len += message[len] + 1U;
		len += 5; /* the root's label, type, class */
		message[2] = 0x85;
		message[3] = 0x80;
		memset(message + 6, 0, 6);
		if (message[len - 3] == 1) {
			message[7] = 1;
			memcpy(message + len, record, sizeof(record));
			len += sizeof(record);
		}
		sendto(fd, message, len, 0, (const struct sockaddr *)&from, size);
	}
}

static void dns_start(void)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(53),
					     .sin_addr = { htonl(0x7f000035) } }; /* 127.0.0.53 */
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	dns = fork();
	if (dns == 0)
		dns_serve(fd);
	close(fd);
}

static int group_setup(void **state)
{
	(void)state;
	if (geteuid() != 0)
		obstacle = "not root";
	else if (unshare(CLONE_NEWNS | CLONE_NEWNET))
		obstacle = "cannot make namespaces";
	else if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) && errno != EINVAL)
		obstacle = "cannot make mounts private"; /* EINVAL: in a chroot, / is not a mount */
	else if (mount("test", "/etc", "tmpfs", 0, "mode=0755") ||
		 mount("test", "/run", "tmpfs", 0, "mode=0755"))
		obstacle = "cannot mount a tmpfs";
	else if (loopback_up())
		obstacle = "cannot configure the loopback interface";
	if (obstacle) {
		print_message("# skipped, these tests cannot run here: %s\n", obstacle);
		return 0;
	}
	dns_start();
	http_server_start(&plain, NULL);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	if (obstacle)
		return 0;
	http_server_stop(&plain);
	kill(dns, SIGKILL);
	waitpid(dns, NULL, 0);
	return 0;
}

/* --- tests, each with Landlock and without ------------------------------------------------------ */

static char url[64];

static void kbs_start(struct courier *courier)
{
	snprintf(url, sizeof(url), "http://kbs.test:%u", plain.port);
	start(courier,
	      (struct courier_target){ SERVER(url, NULL, 0), .insecure = true, .timeout = 30 });
}

static void expect_unknown(struct courier *courier)
{
	expect_failure(courier, "a/b/c", ERROR_NETWORK, true, "name not found");
}

static const char stub[] = "nameserver 127.0.0.53\noptions timeout:5\n";
static const char nobody[] = "nameserver 127.0.0.54\noptions timeout:1 attempts:1\n";

static void hosts_replaced(void)
{
	struct courier courier = COURIER_INIT;

	etc_put("resolv.conf", nobody);
	etc_put("hosts", "127.0.0.1 localhost\n");
	kbs_start(&courier);
	expect_unknown(&courier);
	etc_put("hosts", "127.0.0.1 kbs.test\n");
	expect_get(&courier, "a/b/c", "request=1\n");
	/* A new file with another address of a name that is known. */
	expect_failure(&courier, "a/b/silent", ERROR_NETWORK, true, "");
	etc_put("hosts", "127.0.0.2 kbs.test\n");
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true, "Connection refused");
	etc_put("hosts", "127.0.0.1 kbs.test\n");
	expect_get(&courier, "a/b/c", "request=1\n");
	courier_stop(&courier);
}

static void hosts_appears(void)
{
	struct courier courier = COURIER_INIT;

	etc_put("resolv.conf", nobody);
	kbs_start(&courier);
	expect_unknown(&courier);
	etc_put("hosts", "127.0.0.1 kbs.test\n");
	expect_get(&courier, "a/b/c", "request=1\n");
	courier_stop(&courier);
}

static void hosts_written_in_place(void)
{
	struct courier courier = COURIER_INIT;

	etc_put("resolv.conf", nobody);
	etc_put("hosts", "127.0.0.1 localhost\n");
	kbs_start(&courier);
	expect_unknown(&courier);
	file_write("/etc/hosts", "a", "127.0.0.1 kbs.test\n");
	expect_get(&courier, "a/b/c", "request=1\n");
	courier_stop(&courier);
}

static void resolv_conf_replaced(void)
{
	struct courier courier = COURIER_INIT;

	etc_put("resolv.conf", nobody);
	kbs_start(&courier);
	expect_unknown(&courier);
	etc_put("resolv.conf", stub);
	expect_get(&courier, "a/b/c", "request=1\n");
	courier_stop(&courier);
}

static void resolv_conf_appears(void)
{
	struct courier courier = COURIER_INIT;

	kbs_start(&courier);
	expect_unknown(&courier);
	etc_put("resolv.conf", stub);
	expect_get(&courier, "a/b/c", "request=1\n");
	courier_stop(&courier);
}

/* As systemd-resolved has it: a link, to a directory that is made later. */
static void resolv_conf_behind_a_link(void)
{
	static const char target[] = "/run/systemd/resolve/stub-resolv.conf";
	struct courier courier = COURIER_INIT;

	assert_int_equal(symlink("../run/systemd/resolve/stub-resolv.conf", "/etc/resolv.conf"), 0);
	kbs_start(&courier);
	expect_unknown(&courier);
	assert_int_equal(mkdir("/run/systemd", 0755) | mkdir("/run/systemd/resolve", 0755), 0);
	file_write(target, "w", stub);
	expect_get(&courier, "a/b/c", "request=1\n");
	courier_stop(&courier);
	unlink(target);
	rmdir("/run/systemd/resolve");
	rmdir("/run/systemd");
}

/* A server that is silent for longer than the request may take. The worker ends, and the next one works. */
static void dns_silent(void)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(53),
					     .sin_addr = { htonl(0x7f000037) } }; /* 127.0.0.55 */
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct courier courier = COURIER_INIT;
	int64_t began = clock_boot_ms();

	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	etc_put("resolv.conf", "nameserver 127.0.0.55\nnameserver 127.0.0.55\n"
			       "options timeout:30 attempts:5\nsearch a.test b.test\n");
	snprintf(url, sizeof(url), "http://kbs.test:%u", plain.port);
	start(&courier,
	      (struct courier_target){ SERVER(url, NULL, 0), .insecure = true, .timeout = 2 });
	for (int i = 0; i < 2; i++)
		expect_failure(&courier, "a/b/c", ERROR_NETWORK, true,
			       "timed out while looking up the name");
	assert_in_range(clock_boot_ms() - began, 2000, 4500);
	etc_put("hosts", "127.0.0.1 kbs.test\n");
	expect_get(&courier, "a/b/c", "request=1\n");
	courier_stop(&courier);
	close(fd);
}

/* A new worker knows what the old one knew: which KBS is avoided, because its name was looked up for too long,
 * and with which one the session is. */
static void workers_share_failures(void)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(53),
					     .sin_addr = { htonl(0x7f000038) } }; /* 127.0.0.56 */
	const struct message auth = { .type = MESSAGE_AUTH, .count = 1, .field = { text("{}") } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), status = 0;
	struct courier courier = COURIER_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	etc_put("resolv.conf", "nameserver 127.0.0.56\noptions timeout:30 attempts:5\n");
	start(&courier, (struct courier_target){
				.server = { { .url = "http://kbs.test" }, { .url = plain.url } },
				.servers = 2,
				.insecure = true,
				.timeout = 4 });
	assert_int_equal(courier_call(&courier, &auth, &status, &body, &e), -1);
	assert_non_null(strstr(e.text, "http://kbs.test: timed out while looking up the name"));
	assert_true(courier.failed);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(courier_call(&courier, &auth, &status, &body, &e), 0);
		assert_int_equal(courier.server, 1);
		etc_put("hosts", "127.0.0.1 kbs.test\n"); /* the worker ends */
		expect_get(&courier, "a/b/c", "request=1\n");
		assert_int_equal(courier.server, 1);
	}
	bytes_free(&body);
	courier_stop(&courier);
	close(fd);
}

/* Other services are modules and daemons: neither is asked, now or later. */
static void nsswitch_conf_replaced(void)
{
	struct courier courier = COURIER_INIT;

	etc_put("nsswitch.conf", "hosts: resolve [!UNAVAIL=return] myhostname nonexistent\n");
	etc_put("resolv.conf", stub);
	kbs_start(&courier);
	expect_get(&courier, "a/b/c", "request=1\n");
	expect_failure(&courier, "a/b/silent", ERROR_NETWORK, true, "");
	etc_put("nsswitch.conf", "hosts: mdns4_minimal [NOTFOUND=return] nonexistent\n");
	etc_put("gai.conf", "precedence ::ffff:0:0/96 100\nreload yes\n");
	etc_put("host.conf", "multi off\n");
	expect_get(&courier, "a/b/c", "request=1\n");
	courier_stop(&courier);
}

/* The handshake's cookie and connection survive a change between its requests. */
static void handshake_goes_on(void)
{
	const struct message cookie = { .type = MESSAGE_ADMIN,
					.count = 4,
					.field = { text("GET"), text("cookie"), text(""),
						   text("") } };
	const struct message attest = { .type = MESSAGE_ATTEST,
					.count = 1,
					.field = { text("{}") } };
	struct courier courier = COURIER_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status;

	etc_put("hosts", "127.0.0.1 kbs.test\n");
	kbs_start(&courier);
	assert_int_equal(courier_call(&courier, &cookie, &status, &body, &e), 0);
	etc_put("hosts", "127.0.0.1 kbs.test\n");
	assert_int_equal(courier_call(&courier, &attest, &status, &body, &e), 0);
	assert_non_null(strstr(bytes_text(&body), "request=2\n"));
	assert_non_null(strstr(bytes_text(&body), "kbs-session-id="));
	expect_get(&courier, "a/b/c", "request=1\n"); /* a new worker, on a new connection */
	bytes_free(&body);
	courier_stop(&courier);
}

/* Without the interface's number, the kernel refuses the address (EINVAL). */
static void link_local_address(void)
{
	struct courier courier = COURIER_INIT;

	start(&courier, (struct courier_target){ SERVER("http://[fe80::1%25lo]:9", NULL, 0),
						 .insecure = true, .timeout = 30 });
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true, "Connection refused");
	courier_stop(&courier);
}

static void run(void (*test)(void))
{
	int status;
	pid_t pid;

	if (obstacle)
		skip();
	etc_clear();
	test();
	etc_clear();
	pid = fork();
	if (pid == 0) {
		if (refuse(SCMP_SYS(landlock_create_ruleset), ENOSYS))
			_exit(1);
		test();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define TEST(name) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		run(name); \
	}

TEST(hosts_replaced)
TEST(hosts_appears)
TEST(hosts_written_in_place)
TEST(resolv_conf_replaced)
TEST(resolv_conf_appears)
TEST(resolv_conf_behind_a_link)
TEST(dns_silent)
TEST(workers_share_failures)
TEST(nsswitch_conf_replaced)
TEST(handshake_goes_on)
TEST(link_local_address)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts_replaced),
		cmocka_unit_test(test_hosts_appears),
		cmocka_unit_test(test_hosts_written_in_place),
		cmocka_unit_test(test_resolv_conf_replaced),
		cmocka_unit_test(test_resolv_conf_appears),
		cmocka_unit_test(test_resolv_conf_behind_a_link),
		cmocka_unit_test(test_dns_silent),
		cmocka_unit_test(test_workers_share_failures),
		cmocka_unit_test(test_nsswitch_conf_replaced),
		cmocka_unit_test(test_handshake_goes_on),
		cmocka_unit_test(test_link_local_address),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
