# SPDX-License-Identifier: Apache-2.0
"""TAP of the parts that are written in Python."""


class Tap:
    """Numbered checks; a failed one prints what it saw."""

    count = failed = 0

    def check(self, text, good, seen=""):
        self.count += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {text}", flush=True)
        if not good:
            self.failed += 1
            print("".join(f"#   {line[:300]}\n" for line in str(seen).splitlines()), end="", flush=True)

    def same(self, text, want, got):
        self.check(text, want == got, f"wanted {want!r}\ngot    {got!r}")

    def done(self):
        """Print the plan. False if a check has failed, or if there was none."""
        print(f"1..{self.count}", flush=True)
        return self.failed == 0 and self.count > 0


tap = Tap()
