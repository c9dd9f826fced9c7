"""What a person may choose: in the settings file, and, of that, on the command line. No Textual here."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from engine.errors import BadSetting
from engine.keeping import PRECISIONS, Keeping, bytes_of
from engine.limits import Limits, pixels_of
from engine.retention import USUAL_VERSIONS

if TYPE_CHECKING:
    # It loads NumPy, which the first frame does without.
    from tui.messages import Opening

# As types, so that a shell completes them.
Preview = Literal["blocks", "kitty", "sixel", "off"]
Trainer = Literal["auto", "edit", "fit", "sgd", "plain"]
Order = Literal["uncertain first", "mixed", "likely mistakes", "changed", "name", "newest", "audit"]
Precision = Literal["full", "half"]
Augment = Literal["none", "mirror", "shifts", "both"]
Hangup = Literal["finish", "stop"]
Theme = Literal[
    "textual-dark", "textual-light", "high-contrast", "high-contrast-light", "ansi-dark", "ansi-light", "atom-one-dark",
    "atom-one-light", "catppuccin-frappe", "catppuccin-latte", "catppuccin-macchiato", "catppuccin-mocha", "dracula",
    "flexoki", "gruvbox", "monokai", "nord", "rose-pine", "rose-pine-dawn", "rose-pine-moon", "solarized-dark",
    "solarized-light", "tokyo-night",
]  # fmt: skip

PREVIEWS: tuple[str, ...] = get_args(Preview)
"""How pictures are drawn. Never found out by asking the terminal: over a slow line its late answer arrives as keys."""
TRAINERS: tuple[str, ...] = get_args(Trainer)
"""The names in `engine.trainers.TRAINERS`, which a test holds this against: the app must not load NumPy's trainers."""
AUGMENTS: tuple[str, ...] = get_args(Augment)
"""The names in `engine.augment.AUGMENTS`, likewise."""
HANGUPS: tuple[str, ...] = get_args(Hangup)
"""What becomes of a retrain when the line drops."""
ORDERS: tuple[str, ...] = get_args(Order)
"""The names in `tui.order.ORDERS`, likewise."""
THEMES: tuple[str, ...] = get_args(Theme)
"""The names in `tui.themes` and of Textual's own, likewise; the ansi ones are the terminal's 16 colours."""


@dataclass(frozen=True)
class Choices:
    """How the app looks and works for one session; but for `keys`, each field is a line of SETTINGS."""

    preview: str | None = None
    trainer: str = "auto"
    augment: str = "none"
    slow_link: bool = False
    theme: str | None = None
    order: str = ORDERS[0]
    hangup: str = "finish"
    features: str = ""
    store_limit: str = ""
    keep_versions: str = str(USUAL_VERSIONS)
    versions_limit: str = ""
    ask_above: str = "2GB"
    max_pixels: str = "200MP"
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By a command's id, its keys, where they are not its own."""
    keep_in: str = "beside"

    @property
    def drawn(self) -> str:
        """How pictures are drawn."""
        return self.preview or ("off" if self.slow_link else "blocks")

    @property
    def colours(self) -> str:
        """The theme; over a slow link colours by number, which take a third fewer bytes."""
        return self.theme or ("ansi-dark" if self.slow_link else "textual-dark")

    @property
    def usual(self) -> Keeping:
        """How features and versions are kept of folders for which nobody chose."""
        return Keeping(self.features, self.store_limit, self.keep_versions, self.versions_limit)

    @property
    def limits(self) -> Limits:
        """What a picture may take. Raises BadSetting."""
        return Limits(pixels_of(self.max_pixels))

    def opening(
        self,
        folder: Path,
        model: Path | None,
        out: Path | None,
        keeping: Keeping,
        held_out: str = "",
        keep_in: str = "",
        follow_links: bool | None = None,
    ) -> "Opening":
        """What the engine's process opens."""
        from tui.messages import Opening

        asked = keeping, bytes_of(self.ask_above), self.usual, held_out, keep_in, self.limits, follow_links
        return Opening(folder, model, out, *asked)

    def but(self, options: "Options") -> "Choices":
        """This, but what the command line says."""
        return replace(self, **{name: said for name, said in asdict(options).items() if said is not None})

    def check(self) -> None:
        """Raise BadSetting for a value that there is not."""
        for setting in SETTINGS:
            value = getattr(self, setting.name)
            if value not in (None, ""):
                setting.check(value)


