"""What the documents say is so."""

import dataclasses
import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.documents import command_line
from tests.documents.blocks import filled
from tests.documents.pages import PAGES
from tests.documents.terminal_svg import BACK, Frame, svg
from tests.pseudo_terminal import CATFLAP
from tui.command_line import INTERRUPTED, REFUSED, app
from tui.commands import COMMANDS
from tui.examples import EXAMPLES
from tui.keys import face
from tui.opening import Kept, open_folder
from tui.settings import Options
from tui.settings_file import template

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "samples" / "README.md"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("page", PAGES)
def test_what_the_code_knows_stands_in_a_page_as_the_code_has_it(page):
    """`python -m tests.documents.pages --write` writes it anew."""
    text = (ROOT / page).read_text()
    assert text == filled(text, PAGES[page]())


def test_blocks_that_a_page_lacks_or_nobody_fills_are_told():
    page = "a\n<!-- one: generated -->\nold\n<!-- one: end -->\nb\n"
    assert filled(page, {"one": "new\n"}) == page.replace("old", "new")
    for blocks in ({}, {"two": ""}, {"one": "", "two": ""}):
        with pytest.raises(ValueError, match="one"):
            filled(page, blocks)


def test_the_keys_in_the_readme_do_what_it_says():
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|$", text[text.index("## Keys") :], re.M)
    assert rows
    known = {face(key) for command in COMMANDS for key in command.keys}
    for keys, _ in rows:
        assert set(re.findall(r"`(.+?)`", keys)) <= known


def test_the_command_line_page_has_everything_that_the_parser_takes():
    """Held against the functions' own parameters: what the generator leaves out is missed here."""
    blocks = command_line.blocks()
    for name in ("FOLDER", *command_line.names()):
        command = open_folder if name == "FOLDER" else app[name].default_command
        for parameter in inspect.signature(command).parameters.values():
            fields = {"kept": Kept, "options": Options}.get(parameter.name)
            taken = [each.name for each in dataclasses.fields(fields)] if fields else [parameter.name]
            for each in taken:
                place = parameter.kind is inspect.Parameter.POSITIONAL_ONLY
                assert (each.upper() if place else f"`--{each.replace('_', '-')}`") in blocks[f"catflap {name}"]


def test_exit_codes_are_those_of_the_code():
    page = (ROOT / "docs" / "command-line.md").read_text()
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", page, re.M)]
    assert codes == [0, 1, REFUSED, INTERRUPTED]


def test_the_settings_page_has_everything_that_the_file_may_say():
    text = (ROOT / "docs" / "settings.md").read_text()
    block = "".join(f"    {line}\n" if line else "\n" for line in template().rstrip("\n").split("\n"))
    assert text.endswith(block)
    for option in ("--theme", "--preview", "--order", "--trainer", "--slow-link", "--features", "--store-limit"):
        assert option in text[: text.index(block)]


def cell(char, fore="#ffffff", back=BACK, bold=False):
    return char, fore, back, bold


def drawing(*lines):
    """A file of one frame for each screen of one line, parsed."""
    return ElementTree.fromstring(svg([Frame((tuple(line),), "x", "a <b> & c", 1.5) for line in lines]))


def test_a_screen_is_drawn_where_its_cells_are():
    line = [cell(" "), *map(cell, "a<  bc&d"), cell("▎"), cell("▐"), cell(" ", back="#010203"), cell("▃")]
    drawn = drawing([*line, cell("▀", "#ff0000", "#0000ff")])
    at = {text.text: (text.get("x"), text.get("textLength")) for text in drawn.iter(f"{SVG}text")}
    assert at["a<"] == ("8", None)
    assert at["bc&d"] == ("40", "32")
    assert at["a <b> & c"]
    paths = {path.get("stroke") or path.get("fill"): path.get("d") for path in drawn.iter(f"{SVG}path")}
    assert paths["#010203"] == "m88 8h8"
    assert (paths["#ff0000"], paths["#0000ff"]) == ("m13 0.5h1", "m13 1.5h1")
    both = [path.get("d") for path in drawn.iter(f"{SVG}path") if "#ffffff" in (path.get("stroke"), path.get("fill"))]
    assert both == ["m72 8h2m10 0h4", "M96 16v-6h8v6"]


