"""What a model's file says of how it was made: keys of Catflap's own among its metadata, written on the wire."""

from collections.abc import Mapping, Sequence

from engine.spec.schema import Model
from engine.spec.wire import BYTES, Span, fields, inside, prefix

PREFIX = "catflap."
"""Of every key that is written; the keys of other programs stay."""

_DESCRIPTION = Model.DESCRIPTOR.fields_by_name["description"]
_METADATA = _DESCRIPTION.message_type.fields_by_name["metadata"]
_ENTRIES = _METADATA.message_type.fields_by_name["userDefined"]
_KEY, _VALUE = (_ENTRIES.message_type.fields_by_name[name].number for name in ("key", "value"))


def with_metadata(data: bytes, said: Mapping[str, str]) -> bytes:
    """A model's bytes whose metadata say exactly this under PREFIX, which the keys are without; all else stays.

    Xcode shows `userDefined` metadata beside author and licence. New entries are the last ones of the last metadata, where
    a serialiser would write them. Raises UnreadableModel where the bytes are torn.
    """
    entries = b"".join(_entry(PREFIX + key, value) for key, value in said.items())
    return _changed(data, Span(0, BYTES, 0, len(data)), (_DESCRIPTION.number, _METADATA.number), entries)


def _entry(key: str, value: str) -> bytes:
    parts = [prefix(number, len(text)) + text for number, text in ((_KEY, key.encode()), (_VALUE, value.encode()))]
    entry = b"".join(parts)
    return prefix(_ENTRIES.number, len(entry)) + entry


def _changed(data: bytes, message: Span, path: Sequence[int], entries: bytes) -> bytes:
    """A message with `entries` at the end of the last message that `path` leads to, and without older ones of ours."""
    inner = [each for each in fields(data, message.start, message.end) if path and each.field == path[0]]
    pieces: list[bytes] = []
    begin = message.start
    for each in fields(data, message.start, message.end):
        if each in inner:
            content = _changed(data, each, path[1:], entries if each == inner[-1] else b"")
            same = content == data[each.start : each.end]
            pieces.append(data[begin : each.end] if same else prefix(each.field, len(content)) + content)
        elif path or not _is_ours(data, each):
            pieces.append(data[begin : each.end])
        begin = each.end
    if not path:
        pieces.append(entries)
    elif not inner and entries:
        content = _changed(b"", Span(0, BYTES, 0, 0), path[1:], entries)
        pieces.append(prefix(path[0], len(content)) + content)
    return b"".join(pieces)


def _is_ours(data: bytes, entry: Span) -> bool:
    keys = inside(data, [entry], _KEY) if entry.field == _ENTRIES.number else []
    return bool(keys) and data[keys[-1].start : keys[-1].end].startswith(PREFIX.encode())
