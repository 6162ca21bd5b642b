# SPDX-License-Identifier: Apache-2.0
"""Paths on this machine and in the toolchain root."""

import os

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # tests/realm
TOP = os.path.dirname(os.path.dirname(HERE))
OUT = f"{TOP}/build/realm"
RUN = f"{OUT}/run"  # a folder for each realm
REALMCTL = f"{OUT}/realmctl"
IN_ROOT = f"{TOP}/tools/in-root"


def in_root():
    """True if this process is in the toolchain root."""
    return os.path.exists("/etc/realmkey-root")


def shown(path):
    """A path for a message: below the work tree, it is relative to that."""
    return path.removeprefix(f"{TOP}/")


def inside(path):
    """
    The toolchain root's name for a path of this machine: the work tree is /src there, and all else is below /host.
    Symbolic links are followed here, because an absolute one leads elsewhere in the root.
    """
    path = os.path.realpath(path)
    if f"{path}/".startswith(f"{TOP}/"):
        return "/src" + path[len(TOP):]
    return "/host" + path
