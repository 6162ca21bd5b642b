#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the table in hostile_cases.py. Each case must end with its status, in time, in 16 MiB of memory, and with a
message that is safe to show. TAP; --verbose prints the messages and figures too."""
import concurrent.futures
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
import unicodedata
import warnings

sys.dont_write_bytecode = True
import hostile_cases  # noqa: E402
import hostile_jose as jose  # noqa: E402
import hostile_kbs  # noqa: E402

WORK = "build/hostile"
HERE = "build/release/tests/cli/"
USER = "build/release/userspace/"
COURIER = os.path.abspath(USER + "courier/realmkey-courier")
WORKERS = 8

MEMORY_KIB = 16 << 10  # of the keeper, the courier or the tool, whichever is largest
SLACK = 25  # seconds: the keeper waits 15 s longer than the courier, and this machine may be busy
LINE_MAX = 1200  # characters of a message

# Certificates: validity, names, other options.
VALID = ("20240101000000Z", "20391231235959Z")
CERTIFICATES = {
    "good": (VALID, "IP:127.0.0.1", []),
    "host": (VALID, "DNS:example.com,IP:127.0.0.2", []),
    "expired": (("20200101000000Z", "20210101000000Z"), "IP:127.0.0.1", []),
    "future": (("20380101000000Z", "20391231235959Z"), "IP:127.0.0.1", []),
    "weak": (VALID, "IP:127.0.0.1", ["-newkey", "rsa:1024"]),
    "ed25519": (VALID, "IP:127.0.0.1", ["-newkey", "ed25519"]),
    "ed448": (VALID, "IP:127.0.0.1", ["-newkey", "ed448"]),
    "client": (VALID, "IP:127.0.0.1", ["-addext", "extendedKeyUsage=clientAuth"]),
    "self": (VALID, "IP:127.0.0.1", None),
}


def path(name):
    return os.path.join(WORK, name)


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data)
    return path(name)


def certificate(name, validity, names, options, ca):
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-not_before", validity[0], "-not_after", validity[1], "-subj", f"/CN={name}",
               "-keyout", path(name + ".key"), "-out", path(name + ".pem")]
    if "-newkey" in options:
        command[3:7] = []  # another key than the usual one
    if ca:
        command += ["-CA", path(ca + ".pem"), "-CAkey", path(ca + ".key"), "-addext",
            "basicConstraints=critical,CA:FALSE"]
    if names:
        command += ["-addext", f"subjectAltName={names}"]
    subprocess.run(command + options, check=True, stderr=subprocess.DEVNULL)


def context(name):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.load_cert_chain(path(name + ".pem"), path(name + ".key"))
    return made


def set_up():
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    os.chmod("build", 0o755)
    for key in "cpak", "rak":
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out",
                        path(key + ".pem")], check=True, stderr=subprocess.DEVNULL)
    authority = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    certificate("ca", VALID, "", authority, "")
    certificate("ca-other", VALID, "", authority, "")
    for name, (validity, names, options) in CERTIFICATES.items():
        certificate(name, validity, names, options or [], "" if options is None else "ca")
    certificate("other", VALID, "IP:127.0.0.1", [], "ca-other")
    made = {name: context(name) for name in [*CERTIFICATES, "other"]}
    made["slow"], made["old"] = made["good"], context("good")
    with warnings.catch_warnings(action="ignore"):  # it is deprecated
        made["old"].minimum_version = ssl.TLSVersion.TLSv1
        made["old"].maximum_version = ssl.TLSVersion.TLSv1_1
    write("key.jwk", json.dumps(jose.SIGNER_JWK).encode())
    write("admin-token", b"x.y.z\n")
    return made


class Run:
    """One case with one program."""

    def __init__(self, number, case, program, contexts):
        self.number, self.case, self.program, self.contexts = number, case, program, contexts
        self.name = f"{program}: {case.name}"
        self.keyring = path(f"keyring{number}")
        self.faults = []

    def command(self, url):
        case = self.case
        reach = ["--url", url, "--timeout", str(case.timeout)] + \
            (["--ca", path("ca.pem")] if case.tls else ["--insecure"])
        if self.program == "verify":
            return [USER + "cli/realmkey", "verify", "--key", path("key.jwk"), write(f"ear{self.number}",
                case.file.encode())]
        if self.program == "get":
            return [HERE + "realmkey_here", "get-resource", *reach, "--path", "a/b/c"]
        if self.program == "admin":
            return [USER + "cli/realmkey", "admin", "set-resource-policy", "--deny-all", *reach, "--admin-token-file",
                    path("admin-token")]
        lines = ["[kbs]", f"url = {url}", f"timeout = {case.timeout}"]
        lines.append(f"ca = {os.path.abspath(path('ca.pem'))}" if case.tls else "insecure = yes")
        for i in range(5 if self.program == "five" else 1):
            lines += [f"[secret s{i}]", "resource = a/b/c"]
        os.mkdir(self.keyring)
        return [HERE + "realmkeyd_here", "--once", "--courier", COURIER, "--keyring", os.path.abspath(self.keyring),
                "--config", write(f"conf{self.number}", "\n".join(lines + [""]).encode())]

    def secret(self, out):
        """What the program got, or None."""
        if self.program == "get":
            return out or None
        file = os.path.join(self.keyring, "s0")
        if self.program not in ("once", "five") or not os.path.exists(file):
            return None
        with open(file, "rb") as stream:
            return stream.read()

    def run(self):
        case = self.case
        slow = case.tls == "slow"
        kbs = hostile_kbs.Kbs({stage: answer for stage, answer in case.answers.items() if answer is not None},
                              self.contexts.get(case.tls), delay=17 if slow else 0)
        report = path(f"peak{self.number}")
        began = time.monotonic()
        command = self.command(f"http{'s' if case.tls else ''}://127.0.0.1:{kbs.port}")
        limit = case.timeout + SLACK
        with subprocess.Popen([HERE + "peak", report, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, start_new_session=True,
                              env=os.environ | {"REALM_HERE": WORK, "REALMKEY_COURIER": COURIER}) as process:
            try:
                out, err = process.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                self.faults.append(f"runs longer than {limit} s")
                os.killpg(process.pid, 9)
                out, err = process.communicate()
        self.seconds = time.monotonic() - began
        kbs.stop()
        self.judge(process.returncode, out, err, report, len(kbs.requests))
        if self.program in ("once", "five"):
            subprocess.run(["umount", self.keyring], stderr=subprocess.DEVNULL, check=False)
        return self

    def judge(self, status, out, err, report, requests):
        case, faults = self.case, self.faults
        self.err = err.decode(errors="replace")
        self.figures = f"{status}, {self.seconds:.1f} s, {requests} requests"
        if status != case.rc:
            faults.append(f"status {status}, not {case.rc}")
        if self.program != "verify":
            faults.extend(self.judge_secret(status, out))
        if os.path.exists(report) and not faults:
            with open(report, encoding="ascii") as file:
                peak = int(file.read())
            self.figures += f", {peak} KiB"
            if peak > MEMORY_KIB:
                faults.append(f"{peak} KiB of memory, over {MEMORY_KIB}")
        if requests > max(case.requests, 0):
            faults.append(f"{requests} requests, over {case.requests}")
        if case.says and case.says not in self.err:
            faults.append(f"no '{case.says}' on standard error")
        faults.extend(message_faults(err))

    def judge_secret(self, status, out):
        secret = self.secret(out)
        if self.program == "admin":
            return []
        if status == 0 and (secret or b"") != self.case.secret:
            return ["another secret"]
        return [f"{len(secret)} bytes of a secret"] if status and secret is not None else []


def message_faults(err):
    """What could do harm on a terminal or in a log."""
    try:
        text = err.decode()
    except UnicodeDecodeError:
        return ["the message is not UTF-8"]
    faults = [f"U+{ord(c):04X} in the message" for c in set(text)
              if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c != "\n"]
    if any(len(line) > LINE_MAX for line in text.split("\n")):
        faults.append("a line that is too long")
    return faults


def main():
    words = [word for word in sys.argv[1:] if word != "--verbose"]
    verbose = "--verbose" in sys.argv
    contexts = set_up()
    runs = [Run(i, case, program, contexts) for i, (case, program) in enumerate(
        (case, program) for case in hostile_cases.CASES for program in case.programs)]
    runs = [run for run in runs if not words or any(word in run.name for word in words)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        # The longest first, so that they do not run alone at the end.
        started = {run: pool.submit(run.run) for run in sorted(runs, key=lambda run: -run.case.timeout)}
        for number, run in enumerate(runs, 1):
            started[run].result()
            failed += bool(run.faults)
            print(f"{'not ' if run.faults else ''}ok {number} - {run.name}")
            for line in run.faults + (run.err.splitlines() if run.faults or verbose else []):
                print(f"#   {line[:300]}")
            if verbose:
                print(f"#   {run.figures}")
            sys.stdout.flush()
    print(f"1..{len(runs)}")
    return 1 if failed or not runs else 0


if __name__ == "__main__":
    sys.stdout.flush()
    CODE = main()
    sys.stdout.flush()
    os._exit(CODE)  # threads may still be sending without end
