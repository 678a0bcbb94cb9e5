# SPDX-License-Identifier: MIT
"""tap: the Test Anything Protocol, as prove reads it."""


class Tap:
    def __init__(self):
        self.count = 0
        self.bad = 0

    def line(self, ok, description, why="", skip=""):
        self.count += 1
        self.bad += not ok
        description = description.replace("#", "\\#")
        print(f"{'ok' if ok else 'not ok'} {self.count} - {description}"
              + (f" # SKIP {skip}" if skip else ""))
        for row in why.rstrip().split("\n") if why else ():
            print("# " + row)

    def note(self, text):
        for row in text.rstrip().split("\n"):
            print("# " + row, flush=True)

    def finish(self):
        print(f"1..{self.count}", flush=True)
        return 1 if self.bad else 0
