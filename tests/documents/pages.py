"""Pages with parts that the code knows: hold them against it, or, with `--write`, write these parts anew.

python -m tests.documents.pages [--write]
"""

import sys
from pathlib import Path

from tests.documents import command_line, keys
from tests.documents.blocks import filled
from tests.hostile import report

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"docs/keys.md": keys.blocks, "docs/command-line.md": command_line.blocks, "docs/reliability.md": report.blocks}
"""By page, what gives its blocks."""


def main(arguments):
    """Gives the exit code: 1 if a page is not as the code has it."""
    write, stale = "--write" in arguments, 0
    for name, blocks in PAGES.items():
        page = (ROOT / name).read_text()
        new = filled(page, blocks())
        if new != page:
            stale = 1
            sys.stdout.write(f"{name} {'is written anew' if write else 'is not as the code has it'}.\n")
            if write:
                (ROOT / name).write_text(new)
    return 0 if write else stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
