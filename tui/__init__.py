"""The terminal: what a person sees and types. Above the engine, which knows nothing of it."""

from engine.release import version

__all__ = ["version"]
