"""What reaches the terminal: raw bytes, where every name, label and note comes from somebody who means harm."""

import json
import os
import re
import shutil
import subprocess
import unicodedata

import pytest

from engine.spec.schema import Model
from tests.conftest import small_model
from tests.pseudo_terminal import CATFLAP, ROOT, PseudoTerminal

SENT = re.compile(
    rb"\x1b\[\??[0-9;]*[HmhlJK]"  # places, colours, modes
    rb"|\x1b\[\?[0-9;]+\$p|\x1b\[[<>=][0-9;]*[uqm]|\x1b\[[0-9;]*[nctGCABD]|\x1b\[\?u"  # questions, keys
    rb"|\x1b\[[0-9]+;[0-9]+r|\x1b[78=>]|\x1b\([B0]|\x1b\]22;[a-z-]+\x07"  # ... and the pointer's shape
)
"""Everything that the app may send; a sequence with other letters is somebody else's."""
HARM = {
    "title": "\x1b]0;PWNED\x07",
    "colour": "\x1b[38;5;213m",
    "place": "\x1b[4242H",
    "c1": "\x9b31m\x9d0;PWNED\x9c",
    "line": "one\ntwo\rthree\tfour\x07\x7f\x08",
    "bidi": "\u202egpj.\u2066x\u2069\u200f",
    "unseen": "a\u200b\u200d\ufeff\u2060\u00ad\U000e0041\ufe0fb",
    "tower": "Z" + "\u0301" * 30,
    "closing": "[/nope]q",
    "click": "[@click=app.quit]x[/]",
    "colours": "[red on blue]y[/red on blue][link=http://x]z",
    "bytes": os.fsdecode(b"\xff\xfe\x1b[4242H"),
}
"""By what it would do: a part of a name."""


def complaints(data, lines=False):
    """What of these bytes is neither text to look at nor what the app sends; `lines` may end."""
    left = SENT.sub(b"", data)
    text = left.decode("utf-8", "backslashreplace")
    allowed = "\n\r\t" if lines else "\n\r"
    odd = {
        each for each in text if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and each not in allowed
    }
    found = [f"{each!r} near {text[max(0, text.index(each) - 40) : text.index(each) + 20]!r}" for each in sorted(odd)]
    found += [harm for harm in ("\x1b[38;5;213m", "\x1b[4242H") if harm.encode() in data]
    found += ["marks in a tower"] * ("\u0301" * 4 in text)
    return found


def test_the_harm_itself_is_noticed():
    for name, harm in HARM.items():
        if name not in ("closing", "click", "colours"):
            assert complaints(os.fsencode(harm), lines=name == "none") or name == "line", name
    assert complaints(HARM["line"].encode())
    assert not complaints(b"\x1b[?1049h\x1b[3;4H\x1b[38;2;1;2;3mword\x1b[0m\r\n \xe2\x96\x8f")


@pytest.fixture
def hostile(pictures, tmp_path):
    """A folder and a model of which nothing is what it seems."""
    folder = tmp_path / ("f" + HARM["title"] + HARM["bidi"] + "[red]")
    pictures.rename(folder)
    for at, harm in enumerate(HARM.values()):
        name = folder / f"{'cd'[at % 2]}{at:02d}.png"
        name.rename(folder / (harm.replace("/", "∕") + ".png"))
    shutil.copytree(folder / "more", folder / "[" / "nope]q")
    shutil.copy(folder / "d13.png", folder / ("s" * 251 + ".png"))
    (folder / ("broken" + HARM["place"] + ".png")).write_bytes(b"nothing")
    model = small_model(labels=("Cat" + HARM["title"] + HARM["click"], "Dog" + HARM["bidi"] + "[/nope]"), seed=1)
    notes = model.description.metadata
    notes.author = notes.license = notes.shortDescription = "".join(
        HARM[name] for name in ("title", "c1", "bidi", "closing")
    )
    notes.userDefined[HARM["place"]] = HARM["unseen"]
    for layer in model.neuralNetworkClassifier.layers:
        if layer.name == "relu_2":
            layer.name = "relu" + HARM["title"] + HARM["click"]
    path = folder / ("m" + HARM["c1"] + HARM["click"].replace("/", "∕") + ".mlmodel")
    path.write_bytes(model.SerializeToString())
    return folder, path


