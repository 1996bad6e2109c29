"""Compiled Lua 5.1 without what is there for debuggers alone: half the bytes, and that much faster to load.

Pure. Text of a layout that is not known here comes back as it is.
"""

from __future__ import annotations

import struct
from typing import Final

_HEADER: Final = b"\x1bLua\x51\x00\x01\x04\x08\x04\x08\x00"
"""Lua 5.1, little-endian; int 4, size_t 8, instructions 4, numbers 8 bytes, floating."""
_INT: Final = struct.Struct("<i")
_SIZE: Final = struct.Struct("<Q")
_CONSTANT_BYTES: Final = {0: 0, 1: 1, 3: 8}
_STRING: Final = 4


def stripped(code: bytes) -> bytes:
    """The same functions without names of files and variables, and without lines."""
    if not code.startswith(_HEADER):
        return code
    reader = _Reader(code)
    kept = [reader.take(len(_HEADER)), *_function(reader)]
    return b"".join(kept)


class _Reader:
    def __init__(self, code: bytes) -> None:
        self._code = code
        self._at = 0

    def take(self, size: int) -> bytes:
        part = self._code[self._at : self._at + size]
        self._at += size
        return part

    def count(self) -> int:
        number: int = _INT.unpack(self.take(_INT.size))[0]
        return number

    def string(self) -> bytes:
        size = self.take(_SIZE.size)
        return size + self.take(_SIZE.unpack(size)[0])


def _function(reader: _Reader) -> list[bytes]:
    reader.string()
    kept = [_SIZE.pack(0), reader.take(2 * _INT.size + 4)]
    instructions = reader.count()
    kept += (_INT.pack(instructions), reader.take(4 * instructions))
    constants = reader.count()
    kept.append(_INT.pack(constants))
    for _ in range(constants):
        kind = reader.take(1)
        kept += (kind, reader.string() if kind[0] == _STRING else reader.take(_CONSTANT_BYTES[kind[0]]))
    functions = reader.count()
    kept.append(_INT.pack(functions))
    for _ in range(functions):
        kept += _function(reader)
    reader.take(_INT.size * reader.count())
    for _ in range(reader.count()):
        reader.string()
        reader.take(2 * _INT.size)
    for _ in range(reader.count()):
        reader.string()
    return [*kept, _INT.pack(0) * 3]
