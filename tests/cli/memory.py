#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether a text is in the memory of a process.

usage: tests/cli/memory.py TEXT PID...    prints the processes that have it; status 1 if there is one"""
import sys


def where(pid, text):
    """The addresses of the first copy of the bytes in each mapping of the process."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            first, last = (int(part, 16) for part in span.split("-"))
            # Not what the kernel shows, and not AddressSanitizer's shadow, which is larger than any memory.
            if "r" not in rights or "[v" in line or last - first > 1 << 30:
                continue
            try:
                memory.seek(first)
                at = memory.read(last - first).find(text)
            except OSError:
                continue
            if at >= 0:
                yield first + at


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    found = [pid for pid in sys.argv[2:] if any(where(pid, sys.argv[1].encode()))]
    for pid in found:
        with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
            print(pid, comm.read().strip())
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
