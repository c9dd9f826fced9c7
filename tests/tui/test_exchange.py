"""Labels out and in: the commands in a process of their own, and what the app shows of labels that were brought."""

import csv
import json
import shutil

import numpy as np
import pytest

from engine.events import ImagesPredicted
from engine.journal import EXCLUDED, HELD, IMPORTED, LABEL, Journal, Verdict
from engine.spec.schema import Model
from engine.workspace import Workspace
from tests.pipelines import embedding, neighbors, pipeline
from tests.pseudo_terminal import CATFLAP, PseudoTerminal
from tests.tui.test_main import key, opened, until
from tui.status import status
from tui.table_rows import TableRows
from tui.widgets.lines import Notice
from tui.widgets.table import Table

__all__ = ["opened"]


def truth(name):
    return "Cat" if name.rpartition("/")[2].startswith("c") else "Dog"


@pytest.fixture
def judged(pictures, model_path):
    """A folder with a verdict on ten images; one is excluded, one held out, and one has an awkward name and a copy."""
    (pictures / "d01.png").rename(pictures / "=d.png")
    shutil.copy(pictures / "=d.png", pictures / "more" / "-copy.png")
    contents = {}
    with Workspace(pictures, model_path) as workspace:
        for event in workspace.scan():
            if isinstance(event, ImagesPredicted):
                contents |= dict(zip(event.paths, event.contents, strict=True))
    names = ["=d.png", *sorted(name for name in contents if name[0] in "cd")[5:14]]
    verdicts = [Verdict(contents[name], truth(name.lstrip("=")), "Cat", 0) for name in names]
    verdicts[3] = Verdict(verdicts[3].image, None, "Cat", 0, EXCLUDED)
    verdicts[4] = Verdict(verdicts[4].image, verdicts[4].label, "Cat", 0, HELD)
    with Journal(pictures / ".catflap" / "journal.db") as journal:
        journal.append(verdicts, 1_700_000_000.0)
    return pictures, contents, {verdict.image: verdict for verdict in verdicts}


def in_force(pictures):
    with Journal(pictures / ".catflap" / "journal.db", read_only=True) as journal:
        return journal.in_force()


def test_out_and_in_again(catflap, judged, tmp_path):
    pictures, _, verdicts = judged
    out = tmp_path / "labels.csv"
    code, lines, words = catflap("labels", pictures, "--out", out)
    assert (code, lines) == (0, [])
    assert "11 images in" in words
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["path"] for row in rows if row["path"].startswith("'")} == set()
    assert {"pictures/=d.png", "pictures/more/-copy.png"} <= {row["path"] for row in rows}
    assert {row["at"] for row in rows} == {"2023-11-14T22:13:20Z"}
    (pictures / ".catflap" / "journal.db").unlink()
    code, lines, _ = catflap("import", pictures, out, "--json")
    assert code == 0
    assert json.loads(lines[-1]) == {"event": "labels_imported", "imported": 10, "same": 0, "kept": 0, "missing": 0}
    again = in_force(pictures)
    kinds = {EXCLUDED: EXCLUDED, HELD: HELD, LABEL: IMPORTED}
    assert {content: (each.label, each.kind, each.shown) for content, each in again.items()} == {
        content: (each.label, kinds[each.kind], "Cat") for content, each in verdicts.items()
    }


def test_standard_output_has_paths_relative_to_the_folder(catflap, judged, tmp_path):
    pictures, _, verdicts = judged
    code, lines, words = catflap("labels", pictures)
    assert (code, words) == (0, "")
    assert lines[0] == "path,label,kind,shown,version,at"
    assert "'=d.png,Dog,label,Cat,0,2023-11-14T22:13:20Z" in lines
    (tmp_path / "saved.csv").write_text("\n".join(lines) + "\n")
    code, said, _ = catflap("import", pictures, tmp_path / "saved.csv", "--json")
    assert (code, json.loads(said[-1])["same"]) == (0, len(verdicts))
    objects = json.loads("\n".join(catflap("labels", pictures, "--format", "json")[1]))
    assert len(objects) == 11 and {each["path"] for each in objects} >= {"=d.png", "more/-copy.png"}
    annotations = json.loads("\n".join(catflap("labels", pictures, "--format", "createml")[1]))
    assert {"imagefilename": "more/-copy.png", "annotation": "Dog"} in annotations
    assert len(annotations) == 10


