"""The settings file: what it says, what is refused and on which line, what goes before it."""

import re
import tomllib

import pytest

from engine.errors import BadSetting
from engine.keeping import Keeping
from engine.retention import Retention
from tui.commands import COMMANDS
from tui.settings import SETTINGS, Choices, Options
from tui.settings_file import read, settings_path, template, write


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "own" / "settings.toml"
    path.parent.mkdir()
    monkeypatch.setenv("CATFLAP_SETTINGS", str(path))
    return path


def uncommented(text):
    """The template with every setting said."""
    return re.sub(r"^#(?=[a-z_0-9]+ = )", "", text, flags=re.MULTILINE)


def test_no_file_is_no_error(file):
    assert read() == Choices()


def test_the_file_lies_where_the_system_keeps_settings(monkeypatch, tmp_path):
    monkeypatch.delenv("CATFLAP_SETTINGS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings_path().name == "settings.toml"
    assert settings_path().parent.name == "catflap"


def test_what_is_said_holds(file):
    file.write_text(
        '[look]\ntheme = "nord"\npreview = "off"\norder = "newest"\nslow_link = true\n'
        '[training]\ntrainer = "sgd"\naugment = "both"\nhangup = "stop"\n'
        '[limits]\nfeatures = "half"\nstore_limit = "3GB"\nask_above = "1.5GB"\nmax_pixels = "50MP"\n'
        'keep_versions = "7"\nversions_limit = "9MB"\nkeep_in = "/disk"\n'
        '[keys]\naccept = ["y", "enter"]\nroom = "F5"\nquit = []\nhelp = "."\n'
    )
    said = read()
    assert said == Choices(
        "off", "sgd", "both", True, "nord", "newest", "stop", "half", "3GB", "7", "9MB", "1.5GB", "50MP",
        {"accept": ("y", "enter"), "room": ("f5",), "quit": (), "help": ("full_stop",)}, "/disk",
    )  # fmt: skip
    opening = said.opening(file.parent, None, None, Keeping("full"))
    assert (opening.ask_above_bytes, opening.usual, opening.keeping, opening.limits.max_pixels) == (
        1_500_000_000,
        Keeping("half", "3GB", "7", "9MB"),
        Keeping("full"),
        50_000_000,
    )


def test_the_app_keeps_twenty_versions_unless_somebody_says_otherwise():
    assert Choices().usual.retention == Retention(20, None)


def test_the_command_line_goes_before_the_file(file):
    file.write_text('[look]\ntheme = "nord"\norder = "name"\nslow_link = true\npreview = "sixel"\n')
    said = read().but(Options(theme="gruvbox", slow_link=False))
    assert (said.theme, said.order, said.slow_link, said.preview) == ("gruvbox", "name", False, "sixel")


def test_a_slow_link_has_its_own_usual_looks():
    assert (Choices().drawn, Choices().colours) == ("blocks", "textual-dark")
    assert (Choices(slow_link=True).drawn, Choices(slow_link=True).colours) == ("off", "ansi-dark")
    said = Choices("sixel", slow_link=True, theme="nord")
    assert (said.drawn, said.colours) == ("sixel", "nord")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[look]\n\ntheme = "nordd"\n', 3, "no theme 'nordd'. There are textual-dark"),
        ('[look]\npreview = 5\n', 2, "preview is 5"),
        ('# first\n[look]\nslow_link = "yes"\n', 3, "true or false"),
        ('[look]\norder = "name"\ncolour = "red"\n', 3, "no 'colour' in [look]. There are theme, preview"),
        ('[look]\norder = "name"\n\n[loook]\ntheme = "nord"\n', 4, "no table [loook]. There are [look], [training]"),
        ('theme = "nord"\n', 1, "no table [theme]"),
        ('look.order = "name"\nlook.theme = "x"\n', 2, "no theme 'x'"),
        ('[training]\ntrainer = "magic"\n', 2, "no trainer 'magic'"),
        ('[limits]\nfeatures = "half"\nstore_limit = "5MB"\n', 3, "too small"),
        ('[limits]\nask_above = "much"\n', 2, "'much' is no size"),
        ('[limits]\nask_above = 5\n', 2, "quotes"),
        ('[limits]\nmax_pixels = "0MP"\n', 2, "'0MP' is no number of pixels"),
        ('[keys]\naccept = "ctrl+m"\n', 2, "no key 'ctrl+m'"),
        ('[keys]\nflip = "f"\naccept = [\n  "b",\n  "n",\n]\n', 3, "n is for next_open and for accept"),
        ('[keys]\naccept = "x"\nretrain = "a"\n', 2, "x is for accept and for flip"),
        ('[keys]\nundo = 3\n', 2, "undo is 3"),
        ('[keys]\nundo = ["z", 3]\n', 2, "undo is ['z', 3]"),
        ('[keys]\n"jump" = "J"\n', 2, "no 'jump' in [keys]"),
        ('[look]\r\norder = "name"\r\ntheme = "x"\r\n', 3, "no theme 'x'"),
        ('[look]\ntheme = "nord\n', 2, "no TOML"),
        ('[look]\ntheme = "nord"\ntheme = "nord"\n', 3, "overwrite"),
        ('[keys]\nundo = ["z"', 2, "no TOML"),
        ('[look]\n\n# \udcff\n', 3, "UTF-8"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_and_line(file, text, line, words):
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadSetting) as caught:
        read()
    assert str(caught.value).startswith(f"{file}, line {line}: ")
    assert words in str(caught.value)


def test_keys_can_be_swapped(file):
    file.write_text('[keys]\naccept = "x"\nflip = ["a", "a"]\n')
    assert read().keys == {"accept": ("x",), "flip": ("a",)}


def test_a_file_that_cannot_be_read_is_refused(file):
    file.mkdir()
    with pytest.raises(BadSetting, match="cannot be read"):
        read()


def test_the_template_says_nothing_and_uncommented_what_holds_anyway(file):
    assert tomllib.loads(template()) == {"look": {}, "training": {}, "limits": {}, "keys": {}}
    said = tomllib.loads(uncommented(template()))
    for setting in SETTINGS:
        assert said[setting.table].pop(setting.name) == setting.usual
    assert list(said["keys"]) == [command.id for command in COMMANDS]
    assert not any(said[table] for table in ("look", "training", "limits"))
    file.write_text(uncommented(template()))
    assert read().keys == {command.id: command.keys for command in COMMANDS}
    assert read().but(Options()).drawn == Choices().drawn
    assert read().colours == Choices().colours
    for name in ("trainer", "order", "ask_above", "slow_link"):
        assert getattr(read(), name) == getattr(Choices(), name)


def test_a_setting_is_a_field_of_the_choices_with_a_value_that_there_is():
    for setting in SETTINGS:
        assert hasattr(Choices(), setting.name)
        setting.check(setting.usual)


def test_every_command_has_a_name_of_its_own():
    names = [command.id for command in COMMANDS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z_0-9]+", name) for name in names)


def test_the_file_is_written_once(file):
    file.parent.rmdir()
    assert write() == file
    assert file.read_text() == template()
    file.write_text("# mine\n")
    with pytest.raises(BadSetting, match="already"):
        write()
    assert file.read_text() == "# mine\n"


def test_the_command_shows_where_and_what_and_checks(catflap, file):
    code, lines, words = catflap("settings")
    assert (code, "\n".join(lines) + "\n") == (0, template())
    assert f"no {file} yet" in words
    assert catflap("settings", "--write")[0] == 0
    assert file.read_text() == template()
    assert catflap("settings", "--write")[0] == 2
    file.write_text("[look]\ntheme = 3\n")
    code, lines, words = catflap("settings")
    assert (code, len(lines)) == (2, template().count("\n"))
    assert f"{file}, line 2: theme is 3" in words


def test_commands_that_open_the_app_refuse_a_file_that_is_wrong(catflap, file, pictures, model_path):
    file.write_text('[keys]\naccept = "u"\n')
    for command in (["demo"], [pictures, "--model", model_path], ["retrain", pictures]):
        code, lines, words = catflap(*command)
        assert (code, lines) == (2, [])
        assert "line 2: u is for accept and for undo" in words
        assert "Traceback" not in words


def test_retrain_takes_trainer_and_limits_from_the_file(catflap, file, pictures, model_path):
    from engine.events import ImagesPredicted
    from engine.journal import Journal, Verdict
    from engine.workspace import Workspace

    with Workspace(pictures, model_path) as workspace:
        first = next(event for event in workspace.scan() if isinstance(event, ImagesPredicted))
        kept = workspace.home
    with Journal(kept / "journal.db") as journal:
        journal.append([Verdict(first.contents[0], "Dog", "Cat", 0)], 1.0)
    file.write_text('[training]\ntrainer = "fit"\n[limits]\nfeatures = "half"\n')
    code, lines, _ = catflap("retrain", pictures, "--force", "--json")
    assert code == 0
    assert any('"trainer": "fit"' in line for line in lines)
    assert "in half precision" in catflap("status", pictures)[1][-1]
    code, lines, _ = catflap("retrain", pictures, "--force", "--trainer", "edit", "--features", "full", "--json")
    assert any('"trainer": "edit"' in line for line in lines)
    # What was said of the folder goes before what the file says of all.
    assert catflap("retrain", pictures, "--force")[0] == 0
    assert "in full precision" in catflap("status", pictures)[1][-1]
