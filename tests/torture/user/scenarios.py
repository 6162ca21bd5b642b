# SPDX-License-Identifier: Apache-2.0
"""The programs that run to their end: each scenario is one command line, its right answer, and what must hold after it."""
import glob
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import judge
from fault import MEMORY, SYSTEM, Server
from world import EARS, HERE, NATIVE, RELEASE, VECTORS, Trustee, read, write

JWT = re.compile(rb"^[\w-]+\.[\w-]+\.[\w-]+\s*$")


class Scenario:
    """A program of which each run is one process."""

    warm = "main"
    passes = ((MEMORY, False), (MEMORY, True), (SYSTEM, False), (SYSTEM, True))

    def __init__(self, name, status, *argv, **options):
        self.name, self.status, self.argv = name, status, argv
        self.says = options.pop("says", b"")
        self.env = options.pop("env", {})
        self.__dict__.update(options)

    def begin(self, world, control, library):
        self.world, self.control = world, control
        self.directory = world.path(f"run-{os.getpid()}")
        os.makedirs(self.directory, exist_ok=True)
        self.set_up()
        env = dict(world.env, **self.env)
        if self.warm:
            env["FAULT_WARM"] = self.warm
        self.server = Server(library, self.directory, [self.fill(word) for word in self.argv], env, control)
        control.disarm()
        self.before()
        self.want, errors = self.once()
        if self.want[0] != self.status or self.says not in self.want[1]:
            raise RuntimeError(f"without a fault: {self.want}, {errors}")

    def fill(self, word):
        return word.format(w=self.world.directory, v=VECTORS, ear=EARS, d=self.directory, **self.words())

    def words(self):
        return {}

    def set_up(self):
        """Before the program is started."""

    def before(self):
        """Before each run."""

    def after(self, status, failed_call):
        """After each run. Returns a finding or None."""

    def once(self):
        status, output, errors = self.server.run()
        return (status, self.normal(output)), errors

    def normal(self, output):
        """Without what differs in each run: a signature, a challenge."""
        return b"a JWT" if JWT.match(output) else output

    def point(self, classes, at, persistent, trace=False):
        """One run with one fault: (finding or None, was the point reached, index of the call that failed)."""
        self.before()
        self.control.arm(classes, at, persistent, trace)
        got, errors = self.once()
        self.control.disarm()
        _, failed, call = self.control.result()
        self.errors = errors
        finding = judge.program(classes, self.want, got, errors) or self.after(got[0], call)
        return finding, failed > 0, call

    def end(self):
        self.server.close()
        self.tear_down()

    def tear_down(self):
        """After the last run."""


class Client(Scenario):
    """A client of a KBS, which trusts this realm."""

    policy = "default allow := true"

    def set_up(self):
        self.trustee = self.world.trustee(f"kbs-{os.getpid()}")
        self.env = {"REALMKEY_COURIER": f"{RELEASE}/userspace/courier/realmkey-courier"}

    def words(self):
        return {"url": f"http://127.0.0.1:{self.trustee.port}"}

    def tear_down(self):
        self.trustee.stop()


class Denied(Client):
    def set_up(self):
        super().set_up()
        run = [f"{RELEASE}/userspace/cli/realmkey", "admin", "set-resource-policy", "--deny-all", "--admin-token-file",
               self.world.admin_token(), "--url", self.words()["url"], "--insecure"]
        subprocess.run(run, env=self.world.env, check=True, capture_output=True)


class File(Client):
    """A secret that replaces a file: it is the old one or the new one, whole, and there is no other file."""

    def before(self):
        self.folder = f"{self.directory}/file"
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        write(f"{self.folder}/secret", "the old one")

    def after(self, status, failed_call):
        text = read(f"{self.folder}/secret")
        if text not in ((b"sesame",) if status == 0 else (b"sesame", b"the old one")):
            return f"status {status}, and the file has {text!r}"
        left = set(os.listdir(self.folder)) - {"secret"}
        return f"left behind: {left}" if left else None