def test_what_is_written_trains_a_model_and_only_on_what_it_may(catflap, judged, tmp_path, model_path):
    pictures, contents, _ = judged
    catflap("labels", pictures, "--out", tmp_path / "labels.csv")
    out = tmp_path / "out.mlmodel"
    code, lines, words = catflap("train", model_path, tmp_path / "labels.csv", "--out", out, "--json", "--trainer", "edit")
    said = [json.loads(line) for line in lines]
    assert code == 0, words
    assert next(each for each in said if each["event"] == "training_began")["samples"] == len(set(contents.values())) - 2
    assert next(each for each in said if each["event"] == "retrained")["after"]["of"] == 8
    assert said[-1]["held"] == {"of": 1, "before": said[-1]["held"]["before"], "after": said[-1]["held"]["after"]}
    metadata = Model.FromString(out.read_bytes()).description.metadata.userDefined
    assert (metadata["catflap.verdicts"], metadata["catflap.trainer"]) == ("8", "edit")
    assert metadata["catflap.trained"].startswith("20") and metadata["catflap.held_out"].startswith(("0 of 1", "1 of 1"))


@pytest.mark.parametrize("copy", [False, True])
def test_folders_train_a_model_and_come_in_again(catflap, judged, tmp_path, model_path, copy):
    pictures, _, _ = judged
    before = {path: path.read_bytes() for path in pictures.rglob("*.png")}
    out = tmp_path / "sorted"
    options = ("--format", "folders", "--out", out, *["--copy"] * copy)
    code, _, words = catflap("labels", pictures, *options)
    assert code == 0 and "10 images in 2 folders" in words
    assert {path.is_symlink() for path in out.rglob("*.png")} == {not copy}
    assert catflap("train", model_path, out, "--out", tmp_path / "o.mlmodel", "--trainer", "fit")[0] == 0
    code, said, _ = catflap("import", pictures, out, "--json")
    assert (code, json.loads(said[-1])["same"]) == (0, 9)
    code, _, words = catflap("labels", pictures, *options)
    assert code == 2 and "not empty" in words
    code, _, words = catflap("labels", pictures, "--format", "folders", "--out", pictures / "sorted")
    assert code == 2 and "photographs' folder" in words
    assert {path: path.read_bytes() for path in pictures.rglob("*.png")} == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--format", "xml"), "There are csv, json, createml, folders"),
        (("--format", "folders"), "needs --out"),
        (("--copy",), "takes no --copy"),
    ],
)
def test_what_labels_refuses(catflap, judged, options, words):
    code, lines, said = catflap("labels", judged[0], *options)
    assert (code, lines) == (2, [])
    assert words in said


def test_what_is_imported_from_the_folder_itself_and_what_stays(catflap, pictures, model_path, tmp_path):
    for name in sorted(pictures.rglob("*.png")):
        to = pictures / truth(name.name) / name.name
        to.parent.mkdir(exist_ok=True)
        name.rename(to)
    (pictures / "more").rmdir()
    code, lines, words = catflap("import", pictures, pictures)
    assert code == 2 and "--model" in words
    code, lines, _ = catflap("import", pictures, pictures, "--model", model_path, "--held-out", "Dog")
    assert (code, lines) == (0, ["24 labels imported."])
    found = in_force(pictures)
    assert {(each.kind, each.version) for each in found.values()} == {(IMPORTED, 0)}
    assert sum(each.flip for each in found.values()) == 12
    said = json.loads(catflap("status", pictures, "--json")[1][0])
    assert (said["imported"], said["excluded"], said["held_out"], said["held_out_folder"]) == (24, 0, 12, "Dog")
    assert "24 imported, 12 held out, 0 without a verdict" in catflap("status", pictures)[1][0]
    with Journal(pictures / ".catflap" / "journal.db") as journal:
        (step,) = journal.entries()
        assert len(step.verdicts) == 24
        first = step.verdicts[0]
        journal.append([Verdict(first.image, "Cat", "Cat", 0, LABEL)], 2.0)
    (tmp_path / "l.csv").write_text("path,label\npictures/c00.png,Dog\nnot/there.png,Cat\n")
    code, _, words = catflap("import", pictures, tmp_path / "l.csv")
    assert code == 2 and "None of the 2" in words


