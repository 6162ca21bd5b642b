/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CCA_NOTIFY_H
#define CCA_NOTIFY_H

struct cca_record;

void cca_notify(const struct cca_record *record);

#endif /* CCA_NOTIFY_H */
