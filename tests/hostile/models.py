"""Fuzz model files: `python -m tests.hostile.models [--minutes N] [--seed N] [--corpus DIR] [--also MODEL ...]`.

Each mutant is made by a number, so it can be made again; it goes through `model_trial` in a child process with limits:
of memory, 1 GiB and 30 times the file's size, and of time. What a child did not survive, or raised, is kept in the corpus.
"""

import argparse
import json
import random
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.hostile.model_bases import BASES, Files, any_layer
from tests.hostile.model_mutations import bytes_changed, message_changed
from tests.hostile.model_trial import WALL_SECONDS
from tests.hostile.record import Line, write

STEPS = 12
"""That a model goes through, at most."""
LARGEST = 32 << 20
"""Bytes of a mutant."""
A_CHILD = 300
"""Mutants that one child looks at."""
AGAIN = "python -m tests.hostile.models --minutes 60"


def mutant(seed: int, number: int, also: dict[str, bytes]) -> tuple[str, Files]:
    """What was done, and the files: the same for the same numbers."""
    rng = random.Random(f"{seed} {number}")
    if rng.random() < 0.25:
        return "layers with any numbers", any_layer(rng)
    if also and rng.random() < 0.5:
        files: Files = {"model.mlmodel": also[rng.choice(sorted(also))]}
    else:
        files = BASES[rng.choice(sorted(BASES))]()
    name = rng.choice([*files])
    what, changed = _changed(name, files[name], rng)
    # What grows without end says nothing more, and fills the disk.
    return what, {**files, name: changed[:LARGEST]}


def _changed(name: str, data: bytes, rng: random.Random) -> tuple[str, bytes]:
    if name.endswith(".json") or rng.random() < 0.3:
        return "bytes flipped, cut, spliced, repeated", bytes_changed(data, rng)
    return "fields changed, dropped, doubled, renamed", message_changed(data, rng)


def laid_out(files: Files, folder: Path) -> Path:
    """Write the files; gives what is to be opened."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder / next(iter(files)).split("/")[0]


class Child:
    """A process that tries models, replaced when it dies."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._tried = 0

    def tried(self, path: Path) -> tuple[str, str]:
        """How far it came, and what was found, with the child's last words where it died."""
        if self._process is None or self._tried >= A_CHILD:
            self.begin()
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        self._tried += 1
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], STEPS * WALL_SECONDS)
        line = process.stdout.readline() if ready else ""
        if line:
            answer = json.loads(line)
            return answer["came"], answer["found"]
        return "", self._died(hung=not ready)

    def begin(self) -> None:
        """A new process, in place of the one before."""
        self.close()
        self._words = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process, self._tried = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.model_trial"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words, text=True,
        ), 0  # fmt: skip

    def _died(self, hung: bool) -> str:
        assert self._process is not None
        if hung:
            self._process.kill()
        code = self._process.wait()
        self._words.seek(0)
        words, self._process = self._words.read()[-4000:], None
        return f"the child {'hung' if hung else f'ended with {code}'}\n{words}"

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(60)
            self._process = None


def _keep(corpus: Path, name: str, files: Files, found: str) -> None:
    folder = corpus / name
    laid_out(files, folder)
    (folder / "found.txt").write_text(found)


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _where(found: str) -> str:
    """The last line, and where in the engine it came from: equal findings are one."""
    lines = [line.strip() for line in found.splitlines() if line.strip()]
    places = [line for line in lines if "/engine/" in line or "/tui/" in line]
    last = lines[-1] if lines else ""
    return f"{lines[0][:60] if 'the child' in found else last[:80]} @ {places[-1] if places else ''}"


def fuzz(seed: int, first: int, minutes: float, corpus: Path, also: dict[str, bytes]) -> list[Line]:
    """Try mutants until the time is over; prints what is found."""
    child, times, findings = Child(), Counter[str](), Counter[str]()
    opened, last, number = 0, first - 1, first
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        what, files = mutant(seed, number, also)
        with tempfile.TemporaryDirectory() as folder:
            came, found = child.tried(laid_out(files, Path(folder)))
            if found:
                came, found = _again(child, Path(folder), files, number, found)
        times[what] += 1
        opened += "opened" in came
        if found:
            where = _where(found)
            last = number
            if not findings[where]:
                _say(f"{number}: {where}")
                _keep(corpus, f"{seed}-{number}", files, found)
            findings[where] += 1
        number += 1
    child.close()
    _say(f"{number - first} tried, {opened} opened, {number - 1 - last} since the last finding")
    for where, count in findings.most_common():
        _say(f"{count:6} {where}")
    found = f"{len(findings)} findings" if findings else "nothing"
    return [Line(f"model files: {what}", count, found) for what, count in sorted(times.items())]


def _again(child: Child, folder: Path, files: Files, number: int, found: str) -> tuple[str, str]:
    """In a child of its own: a machine that stood still for a minute looks like a model that takes one."""
    child.begin()
    came, again = child.tried(folder / next(iter(files)).split("/")[0])
    if not again:
        _say(f"{number}: once and not again: {_where(found)}")
    return came, again


def main() -> int:
    """Read the options, and keep the record where nothing is given that makes the run another one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the first mutant's number")
    parser.add_argument("--corpus", type=Path, default=Path("build/hostile-models"))
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="other models to begin with")
    asked = parser.parse_args()
    also = {path.name: path.read_bytes() for path in asked.also}
    lines = fuzz(asked.seed, asked.first, asked.minutes, asked.corpus, also)
    write("models", "Model files", AGAIN, lines)
    return int(any(line.found != "nothing" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
