"""The commands, as a person or a script calls them: in a process of their own."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from engine.spec.schema import Model


def labels(pictures, path, change=lambda name, label: label):
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label"])
        for name in sorted(pictures.rglob("*.png")):
            label = change(name.name, "Cat" if name.name.startswith("c") else "Dog")
            if label:
                rows.writerow([name.relative_to(path.parent), label])
    return path


def test_help_and_version(catflap):
    code, lines, _ = catflap("--help")
    assert code == 0
    assert any("predict" in line for line in lines)
    assert catflap("--version")[0] == 0


def test_predict(catflap, pictures, model_path):
    (pictures / "bad.png").write_bytes(b"nothing")
    code, lines, _ = catflap("predict", model_path, pictures / "c00.png", pictures / "more", pictures / "bad.png", "--json")
    said = [json.loads(line) for line in lines]
    assert code == 1
    assert [Path(each["path"]).name for each in said] == [
        "c00.png",
        *(f"{'cd'[n % 2]}{n}.png" for n in (18, 20, 22, 19, 21, 23)),
        "bad.png",
    ]
    assert set(said[0]) == {"path", "label", "probabilities"}
    assert sum(said[0]["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert said[0]["probabilities"][said[0]["label"]] == max(said[0]["probabilities"].values())
    assert set(said[-1]) == {"path", "error"}
    code, lines, _ = catflap("predict", model_path, pictures / "bad.png", "--json")
    assert code == 1 and [set(json.loads(line)) for line in lines] == [{"path", "error"}]
    (pictures / "more" / "out.png").symlink_to(pictures / "c00.png")
    for more, refused in (((), True), (("--follow-links",), False), (("--max-pixels", "60", pictures), False)):
        code, lines, _ = catflap("predict", model_path, pictures / "more", *more)
        assert any("A link out of the folder" in line for line in lines) == refused
        assert any("More than 60 pixels." in line for line in lines) == ("60" in more)
    code, lines, _ = catflap("predict", model_path, pictures / "c00.png", pictures / "more" / "out.png")
    assert code == 0
    assert lines[0].startswith(str(pictures / "c00.png") + ": ")


def test_train_writes_a_better_model(catflap, pictures, model_path, tmp_path):
    out = tmp_path / "better.mlmodel"
    code, lines, _ = catflap("train", model_path, labels(pictures, pictures / "labels.csv"), "--out", out, "--json")
    said = [json.loads(line) for line in lines]
    assert code == 0
    assert {each["event"] for each in said} >= {
        "training_began",
        "batch_ended",
        "epoch_ended",
        "retrained",
        "model_saved",
    }
    saved = said[-1]
    assert (saved["event"], saved["version"], Path(saved["path"])) == ("model_saved", 1, out)
    assert (saved["before"]["correct"], saved["before"]["of"]) == (12, 24)
    assert saved["after"]["correct"] == 24
    retrained = next(each for each in said if each["event"] == "retrained")
    assert (retrained["flips"], retrained["learned"], retrained["broken"]) == (12, 12, 0)
    assert Model.FromString(out.read_bytes()).isUpdatable
    assert model_path.read_bytes() != out.read_bytes()


def test_train_on_a_folder_of_folders(catflap, pictures, model_path, tmp_path):
    sorted_ones = tmp_path / "sorted"
    for name in pictures.rglob("*.png"):
        to = sorted_ones / ("Cat" if name.name.startswith("c") else "Dog")
        to.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, to / name.name)
    code, _, words = catflap("train", model_path, sorted_ones, "--out", tmp_path / "x.mlmodel", "--trainer", "fit")
    assert code == 0
    assert "12 of 12 flips learned" in words


@pytest.mark.parametrize("trainer", ["auto", "edit", "fit", "sgd", "plain"])
def test_every_trainer_runs(catflap, pictures, model_path, tmp_path, trainer):
    file = labels(pictures, pictures / "labels.csv", lambda name, label: label if name < "d" else None)
    out = tmp_path / "out.mlmodel"
    code, lines, _ = catflap("train", model_path, file, "--out", out, "--trainer", trainer, "--json", "--force")
    began = next(json.loads(line) for line in lines if "training_began" in line)
    assert code == 0
    assert began["samples"] == (12 if trainer in ("fit", "plain") else 24)
    assert out.exists()


def test_a_worse_model_is_not_written(catflap, pictures, model_path, tmp_path):
    out = tmp_path / "out.mlmodel"
    file = labels(pictures, pictures / "l.csv", lambda name, label: "Cat")
    options = ("--trainer", "plain", "--learning-rate", "1", "--epochs", "5", "--momentum", "1")
    # Right on all before: it says Cat to everything.
    first = catflap("train", model_path, file, "--out", out)
    assert first[0] == 0
    mixed = labels(pictures, pictures / "m.csv", lambda name, label: label if name < "c11" else None)
    code, _, words = catflap("train", model_path, mixed, "--out", tmp_path / "no.mlmodel", *options)
    if code == 1:
        assert "Not saved" in words
        assert not (tmp_path / "no.mlmodel").exists()
    else:
        assert (tmp_path / "no.mlmodel").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--trainer", "magic"), "no trainer 'magic'"),
        (("--trainer", "edit", "--epochs", "3"), "does not take --epochs"),
        (("--trainer", "plain", "--epochs", "4"), "allows 1, 3, 5"),
        (("--trainer", "plain", "--batch-size", "5"), "allows 4, 8"),
        (("--trainer", "plain", "--learning-rate", "1.5"), "allows 0 to 1"),
        (("--trainer", "plain", "--seconds", "3"), "does not take --seconds"),
        (("--epochs", "many"), "many"),
        (("--nonsense",), "nonsense"),
    ],
)
def test_what_train_refuses(catflap, pictures, model_path, tmp_path, options, words):
    file = labels(pictures, pictures / "labels.csv")
    code, lines, said = catflap("train", model_path, file, "--out", tmp_path / "o.mlmodel", *options)
    assert (code, lines) == (2, [])
    assert words in said
    assert not (tmp_path / "o.mlmodel").exists()


def test_labels_that_contradict_are_refused_with_both_lines(catflap, pictures, model_path, tmp_path):
    shutil.copy(pictures / "c00.png", pictures / "zz_copy.png")
    file = labels(pictures, pictures / "labels.csv")
    code, _, words = catflap("train", model_path, file, "--out", tmp_path / "o.mlmodel")
    assert code == 2
    assert "line 2" in words
    assert "line 26" in words
    file.write_text("path,label\nc00.png,Hare\n")
    code, _, words = catflap("train", model_path, file, "--out", tmp_path / "o.mlmodel")
    assert code == 2
    assert "'Hare'" in words
    assert "Cat, Dog" in words


def test_inspect(catflap, model_path, tmp_path, make_model):
    code, lines, _ = catflap("inspect", model_path, "--json")
    (said,) = [json.loads(line) for line in lines]
    assert code == 0
    assert said["inputs"] == [{"name": "image", "type": "image", "width": 14, "height": 11, "color": "RGB"}]
    assert said["labels"] == ["Cat", "Dog"]
    assert said["cut"]["features"] == "flatten"
    assert [layer["name"] for layer in said["cut"]["head"]] == ["dense", "relu_2", "last", "softmax"]
    assert said["training"]["epochs"] == {"default": 3, "allowed": [1, 3, 5]}
    assert {layer["name"]: layer["parameters"] for layer in said["layers"]}["dense"] == 6 * 120 + 6
    code, lines, _ = catflap("inspect", model_path)
    assert any("cut" in line for line in lines)
    frozen = tmp_path / "frozen.mlmodel"
    frozen.write_bytes(make_model(updatable=False).SerializeToString())
    assert "frozen" in json.loads(catflap("inspect", frozen, "--json")[1][0])["why_not"]


@pytest.mark.parametrize("data", [b"", b"\x00", b"not a model", b"\x08"])
def test_what_is_no_model_is_refused(catflap, tmp_path, data):
    path = tmp_path / "x.mlmodel"
    path.write_bytes(data)
    for arguments in (("inspect", path), ("predict", path, path)):
        code, lines, words = catflap(*arguments)
        assert (code, lines) == (2, [])
        assert "x.mlmodel" in words


def test_the_app_needs_a_terminal(catflap, pictures, model_path):
    code, _, words = catflap(pictures, "--model", model_path)
    assert code == 2
    assert "needs a terminal" in words


def test_a_folder_that_was_never_opened(catflap, pictures):
    for command in ("status", "history", "retrain"):
        code, lines, words = catflap(command, pictures)
        assert (code, lines) == (2, [])
        assert "never opened" in words or "holds no model" in words


def test_status_history_retrain_restore(catflap, pictures, model_path):
    from engine.events import ImagesPredicted
    from engine.journal import Journal, Verdict
    from engine.workspace import Workspace

    with Workspace(pictures, model_path) as workspace:
        events = [event for event in workspace.scan() if isinstance(event, ImagesPredicted)]
        kept = workspace.home
    with Journal(kept / "journal.db") as journal:
        for event in events:
            for path, content in zip(event.paths, event.contents, strict=True):
                if Path(path).name < "d09":
                    journal.append([Verdict(content, "Cat" if path[0] != "d" else "Dog", "Cat", 0)], 1.0)
    code, lines, _ = catflap("status", pictures, "--json")
    (said,) = [json.loads(line) for line in lines]
    assert code == 0
    assert (said["images"], said["skipped"], said["predicted"]) == (24, 0, 24)
    assert said["model"] == "small.mlmodel"
    assert said["verdicts"]["Dog"] == said["flips"] == 4
    assert (said["version"], said["versions"]) == (0, 1)
    assert said["features_bytes"] > 24 * 120 * 4
    assert (said["features"], said["store_limit"]) == ("full", None)
    assert "in full precision, no limit" in catflap("status", pictures)[1][-1]
    code, lines, _ = catflap("retrain", pictures, "--features", "half", "--store-limit", "1.5GB", "--json")
    assert code == 0
    assert json.loads(lines[-1])["event"] != "images_predicted"
    assert [json.loads(line)["version"] for line in lines if "model_saved" in line] == [1]
    code, lines, _ = catflap("history", pictures, "--json")
    assert [(json.loads(line)["version"], json.loads(line)["origin"]) for line in lines] == [
        (0, "original"),
        (1, "retrained"),
    ]
    first, second = map(json.loads, lines)
    assert (first["present"], first["verdicts"], second["present"], second["verdicts"]) == (False, 0, True, 16)
    assert (second["correct_before"], second["correct_after"], second["held_of"], second["restored_at"]) == (12, 16, 0, 0)
    said = json.loads(catflap("status", pictures, "--json")[1][0])
    assert (said["version"], said["features"], said["store_limit"]) == (1, "half", 1_500_000_000)
    assert "in half precision, at most 1.5 GB" in catflap("status", pictures)[1][-1]
    assert "right on 12 of 16 before, 16 of 16 after" in catflap("history", pictures)[1][1]
    code, _, words = catflap("restore", pictures, "0")
    assert "original, the present one; restored " in catflap("history", pictures)[1][0]
    code, lines, words = catflap("retrain", pictures, "--json")
    assert code == 0, (lines, words)

    code, lines, words = catflap("retrain", pictures, "--augment", "shifts", "--json")
    assert code == 0, (lines, words)
    said = [json.loads(line) for line in lines]
    read = [each for each in said if each["event"] == "features_read" and each["thing"] == "view"]
    assert (read[-1]["done"], read[-1]["total"]) == (16 * 4, 16 * 4)
    assert [(each["augment"], each["after"]["of"]) for each in said if each["event"] == "retrained"] == [("shifts", 16)]
    code, _, words = catflap("retrain", pictures, "--augment", "rotate")
    assert code == 2
    assert "no augmentation 'rotate'" in words

    code, _, words = catflap("restore", pictures, "7")
    assert code == 2
    assert "no version 7" in words


def test_names_from_outside_cannot_write_to_the_terminal(catflap, pictures, model_path):
    name = "a\x1b]0;owned\x07\u202e.png"
    shutil.copy(pictures / "c00.png", pictures / name)
    _, lines, words = catflap("predict", model_path, pictures / name)
    assert "\x1b" not in "".join(lines) + words
    assert "\\x1b]0;owned\\x07\\u202e.png" in lines[0]
    _, lines, _ = catflap("predict", model_path, pictures / name, "--json")
    assert "\x1b" not in lines[0]
    assert json.loads(lines[0])["path"].endswith(name)
