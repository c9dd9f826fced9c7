"""Run the benchmarks and write their tables into docs/performance.md: `performance.py MODEL FOLDER [--only TITLE]`."""

import argparse
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.common import replaced

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/performance.md"
PARTS = (
    ("Training", "training.py", True),
    ("A first scan", "scan.py", True),
    ("Live", "live.py", True),
    ("The feature store", "store.py", False),
    ("Growth", "growth.py", False),
    ("The terminal", "terminal.py", False),
)
"""Title, file, and whether it takes the model and the folder."""
LIBRARIES = ("numpy", "onnxruntime", "pillow", "torch", "textual")


def machine():
    """What it ran on."""
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    hardware = f"{platform.system()} {platform.machine()}, {names[0]}, {os.cpu_count()} cores"
    return f"{hardware}; Python {platform.python_version()}, {libraries}."


def main():
    """Measure part by part; each is written as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=[title for title, _, _ in PARTS])
    given = parser.parse_args()
    for title, name, takes_model in PARTS:
        if given.only and title not in given.only:
            continue
        command = [sys.executable, Path(__file__).parent / name, *([given.model, given.folder] if takes_model else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
        PAGE.write_text(replaced(replaced(PAGE.read_text(), "Machine", machine()), title, done.stdout.strip()))


if __name__ == "__main__":
    main()
