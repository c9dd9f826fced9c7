"""COMMANDS: everything that a key does; keys, footer, palette, help screen and documentation come from this table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tui.keys import face, faces


@dataclass(frozen=True)
class Command:
    """One thing that a person can do."""

    action: str
    """The method `action_...` of the main screen, with its argument where it takes one."""
    keys: tuple[str, ...]
    """As Textual names them; none for what is in the palette alone."""
    name: str
    """In a word or two: footer and palette."""
    help: str
    """In a sentence: palette and help screen."""
    group: str
    footer: bool = False

    @property
    def id(self) -> str:
        """What the settings file calls it."""
        return self.name.lower().replace(" ", "_")


COMMANDS: tuple[Command, ...] = (
    Command("move(1)", ("j", "down"), "Down", "Move to the next row.", "Moving"),
    Command("move(-1)", ("k", "up"), "Up", "Move to the row above.", "Moving"),
    Command("step(1)", ("right",), "Next", "Move to the next image; in the contact sheet, to the right.", "Moving"),
    Command("step(-1)", ("left",), "Previous", "Move to the image before.", "Moving"),
    Command("page(1)", ("pagedown", "ctrl+f"), "Page down", "Move a page down.", "Moving"),
    Command("page(-1)", ("pageup", "ctrl+b"), "Page up", "Move a page up.", "Moving"),
    Command("top", ("g", "home"), "Top", "Move to the first row.", "Moving"),
    Command("bottom", ("G", "end"), "Bottom", "Move to the last row.", "Moving"),
    Command("next_open(1)", ("n",), "Next open", "Move to the next image without a verdict.", "Moving"),
    Command("next_open(-1)", ("N",), "Previous open", "Move to the previous image without a verdict.", "Moving"),
    Command("accept", ("a", "enter"), "Accept", "The predicted label is right; go on.", "Verdicts", True),
    Command("flip", ("x",), "Flip", "Wrong: the other of two, the next likely of many; go on.",
            "Verdicts", True),
    *(
        Command(f"label({n - 1})", (str(n % 10),), f"Label {n}", f"Give label number {n}; go on.", "Verdicts")
        for n in range(1, 11)
    ),
    Command("pick", ("t",), "Type a label", "Give any label by typing a part of its name; go on.", "Verdicts"),
    Command("range", ("v",), "Range", "Begin a range: move; the next verdict is for all of it.", "Verdicts"),
    Command("all_shown", ("V",), "All shown", "The next verdict is for all images that are shown.", "Verdicts"),
    Command("exclude", ("e",), "Exclude", "Not trained on: blurred, none of the labels; again: back.", "Verdicts"),
    Command("hold_out", ("H",), "Hold out", "Measured by this label, never trained on; again: back.", "Verdicts"),
    Command("pass_over", ("space",), "Pass over", "No verdict; go on.", "Verdicts"),
    Command("undo", ("u",), "Undo", "Take the last verdict back; works across restarts.", "Verdicts", True),
    Command("redo", ("U",), "Redo", "Give the verdict again that was taken back.", "Verdicts"),
    Command("retrain", ("r",), "Retrain", "Retrain on all verdicts, check, save, load, predict again.",
            "Model", True),
    Command("live", ("l",), "Live", "Retrain in memory at every verdict, and show it; r keeps it.", "Model"),
    Command("room", (), "Room", "Choose how much of new images is kept on the disk.", "Model"),
    Command("stop", ("escape",), "Stop", "End a range; stop, losing nothing; show all; leave the sheet.", "Model"),
    Command("next_order", ("s",), "Order", "Sort: uncertain, mixed, likely mistakes, changed, name ...", "Looking", True),
    Command("alike", ("D",), "Duplicates", "Groups of pictures that are nearly the same; v takes a group.", "Looking"),
    Command("outcome", ("w",), "What changed", "What the last retrain learned, broke and missed; again: all.", "Looking"),
    Command("filter", ("slash",), "Filter", "Show some: by name, label, verdict, <60%, wrong, flips ...", "Looking"),
    Command("picture", ("p",), "Picture", "Show the picture beside the table, large, or not at all.", "Looking", True),
    Command("sheet", ("c",), "Sheet", "Contact sheet: show a grid of thumbnails, or the table again.", "Looking", True),
    Command("zoom(1)", ("plus", "equals_sign"), "Zoom in", "Show the picture twice as large.", "Looking"),
    Command("zoom(-1)", ("minus",), "Zoom out", "Show it half as large.", "Looking"),
    Command("pan(-1, 0)", ("less_than_sign", "shift+left"), "Pan left", "Zoomed in: show what is further left.", "Looking"),
    Command("pan(1, 0)", ("greater_than_sign", "shift+right"), "Pan right", "Show what is further right.", "Looking"),
    Command("pan(0, 1)", ("J", "shift+down"), "Pan down", "Show what is below.", "Looking"),
    Command("pan(0, -1)", ("K", "shift+up"), "Pan up", "Show what is above.", "Looking"),
    Command("matrix", ("m",), "Matrix", "Confusion matrix; Enter on a cell shows its images.", "Looking"),
    Command("history", ("h",), "History", "All versions of the model: compare two, restore one.", "Model"),
    Command("theme", (), "Theme", "Choose the colours.", "Looking"),
    Command("palette", ("ctrl+p",), "Palette", "Find a command by its name.", "Catflap"),
    Command("help", ("question_mark",), "Help", "Show all keys.", "Catflap", True),
    Command("quit", ("q",), "Quit", "Leave; everything is already saved.", "Catflap", True),
)  # fmt: skip


def with_keys(keys: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
    """The commands with the keys that a person chose, by id; what is not named keeps its own."""
    return tuple(replace(command, keys=keys.get(command.id, command.keys)) for command in COMMANDS)


def groups(commands: tuple[Command, ...] = COMMANDS) -> Iterator[tuple[str, list[Command]]]:
    """The commands by group, in the table's order."""
    names = dict.fromkeys(command.group for command in commands)
    for name in names:
        yield name, [command for command in commands if command.group == name]


def explained(command: Command) -> str:
    """What it does, and its keys, if there are any."""
    return f"{command.help} ({shown(command)})" if command.keys else command.help


def shown(command: Command) -> str:
    """The command's keys as a person reads them; empty where it has none."""
    return faces(command.keys)


def key_words(commands: tuple[Command, ...]) -> dict[str, str]:
    """By id, what to press, for the words of a notice: the first key, or what to look for in the palette."""
    return {command.id: face(command.keys[0]) if command.keys else f"{command.name} (palette)" for command in commands}


KEYS = key_words(COMMANDS)
"""What to press where nobody chose other keys."""
