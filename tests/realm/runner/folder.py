# SPDX-License-Identifier: Apache-2.0
"""A realm's folder in build/realm/run: its files, its sockets, and the lock of the process that holds it."""

import contextlib
import fcntl
import os
import re
import time

from .places import RUN
from .process import Failure


def name_check(name):
    """Checks a name that the user gave. The folder of a realm of one command has a name that begins with a dot."""
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise Failure("a realm's name is letters, digits, - and _")


def _remove(path):
    """Removes a file, a link or an empty folder, if possible. (Importing shutil would take longer than all else.)"""
    with contextlib.suppress(OSError):
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        else:
            os.unlink(path)


class Folder:
    """The folder of one realm."""

    def __init__(self, name):
        self.name = name
        self.path = f"{RUN}/{name}"

    def file(self, name):
        return f"{self.path}/{name}"

    def exists(self, name):
        return os.path.exists(self.file(name))

    def has(self, name):
        """True if the file is there and is not empty."""
        try:
            return os.stat(self.file(name)).st_size > 0
        except OSError:
            return False

    def read(self, name):
        with open(self.file(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def write(self, name, text):
        """Writes a file that other programs look for: they find all of the text or no file."""
        with open(self.file(f"{name}.new"), "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(self.file(f"{name}.new"), self.file(name))

    def make(self):
        os.makedirs(self.path, exist_ok=True)

    def remove(self, *names):
        """Removes files that may be there."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.file(name))

    def sockets_remove(self):
        self.remove(*(name for name in os.listdir(self.path) if name.endswith(".sock")))

    def destroy(self, name=""):
        """Removes the folder, or one that is in it, as far as possible."""
        for path, folders, files in os.walk(self.file(name), topdown=False):
            for entry in folders + files:
                _remove(f"{path}/{entry}")
        _remove(self.file(name).rstrip("/"))

    def pid(self):
        """The number of the process that holds the realm, while it is running()."""
        return int(self.read("pid"))

    def lock(self):
        """
        Locks the realm for this process and those that it forks. Tries for a second, because a process that calls
        running() has the lock for a moment.
        """
        fd = os.open(self.file("lock"), os.O_RDWR | os.O_CREAT, 0o666)
        for _ in range(20):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.05)
        raise Failure(f"{self.name} is running already")

    def running(self):
        """
        True if a process holds the realm. The lock says so, not the file pid: a process that was killed leaves its
        number there, which another process may have by now.
        """
        if not self.has("pid"):
            return False
        try:
            with open(self.file("lock"), encoding="ascii") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            pass
        return False
