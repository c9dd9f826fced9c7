"""What one model goes through, in a process with limits: `python -m tests.hostile.model_trial`, a path a line.

Answers each with a line of JSON: how far it came, and what was found.
"""

import faulthandler
import json
import os
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import CatflapError
from engine.head import Head
from engine.limits import USUAL
from engine.model import Model
from engine.spec.file import read
from engine.spec.interface import ArrayFeature, ImageFeature
from engine.spec.validate import validate
from engine.trainers import Settings
from tui import inspection
from tui.headless import Printer, predict
from tui.inspection_words import described

GIB = 1 << 30
TIMES = 30
"""A model may take 1 GiB and so many times its file's size."""
CPU_SECONDS, WALL_SECONDS = 60, 300
"""Of a step: opening, predicting, training, ..."""
IMAGES = 6
EVENTS = 400
"""Of a training without an end."""
SAMPLE = Path(__file__).resolve().parents[2] / "samples"


class Finding(Exception):
    """Something that a hostile model must not bring about."""


def room(path: Path) -> int:
    """Bytes of address space that a model may take, beside what is taken without one."""
    files = [each for each in path.parent.rglob("*") if each.is_file()]
    return GIB + TIMES * sum(each.stat().st_size for each in files)


def trial(
    path: Path, picture: Path, hurry: Callable[[], None] = lambda: None, refusals: Callable[[str], None] = len
) -> str:
    """Open, describe, check, predict, train, save; gives how far it came, and `refusals` what was said.

    Raises a Finding, or any bug there is.
    """
    came: list[str] = []

    def tried(name: str, do: Callable[[], Any]) -> Any:
        hurry()
        try:
            found = do()
        except CatflapError as error:
            _judge(error)
            refusals(str(error))
            return None
        came.append(name)
        return found

    file = tried("read", lambda: read(path))
    if file is None:
        return ""
    tried("inspected", lambda: _inspected(file))
    tried("sound", lambda: validate(file.message))
    model = tried("opened", lambda: Model(file))
    if model is None:
        return " ".join(came)
    tried("answered", lambda: model.predict(_given(model)))
    tried("predicted", lambda: predict(Printer(True, json.loads, len), path, [picture], USUAL, False))
    features = tried("features", lambda: model.features(_pixels(model)))
    if features is not None:
        tried("probabilities", lambda: model.probabilities(features))
        for trainer in ("auto", "sgd", "plain", "fit"):
            tried(trainer, lambda trainer=trainer: _trained(model, features, trainer))
    return " ".join(came)


def _judge(error: CatflapError) -> None:
    said = str(error)
    if not error.sentence.strip():
        raise Finding("a refusal without a word") from error
    if len(said) > 20_000:
        raise Finding(f"a refusal of {len(said)} letters: {said[:200]}") from error
    if any(word in said.lower() for word in ("alloc", "pthread", "out of memory")):
        raise Finding(f"memory: {said[:500]}") from error


def _inspected(file: Any) -> None:
    facts = inspection.facts(file)
    json.dumps(facts, allow_nan=False)
    described(facts)


def _given(model: Model) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    found: dict[str, Any] = {}
    for each in model.description.inputs:
        if isinstance(each, ImageFeature):
            found[each.name] = rng.integers(0, 256, _bounded(each.height, each.width, each.channels), np.uint8)
        elif isinstance(each, ArrayFeature):
            found[each.name] = rng.normal(0, 1, _bounded(*each.shape)).astype(np.float32)
    return found


def _bounded(*shape: int) -> tuple[int, ...]:
    """No more than a caller's own array may hold."""
    return shape if len(shape) < 9 and 0 < prod(shape) <= 2**24 and min(shape, default=1) > 0 else (1,) * min(9, len(shape))


def _pixels(model: Model) -> Any:
    image, rng = model.description.image, np.random.default_rng(2)
    if image is not None:
        return rng.integers(0, 256, _bounded(IMAGES, image.height, image.width, image.channels), np.uint8)
    arrays = [each.shape for each in model.description.inputs if isinstance(each, ArrayFeature)]
    return rng.normal(0, 1, _bounded(IMAGES, *(arrays[0] if arrays else (1,)))).astype(np.float32)


def _trained(model: Model, features: Any, trainer: str) -> None:
    labels = [str(each) for each in model.labels] or ["0"]
    said = [labels[at % len(labels)] for at in range(len(features))]
    lesson = model.lesson(features, said, features[: 0 if trainer == "plain" else 3])
    settings = Settings(max_epochs=1) if trainer in ("auto", "sgd") else Settings()
    result = None
    for number, event in enumerate(model.train(lesson, trainer, settings)):
        result = getattr(event, "head", result)
        if number == EVENTS:
            return
    if result is None:
        raise Finding(f"{trainer} ended without a result")
    if isinstance(result, Head) and not all(np.isfinite(w).all() for layer in result.weights for w in layer.values()):
        raise Finding(f"{trainer} made weights that are no numbers")
    model.with_head(result).require_same(result, features)


def _limited(path: Path) -> None:
    """From here on, so much more memory."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + room(path), resource.RLIM_INFINITY))


def _hurry() -> None:
    """From here on, so much more time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    end = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (end, resource.RLIM_INFINITY))
    faulthandler.dump_traceback_later(WALL_SECONDS, exit=True, file=sys.stderr)


def _unlimited() -> None:
    faulthandler.cancel_dump_traceback_later()
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)


def main() -> None:
    """Serve until the input ends."""
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable(sys.stderr)
    faulthandler.register(signal.SIGXCPU, file=sys.stderr, chain=True)
    # What a native library prints is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    picture = next((SAMPLE / "images").glob("*.png"))
    trial(SAMPLE / "CatDog.mlmodel", picture)
    for line in sys.stdin:
        path, found = Path(line.rstrip("\n")), ""
        came = ""
        _limited(path)
        try:
            came = trial(path, picture, _hurry)
        except BaseException:
            found = traceback.format_exc()
        _unlimited()
        answers.write(json.dumps({"came": came, "found": found}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
