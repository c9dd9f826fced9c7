"""Count what the tests of hostile things tried, and keep it for docs/reliability.md: `python -m tests.hostile.tested`."""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as Tree
from pathlib import Path

from tests.hostile.record import Line, write

ROOT = Path(__file__).resolve().parents[2]
TESTED: dict[str, tuple[str, ...]] = {
    "forty kills, and that the harness notices what is lost": ("tests/hostile/test_kills.py",),
    "databases damaged anywhere; an end while they are mended": ("tests/engine/test_recovery.py",),
    "disks that are full or fail, read-only folders": ("tests/engine/test_disk_faults.py", "tests/engine/test_journal.py"),
    "journals that are gone, locked or replaced; clocks that go back": (
        "tests/engine/test_journal_moved.py", "tests/tui/test_not_kept.py",
    ),
    "what is kept, elsewhere; network drives; services that copy": (
        "tests/engine/test_elsewhere.py", "tests/engine/test_filesystem.py",
    ),
    "two on one folder, and locks of the dead": ("tests/engine/test_lock.py", "tests/tui/test_onlooking.py"),
    "versions that go, come back, or are a stranger's": ("tests/engine/test_retention.py",),
    "the engine killed, again and again; images that end it": (
        "tests/tui/test_work.py", "tests/tui/test_restarting.py", "tests/engine/test_in_work.py",
    ),
    "lines that drop, stops, storms of sizes, in a terminal": ("tests/tui/test_ends.py", "tests/tui/test_leaving.py"),
    "feature stores damaged, tampered with, killed": (
        "tests/engine/test_features_damage.py", "tests/engine/test_features_kill.py",
    ),
    "pictures made to do harm, cut, changed; odd names": (
        "tests/engine/test_corpus.py", "tests/engine/test_images_damage.py",
    ),
    "readers that end, hang or fill memory": ("tests/engine/test_decoders.py", "tests/tui/test_pictures.py"),
    "special files, links, limits": ("tests/engine/test_limits.py", "tests/engine/test_folder.py"),
    "models: mutants, and what stands where one should": (
        "tests/engine/test_hostile_models.py", "tests/engine/spec/test_files_that_are_none.py",
    ),
    "layers whose numbers are damaged": (
        "tests/engine/translate/test_damage.py", "tests/engine/compute/test_damage.py",
    ),
    "trainings that run away, models without an answer": (
        "tests/engine/trainers/test_diverging.py", "tests/tui/test_no_answer.py",
    ),
    "our own source: nothing is unpickled, imported or run": ("tests/test_nothing_is_run.py",),
    "versions and hashes of what is installed": ("tests/test_supply_chain.py",),
}  # fmt: skip
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
