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
    ripas: list     # (base, top, size of a table entry) of each part of RAM
    files: list     # (IPA, bytes) in the order of loading
    pc: int
    x0: int


def le64(*numbers):
    return b"".join(number.to_bytes(8, "little") for number in numbers)


def padded(data, size):
    assert len(data) <= size
    return data.ljust(size, b"\0")


def rim(realm, hash_name, rules):
    """The RIM after REALM_CREATE, INIT_RIPAS, DATA_CREATE of each page, and REC_CREATE."""

    def digest(data):
        return hashlib.new(hash_name, data).digest()

    def step(kind, body):
        nonlocal value
        head = le64(kind, DESCRIPTOR_SIZE) + padded(value, 64)
        value = digest(padded(head + body, DESCRIPTOR_SIZE))

    value = b""
    if rules != "2.0":
        value = digest(padded(le64(realm.flags, realm.s2sz, 0, realm.num_bps, realm.num_wps, 0,
                                   HASHES[hash_name]), PAGE))
    if rules == "1.0":
        for base, top, size in realm.ripas:
            for entry in range(base, top, size):
                step(RIPAS, le64(entry, entry + size))
    for ipa, data in realm.files:
        data = bytes(ipa % PAGE) + data
        for offset in range(0, len(data), PAGE):
            page = padded(data[offset:offset + PAGE], PAGE)
            step(DATA, le64(ipa - ipa % PAGE + offset, 1) + padded(digest(page), 64))
    runnable = padded(le64(1), 0x200) + padded(le64(realm.pc), 0x100) + le64(realm.x0)
    step(REC, padded(digest(padded(runnable, PAGE)), 64))
    return value
