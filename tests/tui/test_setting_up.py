"""The help's examples, and what a shell completes."""

import subprocess

import pytest

from tui.command_line import app
from tui.examples import EXAMPLES, shown

COMMANDS = [name for name in app if not name.startswith("-")]
COMPLETE = """
source /dev/stdin
complete -p catflap >/dev/null || exit 9
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_catflap
printf '%s\\n' "${COMPREPLY[@]}"
"""


def test_help_shows_examples_as_they_are_written(catflap):
    code, lines, _ = catflap("--help")
    assert code == 0
    assert "\n".join(lines).rstrip().endswith(shown("catflap"))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_shows_its_own_examples(catflap, name):
    code, lines, _ = catflap(name, "--help")
    text = "\n".join(lines).rstrip()
    assert code == 0
    assert text.endswith(shown(name)) if name in EXAMPLES else "Examples:" not in text


@pytest.fixture
def completed(tmp_path):
    """What bash offers for the last of these words."""
    script = app.generate_completion(prog_name="catflap", shell="bash")

    def complete(*words):
        done = subprocess.run(
            ["bash", "-c", COMPLETE, "bash", *words], input=script, capture_output=True, text=True, check=True, cwd=tmp_path
        )
        return set(done.stdout.split())

    return complete


def test_bash_completes_commands_options_values_and_files(completed, tmp_path):
    (tmp_path / "photos").mkdir()
    assert completed("catflap", "re") == {"retrain", "restore"}
    assert set(COMMANDS) <= completed("catflap", "")
    assert completed("catflap", "photos", "--pre") == {"--preview"}
    assert completed("catflap", "photos", "--preview", "") == {"blocks", "kitty", "sixel", "off"}
    assert completed("catflap", "photos", "--theme", "high") == {"high-contrast", "high-contrast-light"}
    assert completed("catflap", "retrain", "photos", "--trainer", "") == {"auto", "edit", "fit", "sgd", "plain"}
    assert completed("catflap", "completion", "") == {"bash", "zsh", "fish"}
    assert completed("catflap", "inspect", f"{tmp_path}/ph") == {f"{tmp_path}/photos"}


@pytest.mark.parametrize(("shell", "first"), [("bash", "# Bash"), ("zsh", "#compdef catflap"), ("fish", "# Fish")])
def test_completion_prints_a_script(catflap, shell, first):
    code, lines, words = catflap("completion", shell)
    assert (code, words) == (0, "")
    assert lines[0].startswith(first)
    assert "\n".join(lines).strip() == app.generate_completion(prog_name="catflap", shell=shell).strip()


def test_no_such_shell(catflap):
    code, lines, words = catflap("completion", "cmd")
    assert (code, lines) == (2, [])
    assert "zsh" in words
