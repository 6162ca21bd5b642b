// SPDX-License-Identifier: Apache-2.0
#include "rsi_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/cca_rsi.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/io.h"
#include "event/event_log.h"

#define DEVICE "/dev/cca-rsi"

static int device_open(struct rsi *rsi, struct error *e)
{
	rsi->fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (rsi->fd < 0 && (errno == EACCES || errno == EPERM || errno == EROFS))
		rsi->fd = open(DEVICE, O_RDONLY | O_CLOEXEC); /* everything but extending */
	if (rsi->fd >= 0)
		return 1;
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return 0;
	return rsi_source_error(errno, DEVICE, e);
}

static void device_close(struct rsi *rsi)
{
	close(rsi->fd);
}

/* EINTR means that nothing was done, and that no register was extended. */
static int device_call(const struct rsi *rsi, unsigned long request, void *argument,
		       const char *what, struct error *e)
{
	int ret;

	do
		ret = ioctl(rsi->fd, request, argument);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? rsi_source_error(errno, what, e) : 0;
}

static struct rsi_field field(const struct cca_rsi_config *c, uint32_t bit, uint64_t value)
{
	return c->present & bit ? (struct rsi_field){ true, value } : (struct rsi_field){ 0 };
}

/* An older module does not write the later fields, so none of them is present. */
static int device_config(struct rsi *rsi, struct rsi_config *config, struct error *e)
{
	struct cca_rsi_config c = { 0 };

	if (device_call(rsi, CCA_RSI_CONFIG, &c, DEVICE ": configuration", e) < 0)
		return -1;
	config->abi_lower = c.abi_lower;
	config->abi_higher = c.abi_higher;
	config->ipa_bits = c.ipa_bits;
	config->event_max = c.event_max;
	config->abi = field(&c, CCA_RSI_CONFIG_P_ABI, c.abi);
	config->features = field(&c, CCA_RSI_CONFIG_P_FEATURES, c.features);
	config->aux_planes = field(&c, CCA_RSI_CONFIG_P_AUX_PLANES, c.aux_planes);
	config->gicv3_vtr = field(&c, CCA_RSI_CONFIG_P_GICV3_VTR, c.gicv3_vtr);
	config->ats_plane = field(&c, CCA_RSI_CONFIG_P_ATS_PLANE, c.ats_plane);
	memcpy(config->rpv, c.rpv, sizeof(config->rpv));
	return rsi_source_hash(c.hash_algo, c.digest_size, config, e);
}

static int device_measurement(struct rsi *rsi, unsigned int index, uint8_t value[HASH_SIZE_MAX],
			      size_t *size, struct error *e)
{
	struct cca_rsi_measurement m = { .index = index };

	if (device_call(rsi, CCA_RSI_MEASUREMENT, &m, DEVICE ": measurement", e) < 0)
		return -1;
	memcpy(value, m.value, sizeof(m.value));
	*size = m.size;
	return 0;
}

static int device_extend(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
			 const struct rsi_event *event, uint64_t *seq, struct error *e)
{
	struct cca_rsi_extend x = {
		.index = index,
		.digest_size = (uint32_t)size,
		.event_type = event->type,
		.event_size = (uint32_t)event->size,
		.event = (uintptr_t)event->data,
	};

	memcpy(x.digest, digest, size);
	if (device_call(rsi, CCA_RSI_EXTEND, &x, DEVICE ": extend", e) < 0)
		return -1;
	*seq = x.seq;
	return 0;
}

/* Open the device again, because each open file has its own position in the log. */
static int device_log(struct rsi *rsi, struct bytes *log, struct error *e)
{
	int fd = open(DEVICE, O_RDONLY | O_CLOEXEC), ret;

	(void)rsi;
	if (fd < 0)
		return rsi_source_error(errno, DEVICE, e);
	ret = io_read_all(fd, EVENT_LOG_MAX, DEVICE ": event log", log, e);
	close(fd);
	return ret;
}

static int device_token(struct rsi *rsi, const uint8_t challenge[REALM_CHALLENGE_SIZE],
			struct bytes *token, uint64_t *records, struct error *e)
{
	struct cca_rsi_token t = { .fd = -1 };
	size_t start = token->len;
	int ret;

	memcpy(t.challenge, challenge, sizeof(t.challenge));
	if (device_call(rsi, CCA_RSI_TOKEN, &t, DEVICE ": token", e) < 0)
		return -1;
	ret = io_read_all(t.fd, RSI_TOKEN_MAX, "CCA token", token, e);
	close(t.fd);
	*records = t.log_seq;
	if (ret == 0 && token->len - start != t.size)
		return error_set(e, ERROR_SYSTEM,
				 DEVICE ": token has %zu bytes, the module "
					"announced %u",
				 token->len - start, t.size);
	return ret;
}

const struct rsi_source rsi_source_device = {
	.name = "device",
	.open = device_open,
	.close = device_close,
	.config = device_config,
	.measurement = device_measurement,
	.extend = device_extend,
	.log = device_log,
	.token = device_token,
};
