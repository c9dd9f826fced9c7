"""The terminal: what a person sees and types. Above the engine, which knows nothing of it."""
