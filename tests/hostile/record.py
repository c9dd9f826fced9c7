"""What a hostile run tried and found: a file of lines in `records/`, of which docs/reliability.md is written."""

import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

RECORDS = Path(__file__).parent / "records"


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    tried: str
    """What was done to the program, in a few words."""
    times: int
    """How often."""
    found: str
    """What was lost, let in or went wrong: `nothing`, or what."""


def write(name: str, title: str, again: str, lines: list[Line], folder: Path = RECORDS) -> None:
    """Keep what a run found; `again` is the command that runs it again.

    `python -m tests.documents.pages --write` puts it into the page.
    """
    system = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    record = {"title": title, "again": again, "system": system, "lines": [asdict(line) for line in lines]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def read(folder: Path = RECORDS) -> list[dict]:
    """All records, by the names of their files."""
    return [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
