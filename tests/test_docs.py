"""What the documents say is so."""

import re
from pathlib import Path

from tui.commands import COMMANDS, shown
from tui.settings_file import template

ROOT = Path(__file__).resolve().parents[1]


def test_the_readme_lists_every_key():
    text = (ROOT / "README.md").read_text()
    table = text[text.index("## Keys") : text.index("## Why")]
    for command in COMMANDS:
        if command.action.startswith("label("):
            continue
        key = shown(command).split()[0] if command.keys else command.name
        assert f"`{key}`" in table or key in table, command


def test_the_command_line_page_names_every_command_and_option():
    from tui.command_line import app

    text = (ROOT / "docs" / "command-line.md").read_text()
    for name in (
        "demo",
        "predict",
        "train",
        "retrain",
        "new",
        "convert",
        "prepare",
        "inspect",
        "status",
        "history",
        "restore",
        "settings",
        "completion",
        "labels",
        "import",
    ):
        assert f"catflap {name}" in text
        for argument in app[name].assemble_argument_collection():
            for option in argument.names:
                if option.startswith("--") and not option.startswith("--no-"):
                    assert option in text, (name, option)


def test_the_settings_page_has_everything_that_the_file_may_say():
    text = (ROOT / "docs" / "settings.md").read_text()
    block = "".join(f"    {line}\n" if line else "\n" for line in template().rstrip("\n").split("\n"))
    assert text.endswith(block)
    for option in ("--theme", "--preview", "--order", "--trainer", "--slow-link", "--features", "--store-limit"):
        assert option in text[: text.index(block)]


def test_examples_are_of_commands_that_there_are_and_say_what_they_take():
    from tui.command_line import app
    from tui.examples import EXAMPLES

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
