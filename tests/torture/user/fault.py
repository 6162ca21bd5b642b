# SPDX-License-Identifier: Apache-2.0
"""Programs under fault.so: the page that is shared with them, and the server that starts one run after another."""
import fcntl
import mmap
import os
import select
import signal
import struct
import subprocess

MEMORY, SYSTEM = 1, 2
HEAD = struct.Struct("<IIIIQQQiI")
CALLS_MAX = 256
SIZE = HEAD.size + 8 * CALLS_MAX
RUN_SECONDS = 30
ERRORS_MAX = 1 << 20


def calls(library):
    """The calls that fault.so wraps: a list of (class, name)."""
    env = {"LD_PRELOAD": library, "FAULT_LIST": "1"}
    lines = subprocess.run(["/bin/true"], env=env, capture_output=True, text=True, check=True).stdout.splitlines()
    return [(MEMORY if line.split()[0] == "memory" else SYSTEM, line.split()[1]) for line in lines]


class Control:
    """The page of fault.h."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.truncate(SIZE)
        self.file = open(path, "r+b")
        self.page = mmap.mmap(self.file.fileno(), SIZE)

    def arm(self, classes, at, persistent=False, trace=False):
        self.page[:SIZE] = HEAD.pack(0, classes, persistent, trace, at, 0, 0, -1, 0) + bytes(8 * CALLS_MAX)
        self.page[:4] = struct.pack("<I", 1)

    def disarm(self):
        self.page[:4] = struct.pack("<I", 0)

    def result(self):
        """(calls seen, calls failed, index of the first one that failed)"""
        head = HEAD.unpack(self.page[: HEAD.size])
        return head[5], head[6], head[7]

    def counts(self):
        return struct.unpack(f"<{CALLS_MAX}Q", self.page[HEAD.size :])


class Server:
    """One program, run as often as needed. Its output is in the files out and err of its directory."""

    def __init__(self, library, directory, argv, env, control):
        self.pid = None     # of the run that is under way
        self.out = f"{directory}/out"
        self.errors, pipe = os.pipe()   # a pipe, because RLIMIT_FSIZE stops a program that writes to a file
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, ERRORS_MAX)
        os.set_blocking(self.errors, False)
        os.set_blocking(pipe, False)
        there, self.go = os.pipe()
        self.said, back = os.pipe()
        env = dict(env, LD_PRELOAD=library, FAULT_CONTROL=control.path, FAULT_SERVER=f"{there},{back}",
                   FAULT_OUT=self.out, FAULT_ERR=f"/proc/self/fd/{pipe}")
        self.process = subprocess.Popen(argv, env=env, pass_fds=(there, back, pipe), stdin=subprocess.DEVNULL)
        os.close(there)
        os.close(back)
        os.close(pipe)

    def read(self, seconds):
        if not select.select([self.said], [], [], seconds)[0]:
            return None
        data = os.read(self.said, 4)
        if len(data) != 4:
            raise RuntimeError(f"the server of {self.process.args[0]} has ended")
        return struct.unpack("<i", data)[0]

    def run(self):
        """(status, output, errors); the status is negative for a signal, None for a run that did not end."""
        os.write(self.go, b"g")
        self.pid = pid = self.read(RUN_SECONDS)
        status = self.read(RUN_SECONDS)
        hung = status is None
        self.pid = None
        if hung:
            os.kill(pid, signal.SIGKILL)
            status = self.read(RUN_SECONDS)
        with open(self.out, "rb") as out:
            return None if hung else os.waitstatus_to_exitcode(status), out.read(), self.said_errors()

    def said_errors(self):
        """What the program has written to its standard error since the last call."""
        try:
            return os.read(self.errors, ERRORS_MAX).decode(errors="replace")
        except BlockingIOError:
            return ""

    def close(self):
        os.close(self.go)
        self.process.wait()
        os.close(self.said)
        os.close(self.errors)
