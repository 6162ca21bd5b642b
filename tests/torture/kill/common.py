# SPDX-License-Identifier: Apache-2.0
"""What the scenarios of kills share."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "user"))
from world import NATIVE, read  # noqa: E402

OUT = "build/torture/kill"
KILL_AT = f"{NATIVE}/tests/torture/kill/kill_at"
KILLED, ENDED = 100, 101
SECONDS = 60    # for a program that must end
FINDINGS_MAX = 20
JSON = {"Content-Type": "application/json"}


class Finding(Exception):
    """What is wrong after a kill."""


def files_below(folder):
    """{relative path: contents}"""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            whole = os.path.join(path, name)
            found[os.path.relpath(whole, folder)] = read(whole)
    return found


def named(files):
    """The names of files for a message, and their contents as they are only made up."""
    return ", ".join(f"{name} {contents!r:.60}" for name, contents in sorted(files.items())) or "nothing"
