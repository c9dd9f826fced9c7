"""What is said of keys in a line; `keys` tells, by a command's id, what to press. No Textual here."""

from collections.abc import Mapping, Sequence

from engine.lock import Holder
from tui.text import count, fit, safe

Keys = Mapping[str, str]
NAME = 18
"""Cells of a name in a line that has more to say."""


def hint(keys: Keys) -> str:
    """The few keys that matter, for someone who never gave a verdict here."""
    return (
        f"{keys['help']} shows all keys: {keys['accept']} accepts the label, {keys['flip']} flips it, "
        f"{keys['undo']} takes it back, {keys['retrain']} retrains."
    )


def looking_only(holder: Holder) -> str:
    """Another process holds the folder."""
    return f"Looking only, the folder {holder.what} elsewhere: {holder.words}."


def has_left(keys: Keys) -> str:
    """It does not any more."""
    return f"The other Catflap has ended; {keys['quit']} and open the folder again to write."


def none_given(keys: Keys) -> str:
    """There is nothing to learn, or to show, yet."""
    return f"Give some verdicts first: {keys['accept']} accepts, {keys['flip']} flips."


def live_begins(keys: Keys) -> str:
    """Live was switched on."""
    return f"Live: verdicts show at once what they come to; {keys['retrain']} keeps it, {keys['live']} ends it."


def live_learned(words: str, keys: Keys) -> str:
    """What live came to."""
    return f"Live: {words}. Not saved; {keys['retrain']} keeps it."


def saved_as(version: int) -> str:
    """What a retrain came to is kept."""
    return f"Saved as version {version}."


def not_learned(flips: int, apart: Sequence[tuple[str, str]], keys: Keys) -> str:
    """Some flips were not learned; `apart` are names of pictures that are nearly the same and have other labels."""
    if not apart:
        return f"{count(flips, 'flip')} not learned: {keys['what_changed']} shows which."
    one, other = (fit(safe(name), NAME, middle=True).rstrip() for name in apart[0])
    more = f" and {len(apart) - 1} more" if len(apart) > 1 else ""
    return f"{one} contradicts {other}{more}: {keys['duplicates']} shows both."


def themed(name: str) -> str:
    """Other colours were chosen."""
    return f'To keep these colours: theme = "{name}" below [look] in the settings file; `catflap settings` says where.'


def one_more(keys: Keys) -> str:
    """A retrain was asked for while one runs."""
    return f"One more retrain follows, with what you say meanwhile; {keys['stop']} stops."


def put_off(images: str, keys: Keys) -> str:
    """Nothing was decided about room on the disk."""
    return f"{images} not read; Room in the palette ({keys['palette']}) asks again."


EDGE = "This is the picture's edge."
PANS = ("pan_left", "pan_right", "pan_down", "pan_up")
"""The commands that move the part of a picture that is seen."""


def all_seen(keys: Keys) -> str:
    """A picture is not zoomed in."""
    return f"All of the picture is shown; {keys['zoom_in']} zooms in, {' '.join(keys[each] for each in PANS)} move."


def every_pixel(keys: Keys) -> str:
    """It cannot be zoomed in further."""
    return f"Every pixel of the picture is shown; {keys['zoom_out']} zooms out."
