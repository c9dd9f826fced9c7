"""Write docs/fidelity.md: `python tests/conformance/report.py RECORD...`, from what runs with CONFORMANCE_RECORD leave."""

import argparse
import json
import platform
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.compute import FUNCTIONS  # noqa: E402
from engine.spec.describe import CONTROL  # noqa: E402
from engine.translate import RULES  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="+", type=Path)
    parser.add_argument("--sample", default="", help="which part of the operators' tests was run, as 4/12")
    given = parser.parse_args()
    records = [json.loads(record.read_text()) for record in given.records]
    tests = {name: each for record in records for name, each in record.items()}
    text = (Path(__file__).parent / "fidelity.md").read_text().replace("TABLE\n", table(tests))
    text = text.replace("SUMMARY\n", summary(tests, given.sample))
    (ROOT / "docs" / "fidelity.md").write_text(text)


def summary(tests: dict, sample: str) -> str:
    """Outcomes by suite; tests that end before they predict do not count."""
    lines = ["| tests | reached a prediction | passed | expected to fail | failed | predictions |", "| --- " * 6 + "|"]
    suites = {"layers, models, quantisation, updates": False, "operators of the converters": True}
    for words, operators in suites.items():
        those = [each for name, each in tests.items() if ("operators.py" in name) == operators]
        if those:
            counts = Counter(each["outcome"] for each in those)
            figures = (len(those), counts["passed"], counts["expected failure"], counts["failed"])
            cases = sum(each["cases"] for each in those)
            lines.append(f"| {words} | " + " | ".join(f"{n:,}" for n in (*figures, cases)) + " |")
    if sample:
        parts, of = sample.split("/")
        lines += ["", f"Of the converters' tests this is a sample: every {of}th, from {parts} starting points."]
    versions = ", ".join(f"{name} {version(name)}" for name in ("coremltools", "onnxruntime", "onnx", "numpy", "torch"))
    lines += ["", f"Run with {versions}; Python {platform.python_version()}, {platform.system()} {platform.machine()}."]
    return "\n".join(lines) + "\n"


def table(tests: dict) -> str:
    """A line a kind."""
    reached, passed = Counter(), Counter()
    for each in tests.values():
        for kind in {kind for full in each["kinds"] for kind in (full, full.split(".")[0])}:
            reached[kind] += 1
            passed[kind] += each["outcome"] == "passed"
    known = {**dict.fromkeys(RULES, "ONNX"), **dict.fromkeys(FUNCTIONS, "NumPy"), **dict.fromkeys(CONTROL, "interpreter")}
    lines = ["| layer kind | by | tests reached | passed |", "| --- | --- | --- | --- |"]
    for kind in sorted({*known, *(kind for kind in reached if kind.startswith("activation."))}, key=str.lower):
        lines.append(f"| {kind} | {known.get(kind, 'ONNX')} | {reached[kind]:,} | {passed[kind]:,} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