class Daemon(Client):
    """realmkeyd --once. The secret changes before each run."""

    warm = "crypto"
    secrets = (b"the first", b"the second")

    def set_up(self):
        super().set_up()
        self.keyring = f"{self.directory}/keyring"
        self.env["ASAN_OPTIONS"] = self.world.env["ASAN_OPTIONS"].replace("detect_leaks=1", "detect_leaks=0")
        os.makedirs(self.keyring, exist_ok=True)
        for i, secret in enumerate(self.secrets):
            self.trustee.put(f"a/b/{i}", secret)
        self.configure(0)

    def configure(self, number):
        self.number = number
        write(f"{self.directory}/conf", f"[kbs]\nurl = {self.words()['url']}\ninsecure = yes\n"
              f"[secret s]\nresource = a/b/{number}\nfile = d/s\nmode = 0440\nowner = 0\n")

    def before(self):
        self.was = read(f"{self.keyring}/mount/d/s")
        self.configure(self.change())

    def change(self):
        return 1 if self.was == self.secrets[0] else 0

    def after(self, status, failed_call):
        return self.judge(failed_call >= 0, [{"d/s": self.secrets[self.number]}], [{"d/s": self.was} if self.was else {}])

    def stored(self):
        """The files of the keyring with their contents, and those under a hidden name, but not the status."""
        mount, found, hidden = f"{self.keyring}/mount", {}, []
        for folder, _, names in os.walk(mount):
            for name in names:
                path = os.path.relpath(f"{folder}/{name}", mount)
                if not path.startswith("."):
                    found[path] = read(f"{folder}/{name}")
                elif path not in (".status", ".digests"):
                    hidden.append(path)
        return found, hidden

    def judge(self, faulted, new, old):
        """The keyring has one of the states @new or, if a call failed, one of @old: a secret that is in the keyring counts
        as delivered although the new one did not come. Then hidden files can be left, which the next start removes."""
        now, hidden = self.stored()
        if now not in (new + old if faulted else new):
            return f"the keyring has {now} after {self.was}"
        return f"left in the keyring: {hidden}" if hidden and not faulted else None

    def tear_down(self):
        super().tear_down()
        subprocess.run(["umount", f"{self.keyring}/mount"], check=False, capture_output=True)


class Unchanged(Daemon):
    def change(self):
        return 0


class Reshaped(Daemon):
    """A secret whose file becomes a directory in the next configuration, and back."""

    files = ("s", "s/t")

    def configure(self, number):
        super().configure(number)
        path = f"{self.directory}/conf"
        write(path, read(path).replace(b"file = d/s", f"file = {self.files[number]}".encode()))

    def before(self):
        self.was = self.stored()[0]
        self.configure(1 if self.files[0] in self.was else 0)

    def after(self, status, failed_call):
        """The start removes what is not configured, so between the two there is nothing."""
        new = {self.files[self.number]: self.secrets[self.number]}
        return self.judge(failed_call >= 0, [new], [self.was, {}])


class Rotated(Daemon):
    """Two secrets that change together, and one of the same directory that stays."""

    def set_up(self):
        super().set_up()
        self.trustee.put("a/b/2", b"the third")

    def configure(self, number):
        self.number = number
        files = {"d/c": number, "d/k": number, "d/chain": 2}
        write(f"{self.directory}/conf", f"[kbs]\nurl = {self.words()['url']}\ninsecure = yes\n" + "".join(
            f"[secret s{i}]\nresource = a/b/{resource}\nfile = {file}\nmode = 0440\nowner = 0\n"
            for i, (file, resource) in enumerate(files.items())))

    def pair(self, number):
        return {"d/c": self.secrets[number], "d/k": self.secrets[number], "d/chain": b"the third"}

    def before(self):
        self.was = self.stored()[0]
        self.configure(1 if self.was == self.pair(0) else 0)

    def after(self, status, failed_call):
        return self.judge(failed_call >= 0, [self.pair(self.number)], [self.was])


class Start(Scenario):
    """trusteed, from its start until it listens. It is then ended by SIGTERM."""

    warm = "crypto"

    def words(self):
        return {"state": f"{self.directory}/state"}

    def before(self):
        shutil.rmtree(f"{self.directory}/state", ignore_errors=True)
        os.makedirs(f"{self.directory}/state", mode=0o700)

    def once(self):
        """The output is whether it listened. One that listened may fail later, which its status says."""
        watch = threading.Thread(target=self.watch)
        self.done = False
        write(self.server.out, b"")
        watch.start()
        status, output, errors = self.server.run()
        self.done = True
        watch.join()
        return (status, b"listening" if status == 0 and b"listening on" in output else b""), errors

    def watch(self):
        while not self.done:
            if b"listening on" in (read(self.server.out) or b"") and self.server.pid:
                os.kill(self.server.pid, signal.SIGTERM)
                return
            time.sleep(0.002)

    def after(self, status, failed_call):
        """What was written is whole: a start without a fault accepts it."""
        self.control.disarm()
        got, errors = self.once()
        return None if got == self.want else f"does not start again: {errors.strip()[-300:]}"


