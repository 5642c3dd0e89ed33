"""TFRecord files and the `tf.train.Example` messages in them, read without TensorFlow.

A record is its length (8 bytes), the masked CRC-32C of that, its bytes, and their masked CRC-32C: see
https://www.tensorflow.org/tutorials/load_data/tfrecord. The messages are protocol buffers (`example.proto` and
`feature.proto` of TensorFlow); of the checksums the lengths' are checked, which is what finding the next record needs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError

Feature = list[bytes] | NDArray[np.int64] | NDArray[np.float32]
_HEADER = struct.Struct("<QI")
_FOOTER = 4
_CASTAGNOLI = 0x82F6_3B78
_MASK = 0xA282_EAD8
_FIXED = {1: 8, 5: 4}  # bytes by wire type
_BLOCK = 1 << 20  # bytes of packed numbers decoded at once


def records(path: Path) -> Iterator[bytes]:
    """The records of a file, one by one.

    Raises:
        DataError: The file cannot be read, is truncated, or is no TFRecord file.
    """
    try:
        with path.open("rb") as file:
            while header := file.read(_HEADER.size):
                length = _length(path, header)
                yield _whole(path, file.read(length + _FOOTER), length)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; prepare the set again") from error


def example(record: bytes) -> Mapping[str, Feature]:
    """The features of an `Example` by name; those without values are left out.

    Raises:
        ValueError: The bytes are no `Example`.
    """
    found: dict[str, Feature] = {}
    for features in _messages(memoryview(record), 1):
        for entry in _messages(features, 1):
            name = b"".join(bytes(text) for text in _messages(entry, 1)).decode()
            for feature in _messages(entry, 2):
                for kind, content in _fields(feature):
                    if isinstance(content, memoryview):
                        found[name] = _values(kind, content)
    return found


def _length(path: Path, header: bytes) -> int:
    if len(header) < _HEADER.size:
        raise _truncated(path)
    length, checksum = _HEADER.unpack(header)
    if _masked_crc(header[:8]) != checksum:
        raise DataError(f"{path} is damaged, or no TFRecord file: prepare the set again")
    return int(length)


def _whole(path: Path, content: bytes, length: int) -> bytes:
    if len(content) < length + _FOOTER:
        raise _truncated(path)
    return content[:length]


def _truncated(path: Path) -> DataError:
    return DataError(f"{path} ends in the middle of a record: prepare the set again")


def _values(kind: int, content: memoryview) -> Feature:
    """The values of a `BytesList` (1), a `FloatList` (2) or an `Int64List` (3), packed or not."""
    if kind == 1:
        return [bytes(value) for value in _messages(content, 1)]
    if kind == 2:
        packed = b"".join(value if isinstance(value, memoryview) else b"" for _, value in _fields(content))
        return np.frombuffer(packed, "<f4").astype(np.float32)
    parts = [_varints(value) if isinstance(value, memoryview) else np.array([value]) for _, value in _fields(content)]
    return np.concatenate([np.empty(0, np.int64), *parts])


def _messages(content: memoryview, number: int) -> Iterator[memoryview]:
    """The fields of a message that have a number and a length."""
    for found, value in _fields(content):
        if found == number:
            if not isinstance(value, memoryview):
                raise ValueError(f"field {number} has no length")
            yield value


def _fields(content: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """The fields of a message: their number, and their bytes or their varint."""
    place = 0
    while place < len(content):
        tag, place = _varint(content, place)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, place = _varint(content, place)
            yield number, value
            continue
        if wire == 2:
            size, place = _varint(content, place)
        elif wire in _FIXED:
            size = _FIXED[wire]
        else:
            raise ValueError(f"wire type {wire}")
        if place + size > len(content):
            raise ValueError("a field ends behind its message")
        yield number, content[place : place + size]
        place += size


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    """A varint as a signed number of 64 bits, and where it ends."""
    value = shift = 0
    while shift < 70:
        if place >= len(content):
            raise ValueError("a number ends behind its message")
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            value &= (1 << 64) - 1
            return value - (value >> 63 << 64), place
    raise ValueError("a number of more than 10 bytes")


def _varints(content: memoryview) -> NDArray[np.int64]:
    """Packed varints; in blocks, since each byte becomes a word of 8 on the way."""
    byte_B = np.frombuffer(content, np.uint8)
    if len(byte_B) and byte_B[-1] > 127:
        raise ValueError("a number ends behind its message")
    ends = np.flatnonzero(byte_B < 128) + 1
    parts, start = [np.empty(0, np.int64)], 0
    while start < len(byte_B):
        stop = int(ends[max(np.searchsorted(ends, start + _BLOCK, "right") - 1, np.searchsorted(ends, start, "right"))])
        parts.append(_block(byte_B[start:stop]))
        start = stop
    return np.concatenate(parts)


def _block(byte_B: NDArray[np.uint8]) -> NDArray[np.int64]:
    last = byte_B < 128
    starts = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1])
    sizes = np.diff(starts, append=len(byte_B))
    if sizes.max() > 10:
        raise ValueError("a number of more than 10 bytes")
    shift = (7 * (np.arange(len(byte_B)) - np.repeat(starts, sizes))).astype(np.uint64)
    whole: NDArray[np.uint64] = np.add.reduceat((byte_B & 127).astype(np.uint64) << shift, starts)
    return whole.view(np.int64)


def _masked_crc(content: bytes) -> int:
    """CRC-32C (Castagnoli), rotated and offset as TFRecord files have it."""
    crc = 0xFFFF_FFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_CASTAGNOLI if crc & 1 else 0)
    crc ^= 0xFFFF_FFFF
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFF_FFFF
