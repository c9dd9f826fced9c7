"""How right the model is on the whole folder, from a random sample of it.

Content keys are hashes, so that pictures in the order of their keys are in a random order, and a beginning of it that is
judged to its end is a random sample, whatever else was judged and why. But where it ends must not depend on what is in it:
all pictures up to the first without a verdict may be just those that were judged because the model was unsure. So the
sample grows by whole steps.

What a verdict is held against is the prediction of a head that has not learned it (`crossed`). The prediction that was
shown when it was given would be of models that changed since; and of a picture that was judged twice, of one that had
learned the answer. So the estimate is of what the present verdicts teach, or a little less, since each head learns four
fifths of them: how often the model is right on a picture of the folder, drawn at random, that it has no verdict of.
"""

from collections.abc import Iterable, Mapping

from engine.findings import Sample

STEP = 25
"""Pictures by which the sample grows; with as many, the interval is up to 0.37 wide."""


def audit(contents: Iterable[bytes], right: Mapping[bytes, bool]) -> Sample:
    """The largest sample that is judged whole, a multiple of STEP, or all pictures.

    `contents` are the keys of the pictures that are asked about, copies once or often; `right` tells of those with a
    verdict whether it is what the model says without it.
    """
    order = sorted(set(contents))
    judged = next((at for at, each in enumerate(order) if each not in right), len(order))
    of = judged if judged == len(order) else judged // STEP * STEP
    missing = sum(each not in right for each in order[of : of + STEP])
    return Sample(sum(right[each] for each in order[:of]), of, missing)
