# SPDX-License-Identifier: Apache-2.0
"""The RIM of a realm, by the rules in Documentation/rim.md.

This is a second implementation. It shares no code with userspace's rim.c, and is written from the
RMM specification, so that the two can be compared (part-rim.py).
"""
import hashlib
from dataclasses import dataclass

PAGE = 4096

# Versions of the rules, by the names that `realmkey rim --rmm` has for them.
RULES = ("1.0", "tfrmm-0.9", "2.0")

# RmiHashAlgorithm
HASHES = {"sha256": 0, "sha512": 1, "sha384": 2}

# RmmMeasurementDescriptor: its types and its size
DATA, REC, RIPAS = 0, 1, 2
DESCRIPTOR_SIZE = 0x100


@dataclass
class Realm:
    """What a host makes a realm from."""

    flags: int
    s2sz: int
    num_bps: int
    num_wps: int
    calls: list     # what the VMM requests, in its order: Ripas and Load
    pc: int
    x0: int


@dataclass
class Ripas:
    """A part of memory whose table entries have one size."""

    base: int
    top: int
    entry: int


@dataclass
class Load:
    """Bytes that are loaded in blocks of @align."""

    ipa: int
    data: bytes
    align: int = PAGE


def le64(*numbers):
    return b"".join(number.to_bytes(8, "little") for number in numbers)


def padded(data, size):
    assert len(data) <= size
    return data.ljust(size, b"\0")


def steps(realm, hash_name, rules):
    """The lines of --explain: REALM_CREATE, INIT_RIPAS, DATA_CREATE of each page, and REC_CREATE."""

    def digest(data):
        return hashlib.new(hash_name, data).digest()

    def line(what, **fields):
        numbers = "".join(f" {name}={number if isinstance(number, str) else hex(number)}"
                          for name, number in fields.items())
        lines.append(f"step {what}{numbers} rim={value.hex()}")

    def step(kind, body):
        nonlocal value
        head = le64(kind, DESCRIPTOR_SIZE) + padded(value, 64)
        value = digest(padded(head + body, DESCRIPTOR_SIZE))

    def ripas(call):
        for entry in range(call.base, call.top, call.entry):
            step(RIPAS, le64(entry, entry + call.entry))
            line("ripas", base=entry, top=entry + call.entry)

    def load(call):
        data = bytes(call.ipa % call.align) + call.data
        data += bytes(-len(data) % call.align)
        base = call.ipa - call.ipa % call.align
        for offset in range(0, len(data), PAGE):
            content = digest(data[offset:offset + PAGE])
            step(DATA, le64(base + offset, 1) + padded(content, 64))
            line("data", ipa=base + offset, flags=1, content=content.hex())

    lines, value = [], b""
    if rules != "2.0":
        numbers = {"flags": realm.flags, "s2sz": realm.s2sz, "sve_vl": 0,
                   "num_bps": realm.num_bps, "num_wps": realm.num_wps, "pmu_num_ctrs": 0,
                   "hash_algo": HASHES[hash_name]}
        value = digest(padded(le64(*numbers.values()), PAGE))
        line("params", **numbers)
    for call in realm.calls:
        if isinstance(call, Load):
            load(call)
        elif rules == "1.0":
            ripas(call)
    runnable = padded(le64(1), 0x200) + padded(le64(realm.pc), 0x100) + le64(realm.x0)
    content = digest(padded(runnable, PAGE))
    step(REC, padded(content, 64))
    gprs = {f"x{n}": 0 if n else realm.x0 for n in range(8)}
    line("rec", flags=1, pc=realm.pc, **gprs, content=content.hex())
    return lines


def rim(realm, hash_name, rules):
    """The RIM after all of these steps."""
    return bytes.fromhex(steps(realm, hash_name, rules)[-1].rpartition("=")[2])
