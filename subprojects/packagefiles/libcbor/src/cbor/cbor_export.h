/* SPDX-License-Identifier: Apache-2.0 */
/* cbor_export: a static library exports no symbols. */
#ifndef CBOR_EXPORT_H
#define CBOR_EXPORT_H

#define CBOR_EXPORT
#define CBOR_NO_EXPORT
#define CBOR_DEPRECATED __attribute__((__deprecated__))

#endif
