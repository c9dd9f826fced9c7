"""Count what the tests of hostile things tried, and keep it for docs/reliability.md: `python -m tests.hostile.tested`."""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as Tree
from pathlib import Path

from tests.hostile.record import Line, write

ROOT = Path(__file__).resolve().parents[2]
TESTED: dict[str, tuple[str, ...]] = {}
"""By what is tried: the files or folders whose tests try it."""


def main() -> int:
    """Run them all; the exit code is pytest's of the last that failed."""
    lines, failed = [], 0
    for tried, files in TESTED.items():
        with tempfile.TemporaryDirectory() as folder:
            result = Path(folder) / "result.xml"
            done = subprocess.run([sys.executable, "-m", "pytest", *files, f"--junitxml={result}"], cwd=ROOT)
            failed = done.returncode or failed
            lines.append(_line(tried, result))
    write("tests", "Faults and hostile input, by tests", "python -m tests.hostile.tested", lines)
    return failed


def _line(tried: str, result: Path) -> Line:
    # The file is pytest's own.
    suites = list(Tree.parse(result).getroot().iter("testsuite"))
    times, skipped = (sum(int(suite.get(name, 0)) for suite in suites) for name in ("tests", "skipped"))
    wrong = sum(int(suite.get(name, 0)) for suite in suites for name in ("failures", "errors"))
    return Line(tried, times - skipped, f"{wrong} tests fail" if wrong else "nothing")


if __name__ == "__main__":
    sys.exit(main())
