# SPDX-License-Identifier: Apache-2.0
"""The processes for keys and for local programs, which are killed while they change a key or answer a client."""
import os
import socket
import subprocess
import threading
import time

from common import ENDED, KILL_AT, KILLED, SECONDS, Finding
from sinks import CONFIRM, DONE, HEADER, HELLO, REMOVE, SET, Keyctl, Peer, Service, digest
from world import NATIVE, read, write


class Keys:
    """realmkey-keys: a key that is made, replaced and removed is the old one or the new one for a service, at any time."""

    values = (b"the first", b"the second one" * 100)

    def __init__(self, name):
        self.name = name

    def begin(self, world):
        self.folder = world.path(f"keys-{os.getpid()}")
        os.makedirs(self.folder, exist_ok=True)
        self.description = f"kill-{os.getpid()}"
        user = 20000 + os.getpid() % 20000
        self.text = (f"[kbs]\nurl = http://127.0.0.1:1\ninsecure = yes\n[secret a]\nresource = a/b/a\nowner = {user}\n"
                     f"key = user:{self.description}\n")
        write(f"{self.folder}/conf", self.text)
        self.env = dict(world.env, LISTEN_FDS="1", ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0:exitcode=99")
        self.service = Service(user, b"user", self.description.encode())
        self.keyctl = Keyctl()

    def run(self, at, messages, answered):
        """Send messages to the program, which is killed at its call @at; 0: it is not. Returns what kill_at ends with."""
        near, far = socket.socketpair()
        with near, far:
            program = subprocess.Popen(
                [KILL_AT, str(at or 1 << 30), f"{NATIVE}/userspace/keys/realmkey-keys", "--config", f"{self.folder}/conf"],
                env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=(3,),
                preexec_fn=lambda: os.dup2(far.fileno(), 3))
            far.close()
            near.settimeout(SECONDS)
            for kind, number, body in [(HELLO, 0, digest(self.text)), *messages]:
                answer = None
                try:
                    near.sendall(HEADER.pack(kind, number, len(body)) + body)
                    answer = Peer.receive(near)
                except OSError:
                    pass
                if kind != HELLO:
                    answered(kind, body, answer)
                if answer is None:
                    break
        said = program.communicate(timeout=SECONDS)[1].decode(errors="replace")
        return program.returncode, said

    def point(self, at):
        first, second = self.values
        key = [self.service.key()]

        def answered(kind, body, answer):
            want, now = body if kind == SET else None, self.service.key()
            allowed = [key[0]] if kind == CONFIRM else [want] if answer else [want, key[0]]
            if answer and answer[0] != DONE:
                raise Finding(f"message {kind} is answered by {answer}")
            if now not in allowed:
                raise Finding(f"after message {kind} the key has {now}, and had {key[0]}")
            key[0] = now

        status, said = self.run(at, [(SET, 0, first), (SET, 0, second), (CONFIRM, 0, b""), (REMOVE, 0, b""), (SET, 0, second),
                                     (SET, 0, first)], answered)
        if status not in (KILLED, ENDED):
            raise RuntimeError(f"kill_at ended with {status}: {said}")
        # The next keeper has the program make the key again.
        again, said = self.run(0, [(SET, 0, second)], answered)
        if again != ENDED or key[0] != second:
            raise Finding(f"the next start ends with {again}, and the key has {key[0]}: {said}")
        self.only(second)
        return status == KILLED

    def only(self, value):
        """No other key is left, as soon as the kernel has collected those of the process that was killed."""
        for _ in range(100):
            now = [self.keyctl.read(serial) for serial in self.keyctl.live("user", self.description)]
            if now == [value]:
                return
            time.sleep(0.02)
        raise Finding(f"keys with {now} are left")

    def rounds(self):
        return 1

    def recover(self):
        """Each point begins with the key that it finds."""

    def end(self):
        self.service.end()
