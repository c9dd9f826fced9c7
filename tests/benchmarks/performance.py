"""Run the benchmarks that compare, and print their tables: `python performance.py MODEL FOLDER > performance.md`."""

import argparse
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    ("Training", "training.py", True),
    ("A first scan", "scan.py", True),
    ("Live", "live.py", True),
    ("The feature store", "store.py", False),
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
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    sys.stdout.write(f"{machine()}\n")
    for title, name, takes_model in PARTS:
        command = [sys.executable, Path(__file__).parent / name, *([given.model, given.folder] if takes_model else [])]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        sys.stdout.write(f"\n## {title}\n\n{done.stdout.strip()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
