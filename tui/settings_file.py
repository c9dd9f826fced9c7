"""The settings file: where it is, what it says, and what stands in one that was just written. No Textual here."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from platformdirs import user_config_path

from engine import whole_file
from engine.errors import BadSetting
from tui.commands import COMMANDS, with_keys
from tui.keys import SIGNS, key_named
from tui.settings import SETTINGS, Choices

VARIABLE = "CATFLAP_SETTINGS"
"""Names another file, where it is set."""
TABLES = (*dict.fromkeys(setting.table for setting in SETTINGS), "keys")
Tables = Mapping[str, Mapping[str, Any]]


def settings_path() -> Path:
    """Where the file is, or would be."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else user_config_path("catflap") / "settings.toml"


def read() -> Choices:
    """What the file says; the usual values where there is none. Raises BadSetting, which names the file and the line."""
    path = settings_path()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Choices()
    except OSError as error:
        raise BadSetting(f"{str(path)!r} cannot be read: {error.strerror}.", f"{VARIABLE} names another file.") from error
    return _File(path, data).choices()


class _File:
    """A file that is there."""

    def __init__(self, path: Path, data: bytes) -> None:
        self._path = path
        try:
            self._text = data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise self._at(line, BadSetting("This is not UTF-8.", "Save the file as UTF-8.")) from error
        import tomllib

        try:
            self._tables: Tables = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            why, _, place = str(error).partition(" (at ")
            line = int(place[5:].partition(",")[0]) if place.startswith("line ") else self._text.count("\n") + 1
            raise self._at(
                line, BadSetting(f"{why}.", "This is no TOML; `catflap settings` shows a file that is.")
            ) from error

    def choices(self) -> Choices:
        """What it says, as far as there is such a thing."""
        by_name = {(setting.table, setting.name): setting for setting in SETTINGS}
        said: dict[str, Any] = {}
        for table, name, value in self._lines():
            if table == "keys":
                continue
            try:
                by_name[table, name].check(value)
            except BadSetting as error:
                raise self._at(self._line(table, name), error) from error
            said[name] = value
        return Choices(**said, keys=self._keys())

    def _lines(self) -> Iterator[tuple[str, str, Any]]:
        """Table, name, value; names that there are not are refused."""
        known = {table: [each.name for each in SETTINGS if each.table == table] for table in TABLES}
        known["keys"] = [command.id for command in COMMANDS]
        for table, content in self._tables.items():
            if table not in known or not isinstance(content, dict):
                tables = ", ".join(f"[{each}]" for each in TABLES)
                raise self._at(self._line(table), BadSetting(f"There is no table [{table}].", f"There are {tables}."))
            for name, value in content.items():
                if name not in known[table]:
                    error = BadSetting(f"There is no {name!r} in [{table}].", f"There are {', '.join(known[table])}.")
                    raise self._at(self._line(table, name), error)
                yield table, name, value

    def _keys(self) -> dict[str, tuple[str, ...]]:
        """By command, the keys that it names; a key of two commands is refused."""
        said = self._tables.get("keys", {})
        keys = {name: self._keys_of(name, value) for name, value in said.items()}
        taken: dict[str, str] = {}
        for command in with_keys(keys):
            for key in command.keys:
                other = taken.setdefault(key, command.id)
                if other != command.id:
                    line = max(self._line("keys", each) for each in (other, command.id) if each in said)
                    error = BadSetting(
                        f"{key} is for {other} and for {command.id}.", "Give one of them another key, or []."
                    )
                    raise self._at(line, error)
        return keys

    def _keys_of(self, name: str, value: object) -> tuple[str, ...]:
        several = cast(list[object], value) if isinstance(value, list) else [value]
        named = [each for each in several if isinstance(each, str)]
        try:
            if len(named) < len(several):
                raise BadSetting(f"{name} is {value!r}.", 'It is a key in quotes, or a list of them: ["a", "enter"].')
            return tuple(dict.fromkeys(map(key_named, named)))
        except BadSetting as error:
            raise self._at(self._line("keys", name), error) from error

    def _line(self, table: str, name: str | None = None) -> int:
        """The line, from 1, where that begins: the parser itself tells after which lines it is there."""
        import tomllib

        lines, first = self._text.split("\n"), 1
        for end in range(1, len(lines) + 1):
            try:
                said = tomllib.loads("\n".join(lines[:end]))
            except tomllib.TOMLDecodeError:
                continue
            if table in said and (name is None or name in said[table]):
                break
            first = end + 1
        return first

    def _at(self, line: int, error: BadSetting) -> BadSetting:
        return BadSetting(f"{self._path}, line {line}: {error.sentence}", error.hint)


def write() -> Path:
    """Write a file that says nothing yet; gives its place. Raises BadSetting where there is one."""
    path = settings_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole_file.create(path, template().encode())
    except FileExistsError as error:
        raise BadSetting(f"There is a settings file already: {path}.", "It stays as it is; edit it.") from error
    except OSError as error:
        raise BadSetting(
            f"{str(path)!r} cannot be written: {error.strerror}.", f"{VARIABLE} names another file."
        ) from error
    return path


def template() -> str:
    """A file with every setting at its usual value, each of them commented out."""
    lines = ["# Settings of Catflap. A line counts once its # is gone; what the command line says goes before."]
    for table in TABLES[:-1]:
        lines += ["", f"[{table}]"]
        for setting in SETTINGS:
            if setting.table == table:
                lines += _comment(setting.help) + (_comment(", ".join(setting.allowed)) if setting.allowed else [])
                lines.append(f"#{setting.name} = {_written(setting.usual)}")
    lines += [
        "",
        "[keys]",
        *_comment('A key, or a list of them; [] for none. Characters, and names such as "f5", "ctrl+a".'),
    ]
    for command in COMMANDS:
        keys = [SIGNS.get(key, key) for key in command.keys]
        written = _written(keys[0]) if len(keys) == 1 else f"[{', '.join(map(_written, keys))}]"
        lines.append(f"{f'#{command.id} = {written}':<38}# {command.help}")
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    from textwrap import wrap

    return [f"# {line}" for line in wrap(text, 100, break_on_hyphens=False)]


def _written(value: str | bool) -> str:
    """As TOML; its strings are JSON's."""
    import json

    return json.dumps(value)
