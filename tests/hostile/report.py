"""The tables in docs/reliability.md, from what the hostile runs left."""

from tests.documents.blocks import table
from tests.hostile.record import read

HEAD = ("tried", "times", "lost, let in, or wrong")


def blocks() -> dict[str, str]:
    """By the block's name in the page: its text; `python -m tests.documents.pages --write` puts it there."""
    return {"what was tried": "\n".join(map(_section, read()))}


def _section(record: dict) -> str:
    rows = [(line["tried"], f"{line['times']:,}", line["found"]) for line in record["lines"]]
    return f"### {record['title']}\n\n{table(HEAD, rows)}\nAgain: `{record['again']}` (here: {record['system']}).\n"
