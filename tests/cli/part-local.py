#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of realmkey-local: who gets which secret, what systemd sees if there is none, and what is left in memory. The
keyring and the units are the test's own. TAP."""
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
from local_world import (BIN, CREDENTIAL_MAX, INTERFACE, SERVED_USER, Client, Program, World, credential,  # noqa: E402
                         credential_whole, get)
from memory import where  # noqa: E402
from tap import tap  # noqa: E402

USAGE = "usage: tests/cli/part-local.py FOLDER    in the toolchain root, at the top of the tree"
MARKER = f"marker-{os.getpid()}-{time.time_ns()}"
CONFIG = """
[secret db]
resource = a/b/c
credential = web.service postgresql@17-main.service:password
crypttab = my-data
allow = uid:1000 gid:50 unit:backup.service container:pod.service
[secret late]
resource = a/b/d
credential = web.service:late
crypttab = late
allow = uid:1000
[secret plain]
resource = a/b/e
file = plain
[local]
wait = 2s
"""


def fails(text, client):
    """Systemd must fail the unit: it reads more than a credential may have."""
    result = client.result()
    tap.check(text, bool(result) and isinstance(result, list) and result[0] > CREDENTIAL_MAX, result)


def credentials(world):
    value = [len(MARKER), MARKER]
    tap.same("a credential", value, credential(world, "web.service", "1f/unit/web.service/db").result())
    tap.same("with another id", value,
             credential(world, "postgresql@17-main.service", "1/unit/postgresql@17-main.service/password").result())
    tap.same("below a unit", value, credential(world, "web.service/.control", "1/unit/web.service/db").result())
    fails("an impostor: root in another unit", credential(world, "evil.service", "1/unit/web.service/db"))
    fails("an impostor in no unit", credential(world, None, "1/unit/web.service/db"))
    fails("a unit below another unit", credential(world, "evil.service/web.service", "1/unit/web.service/db"))
    fails("a credential that is not in the configuration",
          credential(world, "web.service", "1/unit/web.service/plain"))
    fails("a unit that is not in the configuration", credential(world, "evil.service", "1/unit/evil.service/db"))
    fails("a client without a name", credential(world, "web.service", None))
    fails("a client with a name of another form", credential(world, "web.service", "x/unit/web.service/db"))
    fails("a container of the unit", credential(world, "web.service/libpod-payload-1", "1/unit/web.service/db"))
    tap.same("another user cannot connect", "PermissionError",
             credential(world, "web.service", "1/unit/web.service/db", uid=1000).result())
    os.chmod(world.credentials, 0o666)
    fails("and if they could, they would be refused",
          credential(world, "web.service", "1/unit/web.service/db", uid=1000))
    os.chmod(world.credentials, 0o600)


def volumes(world):
    unit = "systemd-cryptsetup@my\\x2ddata.service"
    tap.same("the key of a volume", [len(MARKER), MARKER], credential(world, unit, "1/cryptsetup/my-data").result())
    tap.same("in another unit: a failed try", [0, ""], credential(world, "evil.service", "1/cryptsetup/my-data").result())
    tap.same("another volume: a failed try", [0, ""], credential(world, unit, "1/cryptsetup/root").result())
    tap.same("a key that does not come: a failed try", [0, ""],
             credential(world, "systemd-cryptsetup@late.service", "1/cryptsetup/late").result())