def test_what_is_missing_is_named(catflap, judged, tmp_path):
    pictures, contents, _ = judged
    (pictures / "bad.png").write_bytes(b"nothing")
    name = next(name for name, content in sorted(contents.items()) if content not in judged[2])
    rows = f"path,label\n{name},Dog\nnot/there.png,Cat\nbad.png,Cat\n=d.png,Cat\n"
    (tmp_path / "l.csv").write_text(rows)
    code, lines, words = catflap("import", pictures, tmp_path / "l.csv", "--json")
    said = [json.loads(line) for line in lines]
    assert code == 1, words
    assert said[-1] == {"event": "labels_imported", "imported": 1, "same": 0, "kept": 1, "missing": 2}
    assert [(each["path"], each["where"]) for each in said[-3:-1]] == [("not/there.png", "line 3"), ("bad.png", "line 4")]
    assert "no image in" in said[-3]["error"]
    code, lines, _ = catflap("import", pictures, tmp_path / "l.csv", "--replace")
    assert code == 1
    assert lines[-1] == "1 label imported; 1 said the same before; 2 not found."
    assert in_force(pictures)[contents["=d.png"]].label == "Cat"


def test_what_import_refuses(catflap, judged, tmp_path):
    pictures, _, verdicts = judged
    for rows, words in (
        ("path,label\n=d.png,Hare\n", "line 2: '=d.png' has the label 'Hare'"),
        ("path,label\n=d.png,Dog\nmore/-copy.png,Cat\n", "(line 2, '=d.png') and 'Cat' (line 3, 'more/-copy.png')"),
        ("name,label\n=d.png,Dog\n", "lacks the header"),
    ):
        (tmp_path / "l.csv").write_text(rows)
        code, lines, said = catflap("import", pictures, tmp_path / "l.csv")
        assert (code, [line for line in lines if "event" in line]) == (2, [])
        assert words in said
    code, _, said = catflap("import", pictures, tmp_path / "l.csv", "--held-out", "nowhere")
    assert code == 2 and "no folder inside" in said
    assert in_force(pictures) == verdicts


def test_a_model_that_learns_labels_takes_any(catflap, pictures, tmp_path):
    path = tmp_path / "knn.mlmodel"
    path.write_bytes(pipeline(embedding(), neighbors(k=1)).SerializeToString())
    (tmp_path / "l.csv").write_text("path,label\npictures/c00.png,Hare\npictures/d01.png,-1\n")
    code, lines, words = catflap("import", pictures, tmp_path / "l.csv", "--model", path)
    assert (code, lines[-1]) == (0, "2 labels imported."), words
    assert catflap("retrain", pictures)[0] == 0
    spec = Model.FromString(path.read_bytes())
    assert set(spec.pipelineClassifier.pipeline.models[1].kNearestNeighborsClassifier.stringClassLabels.vector) == {
        "Hare",
        "-1",
    }
    assert spec.description.metadata.userDefined["catflap.verdicts"] == "2"


def test_retrain_honours_what_is_set_aside(catflap, judged):
    pictures, contents, _ = judged
    code, lines, words = catflap("retrain", pictures, "--held-out", "more", "--trainer", "edit", "--json")
    said = [json.loads(line) for line in lines]
    assert code == 0, words
    known = {content for name, content in contents.items() if name.startswith("more/")}
    held = {content for content, each in judged[2].items() if each.label and (each.kind == HELD or content in known)}
    taught = {content for content, each in judged[2].items() if each.kind == LABEL} - known
    assert len(held) > 1 and len(taught) > 1
    saved = next(each for each in said if each["event"] == "model_saved")
    assert saved["held"]["of"] == len(held)
    assert saved["after"]["of"] == len(taught)
    code, _, words = catflap("retrain", pictures, "--trainer", "edit")
    assert code == 0 and f"held out: {saved['held']['after']} of {len(held)} before" in words
    status = json.loads(catflap("status", pictures, "--json")[1][0])
    assert (status["excluded"], status["held_out"], status["held_out_folder"]) == (1, len(held), "more")


