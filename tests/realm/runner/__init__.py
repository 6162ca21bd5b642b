# SPDX-License-Identifier: Apache-2.0
"""The runner of realms on the test RMM, behind tests/realm/realm and tests/realm/fault."""
