// SPDX-License-Identifier: Apache-2.0
/* Gets a token and extends a register, COUNT times, so that both can be traced. */
#include <fcntl.h>
#include <linux/cca_rsi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int token_make(int device)
{
	struct cca_rsi_token arg = { .challenge = { 1 } };

	if (ioctl(device, CCA_RSI_TOKEN, &arg))
		return -1;
	return close(arg.fd);
}

static int register_extend(int device, unsigned int digest_size)
{
	struct cca_rsi_extend arg = { .index = 1, .digest_size = digest_size, .event_type = 13 };

	return ioctl(device, CCA_RSI_EXTEND, &arg);
}

int main(int argc, char **argv)
{
	long count = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	int device = open("/dev/cca-rsi", O_RDWR | O_CLOEXEC);
	struct cca_rsi_config config;

	if (count <= 0) {
		fprintf(stderr, "usage: module_ops COUNT\n");
		return 2;
	}
	if (device < 0 || ioctl(device, CCA_RSI_CONFIG, &config)) {
		perror("/dev/cca-rsi");
		return 1;
	}
	while (count--) {
		if (token_make(device) || register_extend(device, config.digest_size)) {
			perror("token or extension");
			return 1;
		}
	}
	return 0;
}
