/* SPDX-License-Identifier: Apache-2.0 */
/* What the test RMM measures of the realm that a layout page describes. Pure. */
#ifndef RMM_MEASURE_H
#define RMM_MEASURE_H

#include "layout.h"
#include "rim/rim.h"

/*
 * measure_layout - the RIM of a bench realm into @rim
 * @layout: a page that layout_check() accepts
 * @page: gives the RIM_GRANULE bytes at a page-aligned IPA of a range, 8-byte aligned
 */
void measure_layout(struct rim *rim, const struct layout *layout, void *(*page)(uint64_t ipa));

#endif
