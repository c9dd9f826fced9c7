"""The terminal: what a person sees and types. Above the engine, which knows nothing of it."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("catflap")
except PackageNotFoundError:
    __version__ = "0 (not installed)"
