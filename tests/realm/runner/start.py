# SPDX-License-Identifier: Apache-2.0
"""start.py realm|fault STDIN WORD...: starts that program, with the standard input of descriptor STDIN."""

import importlib
import os
import sys

_HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
_MODULES = {"realm": "runner.main", "fault": "runner.fault"}

if __name__ == "__main__":
    program, stdin = sys.argv[1], int(sys.argv[2])
    sys.argv[:3] = [program]
    if stdin != 0:
        os.dup2(stdin, 0)
        os.close(stdin)
    sys.path.insert(0, _HERE)
    sys.pycache_prefix = os.path.realpath(f"{_HERE}/../../build/realm/pycache")
    sys.exit(importlib.import_module(_MODULES[program]).main(sys.argv[1:]))