class Restart(Start):
    """The same with a state that must not change."""

    def set_up(self):
        trustee = self.world.trustee(f"old-{os.getpid()}")
        trustee.stop()
        self.old = trustee.state

    def before(self):
        super().before()
        shutil.copytree(self.old, f"{self.directory}/state", dirs_exist_ok=True)
        self.files = self.state()

    def state(self):
        found = {}
        for path in sorted(glob.glob(f"{self.directory}/state/**", recursive=True)):
            if os.path.isfile(path) and not path.endswith(("/lock", ".lock")):
                found[path] = read(path)
        return found

    def after(self, status, failed_call):
        now = self.state()
        changed = [path for path in set(now) | set(self.files) if now.get(path) != self.files.get(path)]
        return f"changed: {changed}" if changed else super().after(status, failed_call)


class Courier(Scenario):
    """The courier, with the sweep as its keeper: it opens a connection with TLS and gets a resource. It has two KBSs,
    the credentials for a proxy, which it then does not use, and a client certificate."""

    warm = None     # it replaces OpenSSL's allocator, which must not have been used before
    OPEN, RESOURCE, ANSWER, FAILURE, SERVER = 1, 4, 6, 7, 8

    def set_up(self):
        tls = self.world.path("tls")
        self.trustee = self.world.trustee(f"kbs-{os.getpid()}")
        self.trustee.stop()
        self.trustee = Trustee(self.trustee.state, options=["--cert", f"{tls}/server.pem", "--key", f"{tls}/server.key"])
        self.listener = socket.socket(socket.AF_UNIX)
        path = f"{self.directory}/socket"
        if os.path.exists(path):
            os.unlink(path)
        self.listener.bind(path)
        self.listener.listen(4)
        self.listener.settimeout(30)
        self.env = {"FAULT_CONNECT": path}
        self.ca = read(f"{tls}/ca.pem")
        self.identity = [read(f"{tls}/server.{name}") for name in ("pem", "key")]

    @staticmethod
    def message(kind, *fields):
        body = b"".join(struct.pack("<I", len(field)) + field for field in fields)
        return struct.pack("<II", kind, len(body)) + body

    @staticmethod
    def receive(peer):
        """(type, fields), or None if the courier has closed the connection."""
        data = b""
        while len(data) < 8 or len(data) < 8 + struct.unpack("<I", data[4:8])[0]:
            try:
                more = peer.recv(65536)
            except OSError:
                return None
            if not more:
                return None
            data += more
        fields, body = [], data[8:]
        while body:
            size = struct.unpack("<I", body[:4])[0]
            fields.append(body[4 : 4 + size])
            body = body[4 + size :]
        return struct.unpack("<I", data[:4])[0], fields

    def talk(self):
        try:
            peer = self.listener.accept()[0]
        except OSError:
            return
        with peer:
            number = struct.pack("<I", 0)
            url = f"https://127.0.0.1:{self.trustee.port}".encode()
            servers = self.message(self.SERVER, url, self.ca) + self.message(self.SERVER, b"https://127.0.0.1:1", self.ca)
            timeout = struct.pack("<I", 20)
            for message in (servers + self.message(self.OPEN, number, timeout, b"", b"user:pass", *self.identity),
                            self.message(self.RESOURCE, b"a/b/c", b"")):
                try:
                    peer.sendall(message)
                except OSError:
                    return
                self.heard = self.receive(peer)
                if not self.heard or self.heard[0] != self.ANSWER:
                    return

    def once(self):
        self.heard = None
        keeper = threading.Thread(target=self.talk)
        keeper.start()
        status, _, errors = self.server.run()
        keeper.join()
        return (status, self.summary()), errors

    def summary(self):
        if not self.heard:
            return b""
        if self.heard[0] == self.ANSWER:
            return b"HTTP %d" % struct.unpack("<I", self.heard[1][0])
        return b"failure %d: " % struct.unpack("<I", self.heard[1][0]) + self.heard[1][2]

    def point(self, classes, at, persistent, trace=False):
        self.control.arm(classes, at, persistent, trace)
        (status, said), self.errors = self.once()
        self.control.disarm()
        _, failed, call = self.control.result()
        finding = judge.ended(classes, status, b"", self.errors)
        if finding is None and said not in (b"", self.want[1]):
            # 1: the system. A failed system call may also break the connection (5) or its TLS (6).
            allowed = (b"failure 1:",) if classes == MEMORY else (b"failure 1:", b"failure 5:", b"failure 6:")
            if not said.startswith(allowed):
                finding = f"the courier says: {said.decode(errors='replace')}"
        return finding, failed > 0, call

    def tear_down(self):
        self.listener.close()
        self.trustee.stop()


VERIFY = [f"{NATIVE}/userspace/cli/realmkey", "token", "verify"]
EAR = [f"{NATIVE}/userspace/cli/realmkey", "verify"]
GOOD = "{v}/v01-907-2023-es384.cbor"
CHALLENGE = bytes(range(64)).hex()
KBS = ["--url", "{url}", "--insecure"]
TRUSTEED = [f"{NATIVE}/userspace/trusteed/trusteed", "--state", "{state}", "--listen", "127.0.0.1:0"]
DAEMON = [f"{NATIVE}/tests/cli/realmkeyd_here", "--courier", f"{RELEASE}/userspace/courier/realmkey-courier", "--keyring",
          "{d}/keyring/mount", "--config", "{d}/conf", "--once"]


