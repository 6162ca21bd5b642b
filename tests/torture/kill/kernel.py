# SPDX-License-Identifier: Apache-2.0
"""realmkey-keys, which is killed while it replaces a key."""
import os
import subprocess
import sys

from common import KILL_AT, KILLED, SECONDS, Finding
from world import RELEASE, write

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cli"))
import kernel_keys as kernel  # noqa: E402

PROGRAM = f"{RELEASE}/userspace/keys/realmkey-keys"


class Keys:
    """A keeper sends a new value of a secret with a key. The owner finds the old key or the new one, never none, and the
    next start revokes what was replaced."""

    def __init__(self, name):
        self.name = name

    def begin(self, world):
        self.folder, self.number, self.process = world.path(f"keys-{os.getpid()}"), 0, None
        os.makedirs(self.folder, exist_ok=True)
        self.path, self.config = f"{self.folder}/socket", f"{self.folder}/conf"
        # Users that nothing else has.
        self.owner, self.keys_of = 61300 + os.getpid() % 1000, f"realmkey.kills.{os.getpid()}"
        write(self.config, f"[kbs]\nurl = https://kbs.example\n[secret s]\nresource = a/b/c\nowner = {self.owner}\n"
                           "key = user:test:key\n")
        self.arguments = ["--directory", self.keys_of]
        kernel.keyctl(kernel.JOIN, None)
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "--socket", self.path, "--config", self.config, *self.arguments],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.recover()

    def value(self):
        return b"value %d" % self.number

    def send(self):
        """A new value, by a keeper that nothing disturbs."""
        self.number += 1
        keeper = kernel.Keeper(self.path, self.config)
        said = keeper.ask(kernel.SET, 0, self.value())
        keeper.close()
        if said or self.find()[1] != self.value():
            raise Finding(f"the next value is not there: {said or self.find()}")

    def find(self):
        """(number, value) of the key, as a service of the owner finds it."""
        def search():
            key = kernel.search(kernel.SESSION, "user", "test:key")
            return key, kernel.read(key)
        said = kernel.as_user(self.owner, search)
        return eval(said) if said.startswith("(") else (0, said)   # pylint: disable=eval-used

    def forget(self):
        """All keys and keyrings. What a user has linked stays until then."""
        subprocess.run([PROGRAM, "--revoke-all", *self.arguments], capture_output=True, check=True)
        for number in kernel.members(kernel.USER):
            if kernel.describe(number).endswith(f";{self.keys_of}"):
                kernel.keyctl(kernel.UNLINK, number, kernel.USER)
        kernel.as_user(self.owner, lambda: kernel.keyctl(kernel.CLEAR, kernel.USER))

    def trace(self, at, *which):
        # pylint: disable=consider-using-with
        killer = subprocess.Popen([KILL_AT, str(at), *which], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if killer.stdout.readline() != b"ready\n":
            raise RuntimeError(f"kill_at: {killer.stderr.read()}")
        return killer

    def child(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return file.read().split()[-1]

    def point(self, at):
        old = self.find()
        kernel.keyctl(kernel.LINK, old[0], kernel.SESSION)
        keeper, done = kernel.Keeper(self.path, self.config), False
        killer = self.trace(at, "-p", self.child())
        self.number += 1
        try:
            done = not keeper.ask(kernel.SET, 0, self.value())
            keeper.close()
        except OSError:
            pass
        killed = killer.wait(SECONDS) == KILLED
        said = killer.stderr.read().decode().strip()
        killer.stdout.close()
        killer.stderr.close()
        self.judge(old, done, killed, said)
        return killed

    def judge(self, old, done, killed, said):
        now = self.find()
        if now[1] != self.value() and (done or not killed or now != old):
            raise Finding(f"the key is {now}, it was {old}; {said}")
        keeper = kernel.Keeper(self.path, self.config)      # the next start
        if keeper.hello != [int(now[0] != 0)] or now != self.find():
            raise Finding(f"the next start finds {keeper.hello}, {self.find()} instead of {now}; {said}")
        keeper.close()
        if old[0] != now[0]:
            try:
                raise Finding(f"the key that was replaced still has {kernel.read(old[0])}; {said}")
            except OSError:
                pass
        kernel.keyctl(kernel.CLEAR, kernel.SESSION)
        self.send()

    def rounds(self):
        return 1

    def recover(self):
        kernel.keyctl(kernel.CLEAR, kernel.SESSION)
        self.forget()
        self.send()

    def end(self):
        self.forget()
        self.process.terminate()
        self.process.wait(SECONDS)
