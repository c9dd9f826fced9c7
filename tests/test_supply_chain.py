"""What is installed is what was looked at: versions and hashes are locked, and nothing may do more than it must."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NEEDS = {
    "requirements.lock": PROJECT["dependencies"],
    "requirements-dev.lock": [*PROJECT["dependencies"], *(PROJECT["optional-dependencies"][it] for it in ("dev", "docs"))],
}


def flat(needs):
    for each in needs:
        yield from flat(each) if isinstance(each, list) else [re.split(r"[<>=~!]", each)[0].lower()]


@pytest.mark.parametrize("lock", NEEDS)
def test_everything_that_is_needed_is_locked_to_one_version(lock):
    text = (ROOT / lock).read_text()
    locked = re.findall(r"^([\w.-]+)==[\w.+!]+(?= |$)", text, re.M)
    assert set(flat(NEEDS[lock])) <= {name.lower() for name in locked}
    assert len(locked) == len(re.findall(r"^[a-z]", text, re.M))


def test_what_development_installs_is_locked_with_its_hashes():
    entries = re.split(r"^(?=[a-z])", (ROOT / "requirements-dev.lock").read_text(), flags=re.M)[1:]
    assert len(entries) > 50
    assert not [entry for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_may_only_read(workflow):
    text = workflow.read_text()
    assert re.search(r"^permissions:\n  contents: read\n(?! )", text, re.M)
    assert text.count("permissions:") == 1
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert not [each for each in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", each)]
    assert text.count("persist-credentials: false") == sum("checkout@" in each for each in used)
    assert "secrets." not in text


NAMES = {"PIL": "pillow", "google": "protobuf", "pillow_heif": "pillow-heif"}
"""What packages are called where they are installed."""


def test_what_is_imported_is_asked_for():
    """An installation holds what the wheel says it needs, and nothing else."""
    imported = set()
    for file in [*(ROOT / "engine").rglob("*.py"), *(ROOT / "tui").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {each.name.split(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").split(".")[0])
    others = imported - sys.stdlib_module_names - {"engine", "tui"}
    asked = set(flat(PROJECT["dependencies"]))
    assert {"numpy", "textual"} < others
    assert {NAMES.get(each, each) for each in others} <= asked