KEYS = [
    ("accept, flip, next", "xajxj"),
    ("every row", "G"),
    ("the picture", "pp"),
    ("the sheet", "cjjc"),
    ("a label by typing", "t"),
    ("typed there", "[/nope]\x1b[200~\x9b31m\u202e[@click=x]\x1b[201~"),
    ("and left", "\x1b"),
    ("the filter", "/\u202e[/nope]"),
    ("pasted into it", "\x1b[200~\x9b31m\u200b\x07[red]\x1b[201~"),
    ("and done", "\r\x1b"),
    ("the palette", "\x10"),
    ("searched", "[/nope]\u202e"),
    ("and left again", "\x1b"),
    ("help", "?"),
    ("and back", "\x1b"),
    ("a retrain", "gxxaxr"),
    ("the matrix", "m"),
    ("back from it", "\x1b"),
    ("the history", "h"),
    ("compared", " j "),
    ("back from that", "\x1b"),
    ("orders", "sssssss"),
    ("duplicates", "D"),
    ("what changed", "w"),
    ("undo", "uu"),
]


@pytest.mark.parametrize("size", [(80, 24)])
def test_nothing_of_a_name_reaches_the_terminal_but_what_can_be_seen(hostile, size):
    folder, model = hostile
    with PseudoTerminal([*CATFLAP, folder, "--model", model, "--order", "name"], *size) as app:
        app.wait_for(" %")
        app.settle(quiet=0.5)
        for what, keys in KEYS:
            mark = len(app.said)
            app.send(keys)
            app.settle(quiet=0.25, seconds=4)
            assert not complaints(bytes(app.said[mark:])), what
        (folder / ("new" + HARM["title"] + HARM["bidi"] + ".png")).write_bytes((folder / "d13.png").read_bytes() + b"1")
        app.wait_for("new\\x1b]0;PWNED")
        model.write_bytes(b"somebody's")
        app.wait_for("wrote over")
        app.settle()
        app.send("q")
        assert app.wait() == 0
        assert not complaints(bytes(app.said))
        assert "\\x1b]0;PWNED\\x07" in app.text and "[/nope]" in app.text and "\\u202e" in app.text


@pytest.mark.parametrize("json_", [False, True])
def test_nothing_of_a_name_is_printed_but_what_can_be_seen(hostile, tmp_path, json_):
    folder, model = hostile
    (tmp_path / "labels.csv").write_text(f"path,label\n{HARM['title']}nowhere.png,Cat\n", newline="")
    commands = [
        ["predict", model, folder],
        ["inspect", model],
        ["predict", model, folder / ("nowhere" + HARM["title"] + ".png")],
        ["import", folder, tmp_path / "labels.csv", "--model", model],
        ["status", folder],
        ["retrain", folder],
        ["history", folder],
        ["train", model, tmp_path / "labels.csv", "--out", tmp_path / "x.mlmodel"],
        ["inspect", folder / ("none" + HARM["bidi"] + HARM["c1"])],
        ["restore", folder, "7"],
    ]
    if not json_:
        commands += [
            ["labels", folder],
            ["--" + HARM["bidi"] + "[/nope]\x1b[4242H"],
            ["predict" + HARM["title"]],
            ["status", "[red]" + HARM["place"]],
        ]
    for command in commands:
        done = subprocess.run([*CATFLAP, *command, *["--json"] * json_], capture_output=True, cwd=ROOT)
        assert b"Traceback" not in done.stderr, (command[0], done.stderr[-600:])
        for data in (done.stdout, done.stderr):
            assert not complaints(data, lines=True), command[0]
        if json_:
            assert all(json.loads(line) for line in done.stdout.splitlines())
    assert Model.FromString(model.read_bytes()).isUpdatable
