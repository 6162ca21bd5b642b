# SPDX-License-Identifier: Apache-2.0
"""realmkey-local, with the sweep as systemd that loads a credential for a unit, and as a program that asks for a secret."""
import contextlib
import os
import shutil
import signal
import sys
import threading
import time

import judge
from fault import MEMORY, calls
from scenarios import Scenario
from world import NATIVE

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cli"))
from local_world import CREDENTIAL_MAX, Program, World as LocalWorld, credential_read  # noqa: E402

VALUE = b"sesame, " * 2000
CONFIG = "[local]\nwait = 2s\n[secret db]\nresource = a/b/c\ncredential = web.service:db\nallow = uid:0\n"
TIMEOUT = 4         # seconds for a client: longer than [local] wait


def whole(value):
    """What credential_read() returns for a value."""
    return [len(value), value[:200].decode()]


def wrong_credential(got, value):
    """A finding if systemd would take @got for another credential than @value. An error, an end by a reset, and more than a
    credential may have all fail the unit."""
    if isinstance(got, str) or got is None or got == whole(value) or got[0] > CREDENTIAL_MAX:
        return None
    return f"systemd reads a credential of {got[0]} bytes, {got[1][:60]!r}"


def wrong_answer(got, value):
    """The same for a program."""
    if got is None or got == value.decode() or got == "end" or got.startswith(("NotDelivered: ", "error ")):
        return None
    return f"a program reads {got[:80]!r}"


def tried(function):
    try:
        return function()
    except OSError as error:
        return f"error {type(error).__name__}"


class Local(Scenario):
    """A start, a credential, an answer to a program, and the end by SIGTERM."""

    warm = "crypto"

    def __init__(self, name):
        super().__init__(name, 0, f"{NATIVE}/userspace/local/realmkey-local", "--credentials", "{d}/local/c.sock", "--api",
                         "{d}/local/a.sock", "--keyring", "{d}/local/keyring", "--config", "{d}/local/etc/realmkeyd.conf")

    def begin(self, world, control, library):
        self.send = [name for _, name in calls(library)].index("send")
        super().begin(world, control, library)

    def set_up(self):
        shutil.rmtree(f"{self.directory}/local", ignore_errors=True)
        self.local = LocalWorld(f"{self.directory}/local", CONFIG)
        self.local.serve("db", VALUE)
        self.env = {"ASAN_OPTIONS": self.world.env["ASAN_OPTIONS"].replace("detect_leaks=1", "detect_leaks=0")}
        # This process is the client, which the unit is known by.
        self.local.units.join("web.service")

    def before(self):
        for path in (self.local.credentials, self.local.api):
            if os.path.exists(path):
                os.unlink(path)

    def once(self):
        self.done, self.credential, self.answer = False, None, None
        client = threading.Thread(target=self.ask)
        client.start()
        status, output, errors = self.server.run()
        self.done = True
        client.join()
        return (status, output + repr((self.credential, self.answer)).encode()), errors

    def ask(self):
        """As soon as it listens. It has ended if it never does."""
        while not (os.path.exists(self.local.api) and self.server.pid):
            if self.done:
                return
            time.sleep(0.002)
        self.credential = tried(lambda: credential_read(self.local.credentials, f"{time.time_ns():x}/unit/web.service/db", TIMEOUT))
        self.answer = tried(lambda: Program(self.local, TIMEOUT).get("db"))
        pid = self.server.pid
        if pid and not self.done:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def point(self, classes, at, persistent, trace=False):
        self.before()
        self.control.arm(classes, at, persistent, trace)
        got, self.errors = self.once()
        self.control.disarm()
        _, failed, call = self.control.result()
        # If each send() fails, both processes learn that the client has gone. Nothing can be said to it then, and in the
        # kernel it really has gone.
        gone = persistent and call == self.send
        finding = judge.ended(classes, got[0], b"", self.errors) or wrong_answer(self.answer, VALUE)
        if finding is None and not gone:
            finding = wrong_credential(self.credential, VALUE)
        if finding is None and got[0] not in ({0, 1} if classes == MEMORY else judge.SYSTEM_STATUS | {0}):
            finding = f"status {got[0]}: {self.errors.strip()[-200:]}"
        return finding, failed > 0, call

    def tear_down(self):
        with open(os.path.join(os.path.dirname(self.local.units.top), "cgroup.procs"), "w", encoding="ascii") as procs:
            procs.write("0")
        self.local.units.remove()
