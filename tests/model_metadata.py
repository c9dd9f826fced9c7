"""A reader of what Catflap writes into a model's metadata that shares nothing with the writer."""

DESCRIPTION, METADATA, USER_DEFINED, KEY = 2, 100, 100, 1


def without_ours(data: bytes) -> bytes:
    """The model's bytes without the entries whose key begins with `catflap.`, nor metadata that hold nothing else."""
    return _message(data, (DESCRIPTION, METADATA))


def _message(data: bytes, path: tuple[int, ...]) -> bytes:
    found, at = b"", 0
    while at < len(data):
        begin = at
        key, at = _number(data, at)
        if key & 7 == 2:
            size, at = _number(data, at)
        else:
            size = {0: _number(data, at)[1] - at, 1: 8, 5: 4}[key & 7]
        content, at = data[at : at + size], at + size
        if path and key >> 3 == path[0]:
            less = _message(content, path[1:])
            if less == content:
                found += data[begin:at]
            elif less or path[1:]:
                found += _coded(key) + _coded(len(less)) + less
        elif not path and key >> 3 == USER_DEFINED and content.startswith(b"\x0a" + _coded(content[1]) + b"catflap."):
            continue
        else:
            found += data[begin:at]
    return found


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


def _coded(value: int) -> bytes:
    low = b""
    while value > 0x7F:
        low, value = low + bytes([value & 0x7F | 0x80]), value >> 7
    return low + bytes([value])
