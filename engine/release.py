"""Which Catflap this is."""


def version() -> str:
    """As it is installed. What finds it out takes 40 ms to load."""
    from importlib import metadata

    try:
        return metadata.version("catflap")
    except metadata.PackageNotFoundError:
        return "0 (not installed)"