def wakes(pid):
    """How many times the process has slept, and was woken."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches:"))


def waiting(world):
    began = time.monotonic()
    fails("a credential that never comes", credential(world, "web.service", "1/unit/web.service/late"))
    took = time.monotonic() - began
    tap.check("after the time of the configuration", 1.9 < took < 6, took)
    tap.check("the log has the reason", "resource a/b/d: denied" in world.logged(), world.logged())
    for client_make in (lambda: credential(world, "web.service", "1/unit/web.service/late"),
                        lambda: get(world, None, "late", uid=1000)):
        client = client_make()
        time.sleep(0.5)
        before = wakes(world.process.pid)
        time.sleep(0.5)
        tap.check("a secret that is not there: the client waits", client.waits())
        tap.same("and nothing wakes realmkey-local meanwhile", 0, wakes(world.process.pid) - before)
        world.serve("late", b"at last")
        result = client.result()
        tap.check("and gets it", result in ([7, "at last"], "at last"), result)
        world.remove("late")
    tap.same("a program that does not wait", "NotDelivered: resource a/b/d: denied",
             get(world, None, "late", uid=1000, wait_ms=0).result())
    world.serve("late", b"")
    fails("an empty value is no credential", credential(world, "web.service", "1/unit/web.service/late"))
    world.remove("late")


def rotation(world):
    """Values of 1 MiB, which do not fit into the socket, are replaced while they are read."""
    def read_slowly():
        with socket.socket(socket.AF_UNIX) as client:
            client.bind(b"\0" + os.urandom(8).hex().encode() + b"/unit/web.service/db")
            client.connect(world.credentials)
            length, seen = 0, set()
            while data := client.recv(65536):
                length += len(data)
                seen |= set(data)
                time.sleep(0.02)
            return [length, sorted(seen)]

    world.serve("db", b"a" * CREDENTIAL_MAX)
    clients = [Client(world, "web.service", read_slowly) for _ in range(4)]
    time.sleep(0.2)
    world.serve("db", b"b" * CREDENTIAL_MAX)
    tap.same("a value that is replaced while it is read arrives whole", [[CREDENTIAL_MAX, [ord("a")]]] * 4,
             [client.result() for client in clients])
    tap.same("and the next client gets the new one", [CREDENTIAL_MAX, "b" * 200],
             credential(world, "web.service", "1/unit/web.service/db").result())
    tap.check("as does a program", get(world, None, "db", uid=1000).result() == "b" * CREDENTIAL_MAX)
    world.serve("db", MARKER.encode())


def programs(world):
    tap.same("a program of a user", MARKER, get(world, None, "db", uid=1000).result())
    tap.same("of a group", MARKER, get(world, None, "db", uid=1001, groups=[7, 50]).result())
    tap.same("of a unit", MARKER, get(world, "backup.service", "db", uid=1001).result())
    tap.same("of a container in a unit", MARKER, get(world, "pod.service/libpod-payload-1", "db", uid=1001).result())
    denied = "PermissionDenied: "
    tap.same("another user", denied, get(world, None, "db", uid=1001).result())
    tap.same("root, who is not named", denied, get(world, "evil.service", "db").result())
    tap.same("a unit below that of another", denied, get(world, "evil.service/backup.service", "db", uid=1001).result())
    tap.same("a unit of a user's own manager", denied,
             get(world, "user@1001.service/app.slice/backup.service", "db", uid=1001).result())
    tap.same("the user in a container", denied, get(world, "machine.slice/libpod-1.scope", "db", uid=1000).result())
    tap.same("the unit of the container, without one", denied, get(world, "pod.service", "db", uid=1001).result())
    tap.same("a secret without allow", denied, get(world, None, "plain", uid=1000).result())
    tap.same("a secret that does not exist", denied, get(world, None, "nothing", uid=1000).result())
    tap.same("a name that leads out of the keyring", denied, get(world, None, "../.status", uid=1000).result())
    tap.same("a process of another PID namespace is in a container", denied,
             Client(world, "backup.service", lambda: in_namespace(world)).result())
    names = Client(world, None, lambda: Program(world).call(INTERFACE + ".List"), uid=1000).result()
    tap.same("the list", {"reply": {"names": ["db", "late"]}}, names)
    names = Client(world, None, lambda: Program(world).call(INTERFACE + ".List"), uid=1001).result()
    tap.same("of another user", {"reply": {"names": []}}, names)


def in_namespace(world):
    """What a process gets that has another number in a PID namespace below ours."""
    os.unshare(os.CLONE_NEWPID)
    return Client(world, None, lambda: Program(world).get("db"), uid=1000).result()


def connections(world):
    def several():
        program = Program(world)
        first = program.get("db")
        program.send((b'{"method":"%s.List"}\0' % INTERFACE.encode()) * 3)
        return [first] + [program.reply()["parameters"]["names"] for _ in range(3)] + [program.get("db")]

    names = ["db", "late"]
    tap.same("several requests on a connection", [MARKER, names, names, names, MARKER],
             Client(world, None, several, uid=1000).result())

    def malformed(data):
        program = Program(world)
        program.send(data)
        return program.reply()

    tap.same("a request that is not JSON ends the connection", None, Client(world, None, lambda: malformed(b"{\0"), uid=1000).result())
    tap.same("and so does a long one", None, Client(world, None, lambda: malformed(b" " * 4096), uid=1000).result())
    began = time.monotonic()
    tap.same("and one that does not end", None, Client(world, None, lambda: malformed(b"{"), uid=1000).result())
    tap.check("after 5 s", 4 < time.monotonic() - began < 8)

    def many():
        programs_ = [Program(world) for _ in range(9)]
        time.sleep(0.5)
        return [program.get("db") if program else "" for program in programs_[:8]]

    holder = Client(world, None, lambda: [many(), time.sleep(1)][0], uid=1000)
    tap.same("eight connections of a user", [MARKER] * 8, holder.result())

    def crowd():
        programs_ = [Program(world) for _ in range(20)]
        time.sleep(2)
        return len(programs_)

    holder = Client(world, None, crowd, uid=1001)
    time.sleep(0.5)
    tap.same("a user with many connections does not lock out others", MARKER, get(world, None, "db", uid=1000).result())
    holder.result()
    tap.check("the log says so", "too many connections" in world.logged(), world.logged()[-2000:])


def varlink_tools(world):
    def varlinkctl(*arguments):
        return subprocess.run(["varlinkctl", *arguments], capture_output=True, text=True, timeout=20)

    result = varlinkctl("introspect", "unix:" + world.api, INTERFACE)
    tap.check("varlinkctl introspect", result.returncode == 0 and "method Get(" in result.stdout, result)
    result = varlinkctl("info", "unix:" + world.api)
    tap.check("varlinkctl info", result.returncode == 0 and INTERFACE in result.stdout, result)
    result = varlinkctl("call", "unix:" + world.api, INTERFACE + ".Get", '{"name":"db"}')
    tap.check("varlinkctl call, as root, who is not named", result.returncode != 0 and "PermissionDenied" in result.stderr,
              result)


def command(world):
    def realmkey(*arguments):
        run = subprocess.run([BIN + "/cli/realmkey", "get", "--socket", world.api, *arguments], capture_output=True,
                             text=True, timeout=20, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        return [run.returncode, run.stdout, run.stderr]

    def user(*arguments):
        return Client(world, None, lambda: realmkey(*arguments), uid=1000).result()

    tap.same("realmkey get", [0, MARKER, ""], user("db"))
    result = user("plain")
    tap.check("of a secret that is denied", result[:2] == [8, ""] and "[secret] allow" in result[2], result)
    result = user("late", "--timeout", "1s")
    tap.check("of one that does not come", result[:2] == [10, ""] and "resource a/b/d: denied" in result[2], result)
    result = user("db", "--output", "/dev/null/x")
    tap.check("to a file that cannot be written", result[0] == 1 and not result[1], result)


def confined(world):
    def fields(pid):
        with open(f"/proc/{pid}/status") as status:
            return dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)

    acceptor, reader = fields(world.process.pid), fields(world.reader())
    for name, process, uid in (("acceptor", acceptor, 0), ("reader", reader, SERVED_USER)):
        tap.same(f"the {name} has a system call filter, and no capability", ["2", "1", "0" * 16, "0" * 16],
                 [process[key] for key in ("Seccomp", "NoNewPrivs", "CapEff", "CapPrm")])
        tap.check(f"the user of the {name}", process["Uid"].split("\t") == [str(uid)] * 4, process["Uid"])
    tap.same("the root of the reader is the keyring", os.path.realpath(world.keyring),
             os.readlink(f"/proc/{world.reader()}/root"))


def memory(world):
    """After the answers above, the value is in neither process, as it is or as base64."""
    import base64
    texts = [MARKER.encode(), base64.b64encode(MARKER.encode()).rstrip(b"=")[:-1]]
    for name, pid in (("acceptor", world.process.pid), ("reader", world.reader())):
        for text, form in zip(texts, ("as it is", "as base64")):
            tap.check(f"the value is not in the memory of the {name}, {form}", not any(where(pid, text)))
    # The scan finds what is there: the name of the secret, in the configuration of the acceptor.
    tap.check("and the scan finds what is there", any(where(world.process.pid, b"postgresql@17-main.service")))


def ends(world):
    """However a process ends, systemd does not see a clean end."""
    for text, end in (("the acceptor is killed", lambda: world.process.kill()),
                      ("the reader is killed", lambda: os.kill(world.reader(), signal.SIGKILL)),
                      ("the acceptor is told to end", lambda: world.process.terminate())):
        clients = [credential(world, "web.service", "1/unit/web.service/late") for _ in range(3)]
        volume = credential(world, "systemd-cryptsetup@late.service", "1/cryptsetup/late")
        program = get(world, None, "late", uid=1000)
        time.sleep(0.7)
        tap.check(f"{text}: clients wait", all([client.waits() for client in clients]))
        end()
        for client in clients:
            fails(f"{text}: each unit fails", client)
        result = volume.result()
        tap.check(f"{text}: a volume has no key", isinstance(result, list) and MARKER not in result[1], result)
        result = program.result()
        tap.check(f"{text}: a program gets an error", result in ("end", "ConnectionResetError") or
                  result.startswith("NotDelivered: "), result)
        status = world.process.wait(15)
        tap.check(f"{text}: it ends", status == (0 if "told" in text else -9 if "acceptor" in text else 1), status)
        tap.check("and starts again", world.start(), world.logged()[-2000:])


def leaves(world):
    """At SIGHUP it ends without a failure that a client would notice, as in an upgrade of the package."""
    value = [len(MARKER), MARKER]
    waiter = credential(world, "web.service", "1/unit/web.service/late")
    time.sleep(0.5)
    world.process.send_signal(signal.SIGHUP)
    tap.same("after SIGHUP, with a client that waits: another is served", value,
             credential(world, "web.service", "1/unit/web.service/db").result())
    world.serve("late", MARKER.encode())
    tap.same("the one that waits gets its credential", value, waiter.result())
    tap.same("then it ends", 0, world.process.wait(15))
    world.remove("late")
    tap.check("and the next one starts", world.start(), world.logged()[-2000:])


# --- load -----------------------------------------------------------------------------------------

LOAD = [f"load{number}" for number in range(4)]
LOAD_CONFIG = "".join(f"""
[secret {name}]
resource = a/b/c
credential = web.service:{name}
crypttab = {name}
allow = uid:1000 unit:backup.service
""" for name in LOAD)
REQUESTS = 10000
CLIENTS = 32


def load_value(name, version):
    """A value that shows whether it is whole, and whose it is: up to 100 KiB."""
    head = f"{name} {version} "
    body = hashlib.sha256(head.encode()).hexdigest() * (1 + version * 7919 % 1600)
    return (head + body).encode()


def load_check(name, value, since):
    """What is wrong with a value that was read after that of version since was in place; None: nothing."""
    fields = value.split(" ", 2)
    if len(fields) != 3 or fields[0] != name or value.encode("latin-1") != load_value(name, int(fields[1])):
        return f"{name}: {len(value)} bytes: {value[:60]!r}"
    return None if int(fields[1]) >= since else f"{name}: version {fields[1]}, which is older than {since}"


def current(world, name):
    """The version in place; root may read it."""
    with open(os.path.join(world.keyring, ".serve." + name), "rb") as file:
        return int(file.read(40).split(b" ")[1])


def load_request(world, kind, number):
    """One request of a client of this kind. What is wrong with the answer, or None."""
    name = LOAD[number % len(LOAD)]
    version = current(world, name) if kind != "program" else 0    # which that user cannot read
    if kind == "unit":
        unit = "web.service" if number % 50 else "evil.service"    # an impostor
        value = credential_whole(world.credentials, os.urandom(8).hex() + f"/unit/{unit}/{name}")
        if unit == "evil.service":
            return None if len(value) > CREDENTIAL_MAX else f"impostor: {len(value)} bytes"
        return load_check(name, value, version)
    program = Program(world)
    for _ in range(3):
        wrong = load_check(name, program.get(name), version)
        if wrong:
            return wrong
    if program.get("plain") != "PermissionDenied: " or "reply" not in program.call(INTERFACE + ".List"):
        return "a refusal or a list"
    return None


def load_client(world, kind, requests):
    """Make this many requests; the first few that were answered wrongly."""
    wrong, number = [], os.getpid()
    while requests > 0 and len(wrong) < 3:
        fault = load_request(world, kind, number)
        wrong += [fault] if fault else []
        requests -= 1 if kind == "unit" else 5
        number += 1
    return wrong


def load(world):
    """32 clients make 10,000 requests, while the secrets change all the time."""
    world.configure(CONFIG + LOAD_CONFIG)
    version = 1
    for name in LOAD:
        world.serve(name, load_value(name, version))
    share = REQUESTS // CLIENTS + 1
    began = time.monotonic()
    kinds = [("unit", "web.service", 0)] * 10 + [("root", "backup.service", 0)] * 10 + [("program", None, 1000)] * 8
    clients = [Client(world, unit, lambda k=kind: load_client(world, k, share), uid=uid) for kind, unit, uid in kinds]
    clients += [Client(world, f"systemd-cryptsetup@{LOAD[0]}.service", lambda: load_client_volume(world, share))
                for _ in range(4)]
    while any([client.waits() for client in clients]):
        version += 1
        for name in LOAD:
            world.serve(name, load_value(name, version))
        if time.monotonic() - began > 240:
            break
    wrong = [client.result() for client in clients]
    tap.check(f"{CLIENTS} clients, {share * CLIENTS} requests, {version} versions of {len(LOAD)} secrets: no wrong answer",
              not any(wrong) and None not in wrong and version > 10, [fault for fault in wrong if fault != []])
    print(f"# {time.monotonic() - began:.1f} s", flush=True)
    for name in LOAD:
        world.remove(name)
    world.configure(CONFIG)


def load_client_volume(world, requests):
    """As load_client(), for a volume, whose unit may have one secret only."""
    for _ in range(requests):
        version = current(world, LOAD[0])
        value = credential_whole(world.credentials, os.urandom(8).hex() + f"/cryptsetup/{LOAD[0]}")
        fault = load_check(LOAD[0], value, version)
        if fault:
            return [fault]
    return []


def adopted(world):
    """A connection that the service manager has kept, because both processes were killed."""
    listening, (kept, client) = socket.socket(socket.AF_UNIX), socket.socketpair()
    listening.bind(world.folder + "/held.sock")
    listening.listen()

    def pass_on():
        for fd, number in ((listening.fileno(), 203), (kept.fileno(), 204), (203, 3), (204, 4)):
            os.dup2(fd, number)

    process = subprocess.Popen(
        ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", BIN + "/local/realmkey-local", "--keyring", world.keyring, "--config",
         world.config], preexec_fn=pass_on, pass_fds=(3, 4), stderr=subprocess.PIPE, text=True,
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "credentials:held"})
    kept.close()
    client.settimeout(20)
    length = 0
    while data := client.recv(65536):
        length += len(data)
    tap.check("a connection that is left from killed processes fails", length > CREDENTIAL_MAX, length)
    process.terminate()
    log = process.communicate(timeout=15)[1]
    tap.check("and the log says so", "was left by an earlier process" in log, log)


def configuration(world):
    world.configure(CONFIG.replace("uid:1000 gid:50", "uid:1002"), publish=False)
    tap.same("a configuration that realmkeyd has not read does not count", MARKER, get(world, None, "db", uid=1000).result())
    world.publish()
    tap.same("once it has: the old user", "PermissionDenied: ", get(world, None, "db", uid=1000).result())
    tap.same("and the new one", MARKER, get(world, None, "db", uid=1002).result())
    client = credential(world, "web.service", "1/unit/web.service/late")
    time.sleep(0.3)
    world.configure(CONFIG.replace("credential = web.service:late", ""))
    fails("a client that waits, and is not allowed any more", client)
    world.configure(CONFIG)
    tap.same("and back", MARKER, get(world, None, "db", uid=1000).result())
    waiter = credential(world, "web.service", "1/unit/web.service/late")
    time.sleep(0.3)
    os.unlink(world.config)
    world.publish(digest="0" * 64)
    fails("a configuration that cannot be read: it ends", waiter)
    tap.same("with a failure, so that systemd starts it again", 3, world.process.wait(15))
    world.configure(CONFIG)
    tap.check("and then it runs", world.start(), world.logged()[-2000:])


def main(folder):
    world = World(folder + "/local", CONFIG)
    world.publish({"late": "resource a/b/d: denied"})
    world.serve("db", MARKER.encode())
    try:
        tap.check("realmkey-local starts", world.start(), world.logged())
        for part in (credentials, volumes, programs, connections, varlink_tools, command, waiting, confined, memory, rotation,
                     ends, leaves, adopted, configuration, load):
            part(world)
        tap.check("no value is in the log", MARKER not in world.logged())
        tap.check("each read is logged", "credential 'web.service/db': secret 'db' given to uid 0, pid " in world.logged() and
                  "API 'db': given to uid 1000, pid " in world.logged(), world.logged()[:3000])
        tap.check("each refusal is logged", "credential 'web.service/db': refused to uid 0, pid " in world.logged() and
                  "evil.service, not in that unit" in world.logged() and "API 'db': refused to uid 1001" in world.logged(),
                  world.logged()[:3000])
        tap.same("it ends at once", 0, world.stop())
    except Exception:
        tap.check("no exception", False, traceback.format_exc() + world.logged()[-3000:])
    finally:
        world.end()
    return tap.done()


if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
    print(USAGE)
    sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
sys.exit(0 if main(sys.argv[1]) else 1)
