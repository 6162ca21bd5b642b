/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CCA_DEVICE_H
#define CCA_DEVICE_H

int cca_device_init(void);
void cca_device_exit(void);

#endif /* CCA_DEVICE_H */
