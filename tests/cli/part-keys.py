#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of realmkey-keys with the keys of this machine's kernel: what it makes, replaces and revokes, what owners and others
can do with it, and what it can do itself. It uses a directory of its own (--directory). TAP."""
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
import kernel_keys as kernel  # noqa: E402
import memory  # noqa: E402
from kernel_keys import CONFIRM, REMOVE, SET, as_user, read, search  # noqa: E402
from tap import tap  # noqa: E402

USAGE = "usage: tests/cli/part-keys.py FOLDER    in the toolchain root, at the top of the tree"
NATIVE = "build/native/userspace/keys/realmkey-keys"    # with sanitizers
RELEASE = "build/release/userspace/keys/realmkey-keys"
OWNER, OTHER, POOR = 61231, 61232, 61233    # users that nothing else has
DIRECTORY = "realmkey.test"

HEAD = "[kbs]\nurl = https://kbs.example\n"
USER_KEY, LOGON, SHORT, BIG, FALLBACK, FILE, OTHERS = range(7)
SECRETS = f"""
[secret user]
resource = a/b/user
owner = {OWNER}
key = user:test:user
[secret logon]
resource = a/b/logon
owner = {OWNER}
key = logon:test:logon
[secret short]
resource = a/b/short
owner = {OWNER}
key = user:test:short
refresh = 2s
stale_after = 10s
on_stale = remove
[secret big]
resource = a/b/big
owner = {OWNER}
key = big_key:test:big
[secret fallback]
resource = a/b/fallback
owner = {OWNER}
key = big_key:test:fallback
key_fallback = yes
[secret file]
resource = a/b/file
[secret others]
resource = a/b/others
owner = {OTHER}
key = user:test:user
"""
work = ""


def config(name, text):
    path = f"{work}/{name}.conf"
    pathlib.Path(path).write_text(HEAD + text, encoding="utf-8")
    return path


class Server:
    """realmkey-keys --socket, and a keeper that is connected to it."""

    def __init__(self, text=SECRETS, program=NATIVE, **popen):
        self.path, self.config = f"{work}/keys.sock", config("keys", text)
        self.log = open(f"{work}/keys.log", "a+", encoding="utf-8")
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([program, "--socket", self.path, "--config", self.config, "--directory", DIRECTORY],
                                        stderr=self.log, env={"ASAN_OPTIONS": "detect_leaks=0"}, **popen)

    def __enter__(self):
        self.keeper = kernel.Keeper(self.path, self.config)
        return self.keeper

    def __exit__(self, *_):
        try:
            self.keeper.close()
        except OSError:
            pass
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def child(self):
        """The process of the connection."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])


def realmkey_keys(*arguments):
    return subprocess.run([NATIVE, "--directory", DIRECTORY, *arguments], capture_output=True, text=True, check=False)


def clean():
    realmkey_keys("--revoke-all")


def found(kind, name):
    """The key of the owner, as a service of the owner finds it."""
    return as_user(OWNER, lambda: search(kernel.SESSION, kind, name))


def value(name):
    return as_user(OWNER, lambda: read(search(kernel.SESSION, "user", name)))


def hold(key):
    """Keep a key that is no longer in its keyring, to see what became of it."""
    kernel.keyctl(kernel.LINK, key, kernel.SESSION)
    return key


# The kernel removes a revoked key after a while.
REVOKED = ("Key has been revoked", "Required key not available")


def state(key):
    try:
        read(key)
        return "valid"
    except OSError as error:
        return error.strerror


# --- the life of a key -----------------------------------------------------------------------------


