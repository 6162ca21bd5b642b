# SPDX-License-Identifier: Apache-2.0
"""What a run may end with when a call failed. Each function returns a finding as text, or None."""
import re
import signal

from fault import MEMORY

SANITIZER = re.compile(r"^.*(?:ERROR: \w*Sanitizer|runtime error:|SUMMARY: \w+Sanitizer).*$", re.M)
VERDICT = re.compile(r"\bE_[A-Z]{3,}|bad signature|not trusted|refused|denied|revoked|malformed|not a |no such resource",
                     re.I)
SANITIZER_STATUS = 99   # world.ENV sets it
# Exit statuses that say "the system, a file or the network failed"; those of verdicts are 7, 8 and 9.
SYSTEM_STATUS = {1, 3, 5, 6, 10, 11, 12}


# What a library does of itself when it has no memory; there must be no output then.
LIBRARY = re.compile(r"^\S*crypto/\S+: OpenSSL internal error: assertion failed.*$", re.M)
THIRD_PARTY = "third party: "


def library(status, output, errors):
    """A process that OpenSSL has aborted."""
    found = LIBRARY.search(errors)
    return THIRD_PARTY + found[0] if found and status == -signal.SIGABRT and not output else None


def sanitizer(text):
    found = SANITIZER.findall(text)
    frames = re.findall(r"in (\w+) (\S*userspace/\S+)", text)
    return f"{found[-1].strip()} {' '.join(f'{name} {place}' for name, place in frames[:6])}" if found else None


def ended(classes, status, output, errors):
    """How a process ended, if that is wrong whatever it was asked to do. Without a @status it did not end."""
    if status is None:
        return "did not end"
    third = library(status, output, errors) if classes == MEMORY else None
    if third:
        return third
    report = sanitizer(errors)
    if report:
        return report
    if status < 0:
        return f"killed by signal {-status}"
    if status == SANITIZER_STATUS:
        return f"a sanitizer stopped it: {errors.strip()[-400:]}"
    return None


def program(classes, want, got, errors):
    """@want and @got: (status, output)."""
    status, output = got
    finding = ended(classes, status, output, errors)
    if finding or got == want:
        return finding
    if status == want[0]:
        return f"status {status} with another output: {output[:120]!r}"
    if status not in ({1} if classes == MEMORY else SYSTEM_STATUS):
        return f"status {status}, not {want[0]}: {errors.strip()[:200] or output[:120]!r}"
    if output:
        return f"status {status} with an output: {output[:120]!r}"
    if classes == MEMORY and VERDICT.search(errors):
        return f"a verdict: {errors.strip()[:200]}"
    return None


def answer(want, got):
    """Statuses of HTTP; None is a connection that was closed without an answer."""
    status, body = got
    if status in (want, 500, 503, None):
        return None
    return f"HTTP status {status}, not {want}: {body[:200].decode(errors='replace')}"
