"""What is written of a training into a model: read by coremltools, and nothing else is touched."""

import subprocess
import sys

import pytest

from engine.errors import UnreadableModel
from engine.events import Held, Retrained, Score
from engine.head import Head
from engine.provenance import iso, provenance
from engine.spec.metadata import with_metadata
from engine.spec.schema import Model
from tests.model_metadata import without_ours
from tests.pipelines import embedding, neighbors, pipeline

SAID = {"version": "1.2", "verdicts": "20", "trained": "2026-08-24T14:02:07Z"}
WRITTEN = {f"catflap.{key}": value for key, value in SAID.items()}

READ = """
import sys, warnings
warnings.simplefilter("ignore")
import coremltools
model = coremltools.models.MLModel(sys.argv[1], skip_model_load=True)
print(dict(sorted(model.user_defined_metadata.items())), model.author, model.short_description)
"""


def plain(make_model):
    return make_model()


def with_others(make_model):
    model = make_model()
    metadata = model.description.metadata
    metadata.author, metadata.shortDescription, metadata.license = "somebody", "cats", "mine"
    metadata.userDefined.update({"com.apple.coreml.model.preview.type": "imageClassifier", "catflapper": "x" * 300})
    return model


def samples(make_model):
    return neighbors([[1, 2, 3, 4, 5]], ["Cat"])


def piped(make_model):
    return pipeline(embedding(), with_others(lambda: neighbors()))


def user_defined(data):
    return dict(Model.FromString(data).description.metadata.userDefined)


@pytest.mark.parametrize("make", [plain, with_others, samples, piped])
def test_everything_else_stays_byte_for_byte(make_model, make):
    data = make(make_model).SerializeToString()
    new = with_metadata(data, SAID)
    assert user_defined(new) == user_defined(data) | WRITTEN
    assert without_ours(new) == data
    assert with_metadata(new, SAID) == new
    message, before = Model.FromString(new), Model.FromString(data)
    for key in WRITTEN:
        del message.description.metadata.userDefined[key]
    if not before.description.HasField("metadata"):
        message.description.ClearField("metadata")
    assert message == before


def test_a_second_training_replaces_all_of_the_first(make_model):
    data = with_others(make_model).SerializeToString()
    first = with_metadata(data, SAID | {"held_out": "7 of 9"})
    second = with_metadata(first, {"version": "1.3"})
    assert user_defined(second) == user_defined(data) | {"catflap.version": "1.3"}
    assert without_ours(second) == data
    assert with_metadata(second, {}) == data


def test_metadata_in_pieces_are_one(make_model):
    # Two pieces of one message are one message, by the encoding's rules for merging.
    data = with_metadata(with_others(make_model).SerializeToString(), SAID)
    more = Model()
    more.description.metadata.userDefined["catflap.verdicts"] = "3"
    more.description.metadata.versionString = "9"
    new = with_metadata(data + more.SerializeToString(), {"flips": "4"})
    assert {key: value for key, value in user_defined(new).items() if key.startswith("catflap.")} == {"catflap.flips": "4"}
    assert Model.FromString(new).description.metadata.versionString == "9"
    assert Model.FromString(new).description.metadata.author == "somebody"


def test_a_torn_file_is_refused(make_model):
    with pytest.raises(UnreadableModel):
        with_metadata(make_model().SerializeToString()[:-3], SAID)


def test_coremltools_reads_it(make_model, tmp_path):
    path = tmp_path / "model.mlmodel"
    path.write_bytes(with_metadata(with_others(make_model).SerializeToString(), SAID))
    done = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True, check=True)
    expected = user_defined(path.read_bytes())
    assert done.stdout.strip() == f"{dict(sorted(expected.items()))} somebody cats"
    assert set(WRITTEN) < set(expected)


def test_what_is_said_of_a_training():
    score = Score(28, 40, 0.5), Score(37, 40, 0.1)
    result = Retrained(Head(()), 12, 11, 28, 26, 2, *score, held=Held(10, 7, 9))
    said = provenance(result, "edit", 1_700_000_000.0, 3)
    assert said.pop("version")
    assert said == {
        "trained": "2023-11-14T22:13:20Z",
        "trainer": "edit",
        "model_version": "3",
        "verdicts": "40",
        "flips": "12",
        "learned": "11",
        "broken": "2",
        "held_out": "7 of 10 before, 9 after",
    }
    assert iso(0.9) == "1970-01-01T00:00:00Z"
