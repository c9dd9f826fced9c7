"""The terminal: what a person sees and types. Above the engine, which knows nothing of it."""


def version() -> str:
    """As it is installed. What finds it out takes 40 ms to load."""
    from importlib import metadata

    try:
        return metadata.version("catflap")
    except metadata.PackageNotFoundError:
        return "0 (not installed)"
