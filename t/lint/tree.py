# SPDX-License-Identifier: MIT
"""tree: what the lint tests share: the files of the tree, and TAP."""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
SKIPPED = {".git", "autom4te.cache", "node_modules", "__pycache__", "build-aux"}


def listed():
    """Paths below the root: what git knows or would add; without git, all of them."""
    git = subprocess.run(["git", "-C", ROOT, "-c", f"safe.directory={ROOT}", "ls-files", "-co",
                          "--exclude-standard"], capture_output=True, text=True)
    if git.returncode == 0 and os.path.exists(os.path.join(ROOT, ".git")):
        for path in git.stdout.splitlines():
            if os.path.isfile(os.path.join(ROOT, path)):
                yield path
        return
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in SKIPPED and not f.startswith(("build", "_"))]
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), ROOT)


FILES = sorted(listed())


def files(*ends, under=""):
    return [f for f in FILES if f.startswith(under) and f.endswith(ends or "")]


def lines_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read().split("\n")


class Test:
    """Collects what is wrong; one TAP line for each question."""

    def __init__(self):
        self.count = self.bad = 0

    def none(self, wrong, question):
        """ok when the list of what is wrong is empty."""
        self.count += 1
        self.bad += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {self.count} - {question}")
        for text in wrong[:40]:
            print("# " + text.replace("\n", "\n# "))
        if len(wrong) > 40:
            print(f"# and {len(wrong) - 40} more")

    def skip(self, question, why):
        self.count += 1
        print(f"ok {self.count} - {question} # SKIP {why}")

    def end(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.bad else 0)
