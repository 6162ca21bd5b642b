/* SPDX-License-Identifier: Apache-2.0 */
/* The function identifiers of RSI, written out here so that the tests do not rely on those of the RMM. */
#ifndef TEST_RMM_RSI_FID_H
#define TEST_RMM_RSI_FID_H

#define RSI_VERSION	       0xc4000190UL
#define RSI_FEATURES	       0xc4000191UL
#define RSI_MEASUREMENT_READ   0xc4000192UL
#define RSI_MEASUREMENT_EXTEND 0xc4000193UL
#define RSI_TOKEN_INIT	       0xc4000194UL
#define RSI_TOKEN_CONTINUE     0xc4000195UL
#define RSI_REALM_CONFIG       0xc4000196UL
#define RSI_IPA_STATE_SET      0xc4000197UL
#define RSI_IPA_STATE_GET      0xc4000198UL
#define RSI_HOST_CALL	       0xc4000199UL
#define RSI_PERM_VALUE	       0xc40001a0UL /* MEM_GET_PERM_VALUE, of RSI 1.1 */

#endif
