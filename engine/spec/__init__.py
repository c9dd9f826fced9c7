"""The .mlmodel file: bytes to values and back. Nothing outside this folder knows protobuf."""