def life():
    with Server() as keeper:
        tap.same("at first no key is there", [0] * 7, keeper.hello)
        tap.same("a key is made", "", keeper.ask(SET, USER_KEY, b"first"))
        tap.same("its owner reads it", "b'first'", value("test:user"))
        old = hold(int(found("user", "test:user")))
        tap.same("a key is replaced", "", keeper.ask(SET, USER_KEY, b"second"))
        new = hold(int(found("user", "test:user")))
        tap.check("the new key is another one", new != old, (old, new))
        tap.same("its owner reads the new value", "b'second'", value("test:user"))
        tap.check("the old key is revoked", state(old) in REVOKED, state(old))
        tap.same("a key of the type logon is made", "", keeper.ask(SET, LOGON, b"x" * 64))
        tap.check("and found by its owner", found("logon", "test:logon").isdigit(), found("logon", "test:logon"))
        logon = int(found("logon", "test:logon"))
        tap.same("but nobody reads it", ["Operation not supported"] * 2, [as_user(OWNER, lambda: read(logon)), state(logon)])
        tap.same("another owner's key has the same name", "", keeper.ask(SET, OTHERS, b"others"))
        tap.same("and another value", "b'others'", as_user(OTHER, lambda: read(search(kernel.SESSION, "user", "test:user"))))
    with Server() as keeper:
        tap.same("after a restart the keys are there", [1, 1, 0, 0, 0, 0, 1], keeper.hello)
        tap.same("as they were", "b'second'", value("test:user"))
        tap.same("with their numbers", str(new), found("user", "test:user"))
        tap.same("a key is removed", "", keeper.ask(REMOVE, USER_KEY))
        tap.same("its owner does not find it", "Required key not available", found("user", "test:user"))
        tap.check("it is revoked", state(new) in REVOKED, state(new))
        tap.same("to remove it again is not an error", "", keeper.ask(REMOVE, USER_KEY))
        tap.same("to confirm it is one", "key user:test:user: the key is gone", keeper.ask(CONFIRM, USER_KEY))
    with Server(SECRETS.replace("key = logon:test:logon\n", "")) as keeper:
        tap.same("a key that no secret has is revoked at the start", "Required key not available", found("logon", "test:logon"))
        tap.same("the others stay", [0, 0, 0, 0, 0, 0, 1], keeper.hello)
    with Server(SECRETS.replace(f"owner = {OTHER}", f"owner = {OWNER}").replace("key = user:test:user\n[", "[", 1)):
        tap.same("and so is that of a former owner", "Required key not available",
                 as_user(OTHER, lambda: search(kernel.SESSION, "user", "test:user")))


def expiry(name):
    for line in realmkey_keys("--list").stdout.splitlines():
        words = line.split()
        if words[-1] == name:
            return words[3]
    return "none"


def seconds(text):
    return int(text[:-1]) if text[:-1].isdigit() and text[-1] == "s" else -1


def times():
    with Server() as keeper:
        keeper.ask(SET, USER_KEY, b"kept")
        keeper.ask(SET, SHORT, b"short")
        tap.same("a secret that stays when it is stale has no time-out", "perm", expiry("test:user"))
        tap.check("one that is removed has one", seconds(expiry("test:short")) in range(11), expiry("test:short"))
        time.sleep(4)
        before = expiry("test:short")
        tap.same("a key is confirmed", "", keeper.ask(CONFIRM, SHORT))
        after = expiry("test:short")
        tap.check("its time-out begins again", 0 <= seconds(before) < seconds(after), (before, after))
        time.sleep(10.5)
        tap.same("then it expires", "Key has expired", found("user", "test:short"))
        tap.same("and cannot be confirmed", "key user:test:short: the key is gone", keeper.ask(CONFIRM, SHORT))
        tap.same("but made again", "", keeper.ask(SET, SHORT, b"again"))
        tap.same("with its value", "b'again'", value("test:short"))


# --- who can do what -------------------------------------------------------------------------------


