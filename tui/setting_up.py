"""The commands that fit Catflap to a person: the settings file, and what the shell completes."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from tui.output import say, show

Shell = Literal["bash", "zsh", "fish"]


def settings(*, write: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Show where the settings file is, and everything that it may say; and check the one that is there.

    Parameters
    ----------
    write
        Write that file, where there is none yet.
    """
    from tui import settings_file

    if write:
        say(f"Written: {settings_file.write()}")
        return 0
    path = settings_file.settings_path()
    show(settings_file.template())
    say(
        f"The settings file is {path}."
        if path.exists()
        else f"There is no {path} yet; `catflap settings --write` makes it."
    )
    settings_file.read()
    return 0


def completes(app: App) -> None:
    """Give the app a command that tells a shell how to complete its commands, options and their values."""

    @app.command
    def completion(shell: Shell, /) -> int:  # pyright: ignore[reportUnusedFunction] - a command
        """Print what makes a shell complete catflap's commands and options.

        Parameters
        ----------
        shell
            The shell.
        """
        # A shell's name is no shell.
        show(app.generate_completion(prog_name="catflap", shell=shell))  # nosec B604
        return 0
