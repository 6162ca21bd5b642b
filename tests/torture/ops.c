// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ops.h"
#include "kernel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/cca_rsi.h>
#include <linux/cca_rsi_netlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE	      "/dev/cca-rsi"
#define CONFIGFS      "/sys/kernel/config"
#define REPORT	      CONFIGFS "/tsm/report/torture"
#define REGISTER_FILE "/sys/devices/virtual/misc/cca-rsi/measurements/rem0:sha256"
#define DIGEST_SIZE   32

static int device = -1, sock = -1, listener = -1, family;
static uint8_t answer[OPS_MESSAGE_MAX * 4];
static uint8_t bytes[4096] = { 0x42 };

/* --- /dev/cca-rsi ---------------------------------------------------------------------------- */

static bool device_begin(void)
{
	device = open(DEVICE, O_RDWR | O_CLOEXEC);
	return device >= 0;
}

static void device_end(void)
{
	close(device);
}

static int device_open_call(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -1 : close(fd);
}

static int config_call(void)
{
	struct cca_rsi_config arg;

	return ioctl(device, CCA_RSI_CONFIG, &arg);
}

static int measurement_call(void)
{
	struct cca_rsi_measurement arg = { .index = 1 };

	return ioctl(device, CCA_RSI_MEASUREMENT, &arg);
}

static int extend_call(void)
{
	struct cca_rsi_extend arg = {
		.index = 2,
		.digest_size = DIGEST_SIZE,
		.event_type = 5,
		.event_size = sizeof(bytes),
		.event = (uintptr_t)bytes,
	};

	return ioctl(device, CCA_RSI_EXTEND, &arg);
}

static int token_call(void)
{
	struct cca_rsi_token arg = { .challenge = "torture" };
	ssize_t size;
	int saved;

	if (ioctl(device, CCA_RSI_TOKEN, &arg))
		return -1;
	size = lseek(arg.fd, 0, SEEK_END) < 0 || lseek(arg.fd, 0, SEEK_SET) < 0 ?
		       -1 :
		       read(arg.fd, answer, sizeof(answer));
	saved = errno;
	close(arg.fd);
	errno = size < 0 ? saved : EBADMSG;
	return size == (ssize_t)arg.size ? 0 : -1;
}

static bool log_begin(void)
{
	if (!device_begin())
		return false;
	if (read(device, answer, sizeof(answer)) > 0)
		return true;
	device_end();
	return false;
}

static int log_call(void)
{
	int fd = open(DEVICE, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t size;
	int saved;

	if (fd < 0)
		return -1;
	while ((size = read(fd, answer, sizeof(answer))) > 0)
		;
	saved = errno;
	close(fd);
	errno = saved;
	return size < 0 && saved != EAGAIN ? -1 : 0;
}

static int seek_call(void)
{
	struct pollfd waiting = { .fd = device, .events = POLLIN };

	return lseek(device, 0, SEEK_END) < 0 || lseek(device, 0, SEEK_SET) < 0 ||
			       poll(&waiting, 1, 0) != 1 ?
		       -1 :
		       0;
}

/* --- netlink --------------------------------------------------------------------------------- */

struct request {
	struct nlmsghdr head;
	struct genlmsghdr genl;
	uint8_t attrs[OPS_MESSAGE_MAX];
};

static size_t attr_add(uint8_t *attrs, size_t used, uint16_t type, const void *value, size_t size)
{
	struct nlattr attr = { .nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type };

	memcpy(attrs + used, &attr, sizeof(attr));
	memcpy(attrs + used + NLA_HDRLEN, value, size);
	return used + NLA_ALIGN(NLA_HDRLEN + size);
}

int ops_socket(void)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Receives one datagram. Returns 1 if more will come, 0 at the end, or -1 and errno. */
static int answer_take(int fd)
{
	ssize_t size = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	const struct nlmsghdr *head = (void *)answer;
	int error;

	if (size < 0)
		return -1;
	for (; NLMSG_OK(head, (size_t)size); head = NLMSG_NEXT(head, size)) {
		if (head->nlmsg_type != NLMSG_ERROR && head->nlmsg_type != NLMSG_DONE)
			continue;
		memcpy(&error, NLMSG_DATA(head), sizeof(error));
		errno = -error;
		return error < 0 ? -1 : 0;
	}
	return 1;
}

int ops_request(int fd, int to, uint8_t cmd, uint16_t flags, const void *attrs, size_t size)
{
	struct request request = {
		.head = { .nlmsg_type = (uint16_t)to,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags },
		.genl = { .cmd = cmd, .version = 1 },
	};
	int ret;

	if (size)
		memcpy(request.attrs, attrs, size);
	request.head.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + GENL_HDRLEN + size);
	if (send(fd, &request, request.head.nlmsg_len, 0) < 0)
		return -1;
	do {
		ret = answer_take(fd);
	} while (ret > 0);
	return ret;
}

