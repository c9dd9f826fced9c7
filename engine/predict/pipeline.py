"""Models one behind the other, values passed on by name."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from engine.errors import CatflapError, UnreadableModel
from engine.predict.values import Predictor, Values, refuse_unknown
from engine.spec.describe import Description


class Pipeline:
    """A pipeline, or a link to another model."""

    def __init__(self, description: Description, make: Callable[[Description], Predictor]) -> None:
        """`make` makes the predictor of each part. Raises what it does, with the part's name."""
        if not description.parts:
            raise UnreadableModel("The pipeline holds no model.")
        self._said = description
        self.stages: list[tuple[str, Description, Predictor]] = []
        for part in description.parts:
            with naming(part.name):
                self.stages.append((part.name, part.description, make(part.description)))

    def answer(self, values: Values) -> dict[str, Any]:
        """Outputs by name, from inputs by name. Raises BadInput for what does not fit."""
        refuse_unknown(self._said.inputs, values)
        known = self.passed_on(values, len(self.stages))
        missing = [each.name for each in self._said.outputs if each.name not in known]
        if missing:
            raise UnreadableModel(f"No model of the pipeline gives the output {missing[0]!r}.")
        return {each.name: known[each.name] for each in self._said.outputs}

    def passed_on(self, values: Values, stages: int) -> dict[str, Any]:
        """All values known after so many stages."""
        known = dict(values)
        for name, inner, stage in self.stages[:stages]:
            with naming(name):
                known |= stage.answer({each.name: known[each.name] for each in inner.inputs if each.name in known})
        return known


@contextmanager
def naming(part: str) -> Any:
    """Say in which part of a pipeline something failed."""
    try:
        yield
    except CatflapError as error:
        error.sentence = f"In the pipeline's part {part!r}: {error.sentence}"
        raise
