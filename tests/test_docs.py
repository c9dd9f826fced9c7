"""What the documents say is so."""

import dataclasses
import inspect
import re
from pathlib import Path

import pytest

from tests.documents import command_line
from tests.documents.blocks import filled
from tests.documents.pages import PAGES
from tui.command_line import INTERRUPTED, REFUSED, app
from tui.commands import COMMANDS
from tui.examples import EXAMPLES
from tui.keys import face
from tui.opening import Kept, open_folder
from tui.settings import Options
from tui.settings_file import template

ROOT = Path(__file__).resolve().parents[1]


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


def test_files_that_the_documents_link_to_exist():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), (page.name, link)


def test_ci_runs_the_readmes_test_command():
    readme = (ROOT / "README.md").read_text()
    commands = re.findall(r"^    (python3 -m venv .*)$", readme, re.M)
    assert len(commands) == 2
    assert commands[1].endswith("-m pytest")
    assert "README.md" in (ROOT / ".ci" / "run").read_text()
