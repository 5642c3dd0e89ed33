"""Whether the pages of an Opus file say where their packets are: libsndfile gives up where one says too little.

A page of Ogg states how many samples have gone by at its end; what lies in it says the same once more, since each
packet states its length. Some recorders write the first from a clock. libsndfile 1.2.2 takes a page whose packets are
longer than its clock for damage, and loses the rest of the file; FFmpeg counts packets.
Layouts: RFC 3533, section 6, and RFC 6716, section 3.1.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_RATE: Final = 48_000  # Hz; all lengths in an Opus file are told at this rate
_PAGE_HEADER: Final = struct.Struct("<4sBBqIIIB")
_IS_CONTINUED: Final = 1  # the first packet of such a page began on the one before, and its first bytes lie there
_FRAME_MS: Final = (10, 20, 40, 60) * 3 + (10, 20) * 2 + (2.5, 5, 10, 20) * 4  # by the first five bits of a packet


def has_even_pages(path: Path) -> bool:
    """Whether no page of an Opus file but the last has packets that are longer than it says."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        before, is_over = 0, False
        for end, num_samples in _pages(data):
            if is_over:
                return False
            is_over = 0 < before <= end < before + num_samples  # before 0 are the headers, and a start that may be late
            before = max(before, end)
    return True


def _pages(data: mmap.mmap) -> Iterator[tuple[int, int]]:
    """What each page says about its end, in samples (-1: no packet ends in it), and the samples in its packets."""
    position = 0
    while data[position : position + 4] == b"OggS" and position + _PAGE_HEADER.size <= len(data):
        _, _, kind, end, _, _, _, num_lengths = _PAGE_HEADER.unpack_from(data, position)
        position += _PAGE_HEADER.size
        lengths = data[position : position + num_lengths]
        position += num_lengths
        packets = list(_packets(data, position, lengths))
        yield end, sum(map(_num_samples, packets[kind & _IS_CONTINUED :]))
        position += sum(lengths)


def _packets(data: mmap.mmap, position: int, lengths: bytes) -> Iterator[bytes]:
    """The first two bytes of each packet that ends in a page."""
    start = position
    for length in lengths:
        position += length
        if length < 255:  # a packet goes on while its lengths are 255
            yield data[start : min(start + 2, position)]
            start = position


def _num_samples(packet: bytes) -> int:
    """Samples in a packet by its first two bytes."""
    if not packet:
        return 0
    num_frames = (1, 2, 2, packet[-1] & 63)[packet[0] & 3]
    return int(_FRAME_MS[packet[0] >> 3] * _RATE / 1000) * num_frames
