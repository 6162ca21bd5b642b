# SPDX-License-Identifier: Apache-2.0
"""start.py realm|fault STDIN WORD...: starts that program, with the standard input of descriptor STDIN."""

import os
import sys

_HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

if __name__ == "__main__":
    program, stdin = sys.argv[1], int(sys.argv[2])
    sys.argv[:3] = [program]
    if stdin != 0:
        os.dup2(stdin, 0)
        os.close(stdin)
    sys.path.insert(0, _HERE)
    sys.pycache_prefix = os.path.realpath(f"{_HERE}/../../build/realm/pycache")
    if program == "realm":
        from runner.main import main
    else:
        from runner.fault import main
    sys.exit(main(sys.argv[1:]))