# In the app.


def test_labels_that_come_while_the_app_is_open_show_without_a_key(opened, tmp_path, monkeypatch):
    monkeypatch.setattr("tui.screens.labelling.HEAR_S", 0.05)

    async def story(pilot, said, journal):
        main = pilot.app._main
        await pilot.press("a")
        with Journal(tmp_path / "journal.db") as importer:
            importer.append([Verdict(key(n), "Dog", "Cat", 0, IMPORTED) for n in (0, 2)], 1.0)
        await until(pilot, lambda: len(main.session.verdicts) == 3)
        assert "2 verdicts changed" in main.query_one(Notice).content
        assert main.session.rows.verdict.tolist() == [1, 0, 1, -1, -1]
        table = main.query_one(Table)
        signs = {}
        for position in range(5):
            line = table._rows.line(position)
            signs[line.name] = (table._draw(line, False, False).text[1], line.kind)
        assert signs["image00.png"] == ("?", IMPORTED) and signs["image01.png"] == ("✓", LABEL)
        words = [status(table._rows.line(position), ("Cat", "Dog", "Hare"), 10) for position in range(5)]
        assert [line for line in words if line == "imported"] == ["imported"] * 2
        # A person's word, or the same label once more, makes it a person's.
        await pilot.press("/", *"imported", "enter", "g", "2")
        assert journal.in_force()[key(2)].kind == LABEL
        assert len(main._order) == 2
        await pilot.press("l")
        with Journal(tmp_path / "journal.db") as importer:
            importer.append([Verdict(key(4), "Dog", "Dog", 0, IMPORTED)], 1.0)
        await until(pilot, lambda: key(4) in said.asked[-1].verdicts)
        await pilot.press("l", "u", "u", "u")
        assert {content: each.kind for content, each in journal.in_force().items()} == {key(1): LABEL}
        assert main.session.rows.verdict.tolist() == [-1, 0, -1, -1, -1]

    opened(story)


def test_accepting_confirms_and_holding_out_stays_possible(opened):
    async def story(pilot, said, journal):
        main = pilot.app._main
        journal.append([Verdict(key(n), "Cat", "Cat", 0, IMPORTED) for n in (1, 2)], 1.0)
        main.become(main.session.judged(journal.in_force(), [key(1), key(2)]))
        await pilot.press("g", "a")
        assert journal.in_force()[key(1)].kind == LABEL
        row = int(np.flatnonzero(main._order == 2)[0])
        main.table.cursor = row
        await pilot.press("H")
        assert journal.in_force()[key(2)].kind == HELD
        rows = TableRows(main.session, main._order)
        assert rows.line(row).kind == HELD

    opened(story)


def test_import_beside_the_app_in_a_terminal(pictures, model_path, catflap, tmp_path):
    """The whole thing: the app is open, another process imports, the row says so, and u takes it back."""
    arguments = [*CATFLAP, pictures, "--model", model_path, "--preview", "off", "--held-out", "more"]
    with PseudoTerminal(arguments, 100, 30) as terminal:
        terminal.wait_for("24 images · 0 verdicts")
        (tmp_path / "l.csv").write_text(
            "path,label\npictures/c00.png,Cat\npictures/d01.png,Dog\npictures/more/d19.png,Dog\n"
        )
        code, lines, words = catflap("import", pictures, tmp_path / "l.csv")
        assert (code, lines[-1]) == (0, "3 labels imported."), words
        terminal.wait_for("3 verdicts changed by another program")
        code, lines, words = catflap("labels", pictures)
        assert (code, words) == (0, "")
        assert [line.split(",")[:3] for line in lines[1:]] == [
            ["c00.png", "Cat", "imported"], ["d01.png", "Dog", "imported"], ["more/d19.png", "Dog", "held"],
        ]  # fmt: skip
        terminal.wait_for("imported")
        terminal.send("r")
        terminal.wait_for("held out 0→")
        terminal.send("u")
        terminal.wait_for("0 verdicts", since=len(terminal.said))
        terminal.send("q")
    assert in_force(pictures) == {}