@dataclass(frozen=True)
class Options:
    """What the command line may say for one session; the settings file holds for the rest.

    Attributes
    ----------
    preview
        How pictures are drawn; off with --slow-link, if left out.
    trainer
        What r trains with.
    augment
        Views of each picture with a verdict that r trains on as well: mirrored, shifted a little, or both.
    slow_link
        Send few bytes: the terminal's own colours, pictures only with --preview, no curve, no mouse.
    theme
        The colours; the ansi ones are the terminal's own.
    order
        Which rows come first.
    hangup
        What becomes of a retrain when the line drops: it goes on to its end, or stops.
    max_pixels
        Larger pictures are refused, such as 50MP.
    """

    # `str` takes what there is not, which is refused with a sentence of our own.
    preview: Preview | str | None = None
    trainer: Trainer | str | None = None
    augment: Augment | str | None = None
    slow_link: bool | None = None
    theme: Theme | str | None = None
    order: Order | str | None = None
    hangup: Hangup | str | None = None
    max_pixels: str | None = None


@dataclass(frozen=True)
class Setting:
    """One line of the settings file."""

    table: str
    name: str
    """A field of Choices."""
    usual: str | bool
    """What holds where nothing is said."""
    help: str
    allowed: tuple[str, ...] = ()
    """The only values, where they can be counted."""
    parse: Callable[[str], object] = str
    """Raises BadSetting for what there is not."""

    def check(self, value: object) -> None:
        """Raise BadSetting for a value that there is not."""
        if isinstance(self.usual, bool):
            if not isinstance(value, bool):
                raise BadSetting(f"{self.name} is {value!r}.", "It is true or false, without quotes.")
        elif not isinstance(value, str):
            raise BadSetting(f"{self.name} is {value!r}.", f'It stands in quotes, such as "{self.usual}".')
        elif self.allowed and value not in self.allowed:
            raise BadSetting(f"There is no {self.name} {value!r}.", f"There are {', '.join(self.allowed)}.")
        else:
            self.parse(value)


SETTINGS: tuple[Setting, ...] = (
    Setting("look", "theme", "textual-dark", "Colours; over a slow link ansi-dark, if none is named.", THEMES),
    Setting("look", "preview", "blocks", "How pictures are drawn; over a slow link off, if nothing is said.", PREVIEWS),
    Setting("look", "order", ORDERS[0], "Which rows come first.", ORDERS),
    Setting("look", "slow_link", False, "Send few bytes: the terminal's own colours, no pictures, no curve, no mouse."),
    Setting("training", "trainer", "auto", "What r trains with.", TRAINERS),
    Setting("training", "augment", "none", "Views of each picture with a verdict that r trains on as well.", AUGMENTS),
    Setting("training", "hangup", "finish",
            "When the line drops, a retrain goes on to its end and is saved, or stops at once.", HANGUPS),
    Setting("limits", "features", "full",
            "Precision of the features kept of a folder for which nobody chose; with this, nobody is asked.", PRECISIONS),
    Setting("limits", "store_limit", "none",
            "Room that they may take, such as 500MB or 2GB; with this, nobody is asked.",
            parse=lambda size: Keeping(limit=size)),
    Setting("limits", "keep_versions", str(USUAL_VERSIONS),
            "How many versions of a model that were trained here are kept, or all; the untouched one always is.",
            parse=lambda number: Keeping(versions=number)),
    Setting("limits", "versions_limit", "none", "Room that they may take, such as 2GB.",
            parse=lambda size: Keeping(versions_limit=size)),
    Setting("limits", "ask_above", "2GB", "Ask before the features of a scan take more than this.", parse=bytes_of),
    Setting("limits", "max_pixels", "200MP", "Larger pictures are refused before they are decoded.", parse=pixels_of),
    Setting("limits", "keep_in", "beside",
            "Below which folder verdicts, versions and features are kept, of folders of which nothing is kept yet; "
            "beside: in .catflap inside them."),
)  # fmt: skip