/*
 * Finds the attribute of @type in the @size bytes at @attrs; @length receives its length. NULL if
 * there is none.
 */
static const uint8_t *attr_find(const uint8_t *attrs, size_t size, uint16_t type, size_t *length)
{
	struct nlattr attr;

	for (size_t at = 0; at + NLA_HDRLEN <= size; at += NLA_ALIGN(attr.nla_len)) {
		memcpy(&attr, attrs + at, sizeof(attr));
		if (attr.nla_len < NLA_HDRLEN || attr.nla_len > size - at)
			break;
		*length = attr.nla_len - NLA_HDRLEN;
		if (!type || (attr.nla_type & NLA_TYPE_MASK) == type)
			return attrs + at + NLA_HDRLEN;
	}
	return NULL;
}

/* Asks the controller about the family. Returns the size of the attributes, which are in answer. */
static size_t family_ask(void)
{
	struct request request = {
		.head = { .nlmsg_type = GENL_ID_CTRL, .nlmsg_flags = NLM_F_REQUEST },
		.genl = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
	};
	int fd = ops_socket();
	ssize_t size = -1;

	request.head.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + GENL_HDRLEN +
					    attr_add(request.attrs, 0, CTRL_ATTR_FAMILY_NAME,
						     CCA_RSI_FAMILY_NAME,
						     sizeof(CCA_RSI_FAMILY_NAME)));
	if (fd >= 0 && send(fd, &request, request.head.nlmsg_len, 0) > 0)
		size = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	close(fd);
	return size > (ssize_t)(NLMSG_HDRLEN + GENL_HDRLEN) ?
		       (size_t)size - NLMSG_HDRLEN - GENL_HDRLEN :
		       0;
}

int ops_family(void)
{
	size_t size = family_ask();
	const uint8_t *value = attr_find(answer + NLMSG_HDRLEN + GENL_HDRLEN, size,
					 CTRL_ATTR_FAMILY_ID, &size);
	uint16_t id;

	if (!value)
		return -1;
	memcpy(&id, value, sizeof(id));
	return id;
}

/* The number of the family's only multicast group */
static bool group_find(uint32_t *id)
{
	size_t size = family_ask();
	const uint8_t *at = answer + NLMSG_HDRLEN + GENL_HDRLEN;

	at = attr_find(at, size, CTRL_ATTR_MCAST_GROUPS, &size);
	at = at ? attr_find(at, size, 0, &size) : NULL;
	at = at ? attr_find(at, size, CTRL_ATTR_MCAST_GRP_ID, &size) : NULL;
	if (!at)
		return false;
	memcpy(id, at, sizeof(*id));
	return true;
}

