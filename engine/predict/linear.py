"""Generalised linear models: weights times inputs, plus an offset, through a link function."""

from collections.abc import Callable, Mapping, Sequence
from math import erf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableModel
from engine.predict.values import Values, input_array, labelled, refuse_unknown
from engine.spec.describe import Description
from engine.spec.interface import ArrayFeature

Array = NDArray[np.float64]


def _identity(x: Array) -> Array:
    return x


def _logistic(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _normal(x: Array) -> Array:
    """The cumulative normal distribution."""
    return np.array([(1 + erf(each / sqrt(2))) / 2 for each in x])


LINKS: Mapping[str, Sequence[Callable[[Array], Array]]] = {
    "glmRegressor": (_identity, _logistic, _normal),
    "glmClassifier": (_logistic, _normal),
}
"""In the order of the format's enumerations."""


class Linear:
    """A regressor, or a classifier of two labels or more."""

    def __init__(self, description: Description) -> None:
        """Raises UnreadableModel where the weights do not fit each other."""
        its = description.payload
        self._said = description
        rows = [list(each.value) for each in its.weights]
        if not rows or len({len(row) for row in rows}) > 1 or len(its.offset) not in (0, len(rows)):
            raise UnreadableModel("The model's weights and offsets are not as many for each output.")
        self._weights, self._offset = np.array(rows), np.array(its.offset or [0.0] * len(rows))
        transform: int = its.postEvaluationTransform
        self._link = LINKS[description.kind][transform]

    def answer(self, values: Values) -> dict[str, Any]:
        """Outputs by name, from inputs by name. Raises BadInput for what does not fit."""
        refuse_unknown(self._said.inputs, values)
        given = [input_array(each, values) for each in self._said.inputs]
        x = np.concatenate([np.asarray(each, np.float64).reshape(-1) for each in given if each is not None])
        if x.size != self._weights.shape[1]:
            raise UnreadableModel(f"The model has weights for {self._weights.shape[1]} numbers, but takes {x.size}.")
        with np.errstate(all="ignore"):
            found = self._link(self._weights @ x + self._offset)
            if self._said.kind == "glmClassifier":
                return self._labelled(found)
        (output,) = self._said.outputs
        return {output.name: found if isinstance(output, ArrayFeature) else float(found[0])}

    def _labelled(self, found: Array) -> dict[str, Any]:
        """One row tells the second label from the first; several, each label from a first one, or from all others."""
        its = self._said.payload
        labels = list(getattr(its, its.WhichOneof("ClassLabels")).vector)
        if len(found) == 1:
            share = np.array([1 - found[0], found[0]])
        elif its.classEncoding == 0 and len(found) == len(labels) - 1:
            odds = np.concatenate([[1.0], found / (1 - found)])
            share = odds / odds.sum()
        else:
            share = found / found.sum()
        return labelled(self._said, labels, share)