def owners():
    with Server() as keeper:
        keeper.ask(SET, USER_KEY, b"mine")
        key = int(found("user", "test:user"))
        ring = int(found("keyring", "realmkey"))
        tap.same("the key belongs to root", "user;0;0;0b3f0000;test:user", as_user(OWNER, lambda: kernel.describe(key))[1:-1])
        tap.same("and so does the keyring", "keyring;0;0;1b3f0000;realmkey",
                 as_user(OWNER, lambda: kernel.describe(ring))[1:-1])
        for text, function in {
                "change a value": lambda: kernel.keyctl(kernel.UPDATE, key, b"fake", 4),
                "revoke a key": lambda: kernel.keyctl(kernel.REVOKE, key),
                "change permissions": lambda: kernel.keyctl(kernel.SETPERM, key, 0x3f3f3f3f),
                "change a time-out": lambda: kernel.keyctl(kernel.SET_TIMEOUT, key, 1),
                "link a key elsewhere": lambda: kernel.keyctl(kernel.LINK, key, kernel.SESSION),
                "put a key into the keyring": lambda: kernel.add("user", "test:user", b"fake", ring),
                "remove a key from the keyring": lambda: kernel.keyctl(kernel.UNLINK, key, ring),
                "empty the keyring": lambda: kernel.keyctl(kernel.CLEAR, ring),
                "revoke the keyring": lambda: kernel.keyctl(kernel.REVOKE, ring)}.items():
            tap.same(f"the owner cannot {text}", "Permission denied", as_user(OWNER, function))
        for text, function in {
                "read the key": lambda: read(key),
                "see the key": lambda: kernel.describe(key),
                "search the keyring": lambda: search(ring, "user", "test:user"),
                "link the keyring": lambda: kernel.keyctl(kernel.LINK, ring, kernel.SESSION)}.items():
            tap.same(f"another user cannot {text}", "Permission denied", as_user(OTHER, function))
        tap.same("the value is as it was", "b'mine'", value("test:user"))
        tap.same("an owner can make their key disappear", "0",
                 as_user(OWNER, lambda: kernel.keyctl(kernel.INVALIDATE, key)))
        tap.same("and it is made again with the next value", "", keeper.ask(SET, USER_KEY, b"mine"))
        tap.same("an owner can empty their user keyring", "0", as_user(OWNER, lambda: kernel.keyctl(kernel.CLEAR, kernel.USER)))
        tap.same("which does not disturb a later value", "", keeper.ask(SET, USER_KEY, b"mine again"))
    with Server() as keeper:
        tap.same("the next start links the same keyring again", str(ring), found("keyring", "realmkey"))
        tap.same("with the key", "b'mine again'", value("test:user"))
        # An impostor: the owner's own keyring of that name.
        as_user(OWNER, lambda: kernel.add("keyring", "realmkey", b"", kernel.USER))
        tap.same("a keyring of the owner's gets no secret", "", keeper.ask(SET, USER_KEY, b"not for this one"))
        tap.same("and holds none", "Required key not available", found("user", "test:user"))


# --- values that are not accepted ------------------------------------------------------------------


def values():
    with Server() as keeper:
        tap.same("an empty value", "key user:test:user: the value is empty, and a key cannot be", keeper.ask(SET, USER_KEY))
        tap.same("the longest value", "", keeper.ask(SET, USER_KEY, b"v" * 32767))
        tap.same("a value that is too long", "key user:test:user: the value has 32768 bytes, and a key of type user has at most "
                 "32767: choose type big_key, or a file", keeper.ask(SET, USER_KEY, b"v" * 32768))
        tap.same("after it, the old one is there", repr(b"v" * 32767), value("test:user"))
        tap.same("a secret without a key", "secret file has no key", keeper.ask(SET, FILE, b"v"))
        tap.same("a message that is for another program", "message of type 5 is not about keys",
                 keeper.ask(kernel.CHANGED, USER_KEY))
        tap.same("a number that no secret has", "there is no secret number 7", keeper.ask(SET, 7, b"v"))
        big = keeper.ask(SET, BIG, b"v" * 100000)
        if big:
            tap.same("a kernel without big_key", "key big_key:test:big: this kernel has no big_key keys: choose type user, or set "
                     "key_fallback = yes", big)
            tap.same("and what may be another type", "", keeper.ask(SET, FALLBACK, b"small"))
            tap.same("is one", "b'small'", value("test:fallback"))
        else:
            tap.check("a kernel with big_key", found("big_key", "test:big").isdigit(), found("big_key", "test:big"))
            tap.same("and a fallback that is not needed", "", keeper.ask(SET, FALLBACK, b"v" * 100000))
            tap.check("is of that type", found("big_key", "test:fallback").isdigit(), found("big_key", "test:fallback"))


def quota():
    """The quota of root is that of the whole machine, so this one is another user's: 20,000 bytes by default."""
    text = f"[secret poor]\nresource = a/b/c\nowner = {POOR}\nkey = user:test:poor\n"
    os.chmod(work, 0o777)

    def key():
        return as_user(POOR, lambda: read(search(kernel.SESSION, "user", "test:poor")))

    with Server(text, user=POOR, group=POOR, extra_groups=[]) as keeper:
        tap.same("a user's own realmkey-keys makes a key", "", keeper.ask(SET, 0, b"small"))
        tap.same("one beyond the quota is refused", "key user:test:poor: the quota of keys is used up: raise "
                 "kernel.keys.root_maxbytes (or root_maxkeys)", keeper.ask(SET, 0, b"v" * 30000))
        tap.same("after which the old one is there", "b'small'", key())
        tap.same("and can be replaced", "", keeper.ask(SET, 0, b"small too"))
        keeper.ask(REMOVE, 0)
    os.chmod(work, 0o755)


