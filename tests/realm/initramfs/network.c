// SPDX-License-Identifier: Apache-2.0
#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS "10.0.2.15"
#define NETMASK "255.255.255.0"
#define GATEWAY "10.0.2.2"

static void address_set(struct sockaddr *where, const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	inet_pton(AF_INET, text, &address.sin_addr);
	memcpy(where, &address, sizeof(address));
}

static int link_up(int fd, const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };

	strcpy(request.ifr_name, name);
	return ioctl(fd, SIOCSIFFLAGS, &request);
}

static int address_add(int fd, const char *name)
{
	struct ifreq request = { 0 };

	strcpy(request.ifr_name, name);
	address_set(&request.ifr_addr, ADDRESS);
	if (ioctl(fd, SIOCSIFADDR, &request))
		return -1;
	address_set(&request.ifr_netmask, NETMASK);
	return ioctl(fd, SIOCSIFNETMASK, &request);
}

static int gateway_add(int fd)
{
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };

	address_set(&route.rt_dst, "0.0.0.0");
	address_set(&route.rt_genmask, "0.0.0.0");
	address_set(&route.rt_gateway, GATEWAY);
	return ioctl(fd, SIOCADDRT, &route);
}

int network_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -1;
	ret = link_up(fd, "lo");
	if (ret == 0 && if_nametoindex("eth0") != 0) {
		ret = address_add(fd, "eth0");
		if (ret == 0)
			ret = link_up(fd, "eth0");
		if (ret == 0)
			ret = gateway_add(fd);
	}
	close(fd);
	return ret;
}