def programs():
    return [
        Scenario("token verify, good, a key", 0, *VERIFY, GOOD, "--anchors", "{w}/key.jwk", says=b"OK anchor", warm=None),
        Scenario("token verify, good, a store", 0, *VERIFY, GOOD, "--anchors", "{w}/store.json", says=b"OK anchor"),
        Scenario("token verify, good, a directory", 0, *VERIFY, GOOD, "--anchors", "{w}/directory", "--json", says=b"OK"),
        Scenario("token verify, revoked by name", 7, *VERIFY, GOOD, "--anchors", "{w}/by-name.json", says=b"_REVOKED"),
        Scenario("token verify, revoked by key", 7, *VERIFY, GOOD, "--anchors", "{w}/by-key.json", says=b"_REVOKED"),
        Scenario("token verify, revoked in a directory", 7, *VERIFY, GOOD, "--anchors", "{w}/one-of-two", says=b"_REVOKED"),
        Scenario("token verify, no anchor fits", 7, *VERIFY, GOOD, "--anchors", "{w}/wrong.json", says=b"E_SIG_PLATFORM"),
        Scenario("token verify, wrong platform signature", 7, *VERIFY, "{v}/b01-plat-payload-flip.cbor", "--anchors",
                 "{w}/store.json", says=b"E_"),
        Scenario("token verify, wrong realm signature", 7, *VERIFY, "{v}/b05-realm-signed-by-other.cbor", "--anchors",
                 "{w}/store.json", says=b"E_SIG_REALM"),
        Scenario("token verify, old challenge", 7, *VERIFY, "{v}/b09-wrong-challenge.cbor", "--anchors", "{w}/store.json",
                 "--challenge", CHALLENGE, says=b"E_FRESHNESS"),
        Scenario("token show", 0, f"{NATIVE}/userspace/cli/realmkey", "token", "show", GOOD, says=b"platform"),
        Scenario("verify, good", 0, *EAR, "{ear}/ok-affirming.jwt", "--key", "{ear}/pkey.json", says=b"affirming"),
        Scenario("verify, key in the header", 0, *EAR, "{ear}/ok-header-jwk.jwt", "--json", says=b"claims"),
        Scenario("verify, wrong signature", 7, *EAR, "{ear}/bad-sig-flip.jwt", "--key", "{ear}/pkey.json"),
        Scenario("verify, expired", 7, *EAR, "{ear}/bad-expired.jwt", "--key", "{ear}/pkey.json"),
        Scenario("rim, a kernel", 0, f"{NATIVE}/userspace/cli/realmkey-tools", "rim", "--vmm", "bench", "--kernel",
                 "{w}/Image", "--dtb", "{w}/bench.dtb", "--json"),
        Scenario("rim, this realm", 0, HERE, "rim"),
        Scenario("token, this realm", 0, HERE, "token", "--challenge", "00", says=b"challenge"),
        Scenario("measurements", 0, HERE, "measurements", "--json", says=b"rem"),
        Client("attest", 0, HERE, "attest", *KBS),
        Client("get-resource", 0, HERE, "get-resource", *KBS, "--path", "a/b/c", says=b"sesame"),
        File("get-resource, into a file", 0, HERE, "get-resource", *KBS, "--path", "a/b/c", "--output", "{d}/file/secret"),
        Denied("get-resource, denied", 8, HERE, "get-resource", *KBS, "--path", "a/b/c"),
        Client("get-resource, not there", 9, HERE, "get-resource", *KBS, "--path", "a/b/none"),
        Daemon("realmkeyd --once, a new secret", 0, *DAEMON),
        Unchanged("realmkeyd --once, the same secret", 0, *DAEMON),
        Reshaped("realmkeyd --once, a file becomes a directory, and back", 0, *DAEMON),
        Rotated("realmkeyd --once, a pair and a file that stays", 0, *DAEMON),
        Scenario("keys, a list", 0, f"{NATIVE}/userspace/keys/realmkey-keys", "--directory", "realmkey.sweep", "--list",
                 says=b"SERIAL", warm=None),
        Courier("courier, a resource over TLS", 0, f"{NATIVE}/userspace/courier/realmkey-courier", says=b"HTTP"),
        Start("trusteed, first start", 0, *TRUSTEED, says=b"listening"),
        Restart("trusteed, next start", 0, *TRUSTEED, says=b"listening"),
    ]
