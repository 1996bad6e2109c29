"""Writes many objects as one pack with its index: two files, whatever the number of objects.

Own writer because loose objects and `fast-import` are five to ten times slower (measured); `git index-pack --strict` and
`git fsck` judge it in the tests. Durable before it is visible: pack, then index, then directory; references come after.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.git.errors import translated
from reconciler.git.objects import Kind

_LEVEL: Final = 1  # 1.4 times the time of no compression, a third of the bytes
_FLUSH: Final = 1 << 20
_LARGE_OFFSET: Final = 1 << 31


class _Placed(NamedTuple):
    oid: bytes
    checksum: int
    offset: int


def write_pack(objects: Mapping[bytes, tuple[Kind, bytes]], directory: Path) -> str:
    """Write `raw id -> (kind, content)` as a pack into `<repository>/objects/pack`; the pack's name without suffix.

    Nothing is written for no objects (empty name). Raises GitError when the disk refuses.
    """
    if not objects:
        return ""
    with translated(f"cannot write a pack of {len(objects)} objects"):
        directory.mkdir(parents=True, exist_ok=True)
        pack_path, placed, checksum = _write_data(objects, directory)
        index_path = ""
        try:
            index_path = _write_index(placed, checksum, directory)
            name = f"pack-{checksum.hex()}"
            # The pack first: a pack without an index is invisible, an index without a pack is damage.
            Path(pack_path).replace(directory / f"{name}.pack")
            Path(index_path).replace(directory / f"{name}.idx")
        except BaseException:
            for left in filter(None, (pack_path, index_path)):
                Path(left).unlink(missing_ok=True)
            raise
        sync_directory(directory)
    return name


def sync_directory(directory: Path) -> None:
    """Make renames in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_data(
    objects: Mapping[bytes, tuple[Kind, bytes]], directory: Path
) -> tuple[str, list[_Placed], bytes]:
    # `tmp_` is what `git prune` clears away after a crash; `tmp_pack_` would be a fetch's.
    handle, path = tempfile.mkstemp(prefix="tmp_written_pack_", dir=directory)
    digest = hashlib.sha1(usedforsecurity=False)
    placed: list[_Placed] = []
    header = b"PACK" + struct.pack(">II", 2, len(objects))
    waiting, size, offset = [header], len(header), len(header)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            for oid, (kind, data) in objects.items():
                record = _record_header(kind, len(data)) + zlib.compress(data, _LEVEL)
                placed.append(_Placed(oid, zlib.crc32(record), offset))
                offset += len(record)
                size += len(record)
                waiting.append(record)
                if size >= _FLUSH:
                    chunk = b"".join(waiting)
                    digest.update(chunk)
                    _write_all(file.fileno(), chunk)
                    waiting, size = [], 0
            chunk = b"".join(waiting)
            digest.update(chunk)
            checksum = digest.digest()
            _write_all(file.fileno(), chunk + checksum)
            os.fchmod(file.fileno(), 0o444)
            os.fsync(file.fileno())
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
    return path, placed, checksum


def _write_index(placed: list[_Placed], checksum: bytes, directory: Path) -> str:
    """Index version 2: fan-out, ids, checksums, offsets, large offsets, both trailers."""
    placed = sorted(placed)
    counts = [0] * 256
    for one in placed:
        counts[one.oid[0]] += 1
    fan_out, total = [], 0
    for count in counts:
        total += count
        fan_out.append(total)
    large = [one.offset for one in placed if one.offset >= _LARGE_OFFSET]
    position = {offset: _LARGE_OFFSET | rank for rank, offset in enumerate(large)}
    offsets = [position.get(one.offset, one.offset) for one in placed]
    number = len(placed)
    data = b"".join(
        (
            b"\377tOc",
            struct.pack(">I256I", 2, *fan_out),
            b"".join([one.oid for one in placed]),
            struct.pack(f">{number}I", *[one.checksum for one in placed]),
            struct.pack(f">{number}I", *offsets),
            struct.pack(f">{len(large)}Q", *large),
            checksum,
        )
    )
    handle, path = tempfile.mkstemp(prefix="tmp_written_idx_", dir=directory)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            _write_all(file.fileno(), data + hashlib.sha1(data, usedforsecurity=False).digest())
            os.fchmod(file.fileno(), 0o444)
            os.fsync(file.fileno())
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
    return path


def _record_header(kind: Kind, size: int) -> bytes:
    """Type and size: four bits of the size in the first byte, seven in each that follows."""
    byte = (kind << 4) | (size & 0x0F)
    size >>= 4
    out = bytearray()
    while size:
        out.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    out.append(byte)
    return bytes(out)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
