/* SPDX-License-Identifier: Apache-2.0 */
/* The measurement of the realm that a layout page describes. This file does no I/O. */
#ifndef RMM_MEASURE_H
#define RMM_MEASURE_H

#include "layout.h"
#include "rim/rim.h"

/*
 * measure_layout - compute the RIM of a realm of the bench into @rim
 * @layout: a page that layout_check() accepts
 * @page: returns the RIM_GRANULE bytes, 8-byte aligned, at a page-aligned IPA of a range
 * @trace: called after each step, or NULL
 */
void measure_layout(struct rim *rim, const struct layout *layout, void *(*page)(uint64_t ipa),
		    rim_trace *trace);

#endif