# --- the process -----------------------------------------------------------------------------------


def process():
    server = Server(program=RELEASE)
    with server as keeper:
        marker = os.urandom(32).hex().encode()
        keeper.ask(SET, USER_KEY, marker)
        keeper.ask(SET, LOGON, marker)
        pid = server.child()
        status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                      if ":\t" in line)
        tap.same("it has no capability", ["0" * 16] * 5, [status[f"Cap{name}"] for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")])
        tap.same("a filter of system calls", "2", status["Seccomp"])
        tap.same("and no new privileges", "1", status["NoNewPrivs"])
        tap.same("no copy of a value is left in its memory", [], [hex(at) for at in memory.where(pid, marker)])
        tap.check("as the same look finds its configuration", list(memory.where(pid, b"test:logon")), "not found")
        tap.same("nor in that of the process that listens", [], [hex(at) for at in memory.where(server.process.pid, marker)])
        listed = realmkey_keys("--list")
        tap.check("--list has the keys and no value", "test:user" in listed.stdout and "test:logon" in listed.stdout
                  and marker.decode() not in listed.stdout, listed)
    done = realmkey_keys("--revoke-all")
    tap.check("--revoke-all revokes all", done.returncode == 0 and "revoked 2 keys" in done.stderr, done)
    tap.same("after which none is there", "Required key not available", found("user", "test:user"))
    done = realmkey_keys("--revoke-all")
    tap.check("and nothing is left to do", done.returncode == 0 and not done.stderr, done)


def wrong():
    for status, pattern, arguments in (
            (2, "no connection from the service manager; use --socket PATH", []),
            (2, "only one of --list, --revoke-all and --socket can be given", ["--list", "--revoke-all"]),
            (2, "unknown option", ["--planted"]),
            (2, "path of a socket is too long", ["--socket", "/" + "x" * 120]),
            (1, "No such file or directory", ["--socket", f"{work}/nowhere/keys.sock"])):
        done = realmkey_keys(*arguments)
        tap.check(f"{' '.join(arguments)[:60] or 'no connection'}: status {status}, and what is wrong",
                  done.returncode == status and pattern in done.stderr and not done.stdout, done)
    with Server() as keeper:
        config("keys", SECRETS + "# changed\n")
        second = kernel.Keeper(f"{work}/keys.sock", f"{work}/keys.conf")
        tap.same("each connection reads the configuration", [0] * 7, second.hello)
        second.close()
        pathlib.Path(f"{work}/other.conf").write_text("x", encoding="utf-8")
        second = kernel.Keeper(f"{work}/keys.sock", f"{work}/other.conf")
        tap.check("a keeper with another configuration is refused", "systemctl reload realmkeyd" in second.hello, second.hello)
        tap.same("which does not disturb the first", "", keeper.ask(REMOVE, USER_KEY))
        config("keys", "[secret]\n")
        try:
            kernel.Keeper(f"{work}/keys.sock", f"{work}/keys.conf")
            tap.check("with a wrong configuration it does not start", False)
        except OSError:
            log = pathlib.Path(f"{work}/keys.log").read_text(encoding="utf-8")
            tap.check("with a wrong configuration it does not start, and says why", "keys.conf:3: " in log, log[-300:])


def main():
    global work
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(USAGE, file=sys.stdout if len(sys.argv) == 2 else sys.stderr)
        return 0 if len(sys.argv) == 2 else 2
    signal.alarm(300)
    work = os.path.abspath(f"{sys.argv[1]}/keys")
    os.makedirs(work, exist_ok=True)
    # What this process makes is its own.
    kernel.keyctl(kernel.JOIN, None)
    for part in (life, times, owners, values, quota, process, wrong):
        clean()
        try:
            part()
        except Exception:  # the other parts can still be checked
            tap.check(f"{part.__name__} ran to its end", False, traceback.format_exc())
    clean()
    return 0 if tap.done() else 1


sys.exit(main())
