"""EXAMPLES: by command, what `--help` shows below its options; the app's own by its name."""

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    "catflap": """
        catflap demo                             look round, on bundled drawings
        catflap photos --model pets.mlmodel      open the app on a folder
        catflap photos                           go on where you left off
        catflap photos --slow-link               over a slow line
        catflap photos --theme ansi-light        in the colours of a light terminal
        catflap new pets.mlmodel --labels A,B    a model that knows nothing yet
        catflap predict pets.mlmodel photos      what the model says, without the app
        catflap COMMAND --help                   more of each command
    """,
    "predict": """
        catflap predict pets.mlmodel photos              a line for each image
        catflap predict pets.mlmodel a.jpg b.jpg --json  an object a line
    """,
    "train": """
        catflap train pets.mlmodel labels.csv --out new.mlmodel
        catflap train pets.mlmodel sorted --out new.mlmodel --trainer fit
    """,
    "retrain": """
        catflap retrain photos
        catflap retrain photos --trainer sgd --seconds 60 --json
    """,
    "inspect": """
        catflap inspect pets.mlmodel
        catflap inspect pets.mlmodel --json
    """,
    "status": """
        catflap status photos --json
    """,
    "history": """
        catflap history photos
    """,
    "labels": """
        catflap labels photos > labels.csv
        catflap labels photos --format folders --out sorted --copy
    """,
    "import": """
        catflap import photos labels.csv
        catflap import photos photos             from the names of its sub-folders
    """,
    "restore": """
        catflap restore photos 0                 the untouched original again
    """,
    "demo": """
        catflap demo --dir drawings              keep what you do there
    """,
    "new": """
        catflap new pets.mlmodel --labels Cat,Dog
    """,
    "convert": """
        catflap convert model.h5 --labels Cat,Dog --out pets.mlmodel
    """,
    "prepare": """
        catflap prepare frozen.mlmodel --out updatable.mlmodel
    """,
    "settings": """
        catflap settings --write                      then edit the file
        CATFLAP_SETTINGS=other.toml catflap settings  check another one
    """,
    "completion": """
        source <(catflap completion bash)             in ~/.bashrc
        catflap completion zsh > ~/.zfunc/_catflap    in a folder of fpath
        catflap completion fish > ~/.config/fish/completions/catflap.fish
    """,
}


def shown(name: str) -> str:
    """The command's examples below a headline; empty where there are none."""
    from textwrap import dedent, indent

    examples = dedent(EXAMPLES.get(name, "")).strip("\n")
    return f"Examples:\n{indent(examples.rstrip(), '  ')}" if examples else ""