def test_pieces_are_drawn_once_and_frames_shown_in_turn():
    drawn = drawing([cell("a")], [cell("b")], [cell("a")])
    uses = [[use.get("href") for use in frame] for frame in drawn.iter(f"{SVG}g") if frame.get("class") == "f"]
    assert uses[0] == uses[2] != uses[1]
    assert len(uses[0]) == 2
    style = drawn.find(f"{SVG}style").text
    assert "@keyframes k1{0%{visibility:hidden}33.333%{visibility:visible}66.667%{visibility:hidden}}" in style


def test_the_recording_is_small_and_asks_for_nothing_from_elsewhere():
    text = (ROOT / "docs" / "recording.svg").read_text()
    drawn = ElementTree.fromstring(text)
    assert len(text.encode()) < 150_000
    assert {each.tag.removeprefix(SVG) for each in drawn.iter()} <= {
        "svg", "title", "style", "defs", "g", "use", "rect", "path", "text",
    }  # fmt: skip
    assert all(use.get("href").startswith("#p") for use in drawn.iter(f"{SVG}use"))
    assert not re.search(r"url\(|@import|://(?!www\.w3\.org/2000/svg\")", text)
    assert "flips learned, 0 of" in "".join(drawn.itertext())


def test_examples_are_of_commands_that_there_are_and_say_what_they_take():
    for name, lines in EXAMPLES.items():
        assert name == "catflap" or name in app
        for line in filter(None, map(str.strip, lines.splitlines())):
            assert len(line) <= 78
            words = re.split(r"  +| > |\)", line)[0].replace("source <(", "").split()
            words = words[words.index("catflap") + 1 :]
            if words[0] != "COMMAND":
                command, _, _ = app.parse_args(words, exit_on_error=False, print_error=False)
                assert name == "catflap" or command is app[name].default_command


def test_the_site_is_built_and_asks_for_nothing_from_elsewhere(tmp_path):
    pytest.importorskip("material")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", ROOT / ".mkdocs.yml", "-d", tmp_path]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert pages <= {page.stem for page in tmp_path.glob("*.html")}
    for page in tmp_path.rglob("*.html"):
        asked = re.findall(r"<(?:script|img|link|iframe)\b[^>]*?(?:src|href)=\"?([^\" >]+)", page.read_text())
        assert asked
        assert not [each for each in asked if re.match(r"(\w+:)?//", each)], page.name
    for style in tmp_path.rglob("*.css"):
        assert not re.search(r"(url\(|@import )[\"']?(\w+:)?//", style.read_text()), style.name


def test_files_that_the_documents_name_exist():
    """In words, tables, pictures and commands."""
    named = {}
    for page in DOCUMENTS:
        text = page.read_text()
        named |= dict.fromkeys(re.findall(r"(?<![\w./-])(?:engine|tui|tests|samples|docs)/[\w/.-]*\w/?", text), page.name)
        modules = re.findall(r"-m ((?:tests|samples)(?:\.\w+)+)", text)
        named |= {f"{module.replace('.', '/')}.py": page.name for module in modules}
    assert len(named) > 40
    assert not {name: page for name, page in named.items() if not (ROOT / name).exists()}


def test_files_that_the_documents_link_to_exist():
    for page in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), (page.name, link)


def test_the_tutorials_commands_do_what_it_says(tmp_path):
    text = (ROOT / "docs" / "tutorial.md").read_text()
    blocks = re.findall(r"^```sh\n((?:.*\n)*?)```\n(?:\n((?:    .*\n)+))?", text, re.M)
    assert sum("catflap" in commands for commands, _ in blocks) >= 4
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    catflap = f'catflap() {{ {shlex.join(CATFLAP)} "$@"; }}\n'
    for commands, said in blocks:
        done = subprocess.run(
            ["bash", "-ec", catflap + commands],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, (commands, done.stdout)
        for line in said.splitlines():
            assert line.strip() in done.stdout, (line, done.stdout)


def test_ci_runs_the_readmes_test_command():
    readme = (ROOT / "README.md").read_text()
    commands = re.findall(r"^    (python3 -m venv .*)$", readme, re.M)
    assert len(commands) == 2
    assert commands[1].endswith("-m pytest")
    assert "README.md" in (ROOT / ".ci" / "run").read_text()