int ops_listener(void)
{
	uint32_t group;
	int fd = ops_socket();

	if (fd >= 0 && group_find(&group) &&
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool netlink_begin(void)
{
	sock = ops_socket();
	return sock >= 0 && (family = ops_family()) > 0;
}

static void netlink_end(void)
{
	close(sock);
}

static int config_get_call(void)
{
	return ops_request(sock, family, CCA_RSI_CMD_CONFIG_GET, 0, NULL, 0);
}

static int measurement_get_call(void)
{
	uint8_t attrs[64];
	uint32_t index = 3;

	return ops_request(sock, family, CCA_RSI_CMD_MEASUREMENT_GET, 0, attrs,
			   attr_add(attrs, 0, CCA_RSI_A_MEASUREMENT_INDEX, &index, sizeof(index)));
}

static int measurement_dump_call(void)
{
	return ops_request(sock, family, CCA_RSI_CMD_MEASUREMENT_GET, NLM_F_DUMP, NULL, 0);
}

static int measurement_extend_call(void)
{
	static uint8_t attrs[OPS_MESSAGE_MAX];
	uint32_t index = 4, type = 5;
	size_t used;

	used = attr_add(attrs, 0, CCA_RSI_A_MEASUREMENT_INDEX, &index, sizeof(index));
	used = attr_add(attrs, used, CCA_RSI_A_MEASUREMENT_DIGEST, bytes, DIGEST_SIZE);
	used = attr_add(attrs, used, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, &type, sizeof(type));
	used = attr_add(attrs, used, CCA_RSI_A_MEASUREMENT_EVENT, bytes, sizeof(bytes));
	return ops_request(sock, family, CCA_RSI_CMD_MEASUREMENT_EXTEND, 0, attrs, used);
}

static int token_get_call(void)
{
	uint8_t attrs[128];

	return ops_request(sock, family, CCA_RSI_CMD_TOKEN_GET, NLM_F_DUMP, attrs,
			   attr_add(attrs, 0, CCA_RSI_A_TOKEN_CHALLENGE, bytes,
				    CCA_RSI_CHALLENGE_SIZE));
}

static int log_get_call(void)
{
	return ops_request(sock, family, CCA_RSI_CMD_LOG_GET, NLM_F_DUMP, NULL, 0);
}

static int log_get_from_call(void)
{
	uint8_t attrs[64];
	uint32_t first = 2;

	return ops_request(sock, family, CCA_RSI_CMD_LOG_GET, NLM_F_DUMP, attrs,
			   attr_add(attrs, 0, CCA_RSI_A_MEASUREMENT_SEQ, &first, sizeof(first)));
}

static bool listener_begin(void)
{
	listener = ops_listener();
	return device_begin() && netlink_begin() && listener >= 0;
}

static int listener_call(void)
{
	int ret = extend_call() ? -1 : measurement_extend_call(), saved = errno;

	/*
	 * Empty the buffer: a lost notification is not a failure, and a full buffer is not tested
	 * here.
	 */
	while (recv(listener, answer, sizeof(answer), MSG_DONTWAIT) > 0)
		;
	errno = saved;
	return ret;
}

static void listener_end(void)
{
	close(listener);
	device_end();
	netlink_end();
}

static bool log_get_begin(void)
{
	return netlink_begin() && log_get_call() == 0;
}

/* --- configfs, sysfs, the module itself ------------------------------------------------------ */

static bool report_begin(void)
{
	int fd;
	bool good;

	if (mkdir(REPORT, 0700))
		return false;
	fd = open(REPORT "/inblob", O_WRONLY | O_CLOEXEC);
	good = fd >= 0 && write(fd, bytes, CCA_RSI_CHALLENGE_SIZE) == CCA_RSI_CHALLENGE_SIZE;
	return fd >= 0 && close(fd) == 0 && good;
}

static int report_call(void)
{
	return kernel_read(REPORT "/outblob", (char *)answer, sizeof(answer)) > 0 ? 0 : -1;
}

static void report_end(void)
{
	rmdir(REPORT);
}

static bool sysfs_begin(void)
{
	return access(REGISTER_FILE, F_OK) == 0;
}

static int sysfs_read_call(void)
{
	return kernel_read(REGISTER_FILE, (char *)answer, sizeof(answer)) > 0 ? 0 : -1;
}

static int sysfs_write_call(void)
{
	int fd = open(REGISTER_FILE, O_WRONLY | O_CLOEXEC);
	int ret, saved;

	if (fd < 0)
		return -1;
	ret = write(fd, bytes, DIGEST_SIZE) == DIGEST_SIZE ? 0 : -1;
	saved = errno;
	close(fd);
	errno = saved;
	return ret;
}

static bool unload_begin(void)
{
	return access(DEVICE, F_OK) == 0;
}

/* The next begin() requires the module loaded, whether the fault prevented the unloading or not. */
static void load_again(void)
{
	if (access(DEVICE, F_OK))
		kernel_module_load();
}

static bool load_begin(void)
{
	return kernel_module_unload() == 0;
}

static void nothing_end(void)
{
}

const struct op ops[] = {
	{ "open and close", device_begin, device_open_call, device_end, false },
	{ "ioctl CONFIG", device_begin, config_call, device_end, false },
	{ "ioctl MEASUREMENT", device_begin, measurement_call, device_end, true },
	{ "ioctl EXTEND", device_begin, extend_call, device_end, true },
	{ "ioctl TOKEN and reading it", device_begin, token_call, device_end, true },
	{ "reading the log", log_begin, log_call, device_end, true },
	{ "seeking in the log, and polling it", device_begin, seek_call, device_end, false },
	{ "netlink config-get", netlink_begin, config_get_call, netlink_end, false },
	{ "netlink measurement-get", netlink_begin, measurement_get_call, netlink_end, true },
	{ "netlink measurement-get, dump", netlink_begin, measurement_dump_call, netlink_end,
	  true },
	{ "netlink measurement-extend", netlink_begin, measurement_extend_call, netlink_end, true },
	{ "netlink token-get", netlink_begin, token_get_call, netlink_end, true },
	{ "netlink log-get", log_get_begin, log_get_call, netlink_end, true },
	{ "netlink log-get, from a record on", log_get_begin, log_get_from_call, netlink_end,
	  true },
	{ "extensions that a listener is notified of", listener_begin, listener_call, listener_end,
	  true },
	{ "configfs-tsm report", report_begin, report_call, report_end, true },
	{ "tsm-mr read", sysfs_begin, sysfs_read_call, nothing_end, true },
	{ "tsm-mr write", sysfs_begin, sysfs_write_call, nothing_end, true },
	{ "unload", unload_begin, kernel_module_unload, load_again, false },
	{ "load", load_begin, kernel_module_load, load_again, false },
};

const size_t ops_count = sizeof(ops) / sizeof(ops[0]);
static_assert(sizeof(ops) / sizeof(ops[0]) <= OPS_MAX);
