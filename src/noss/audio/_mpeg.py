"""Whether an MP3 says how long it is: libsndfile guesses where it does not, and a wrong guess loses audio.

An encoder that knows the length writes it into the first frame (`Xing`, `Info` or `VBRI`). Without it the length is
guessed from the bit rate of the first frame and the size of the file, which holds only if the bit rate never changes.
Layout of a frame header: ISO 11172-3, section 2.4.1.3, and ISO 13818-3.
"""

from __future__ import annotations

from pathlib import Path

_KBITS = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def states_length(path: Path) -> bool:
    """Whether the first frame of an MP3 holds the number of frames."""
    with path.open("rb") as file:
        file.seek(_first_frame(file.read(10)))
        start = file.read(4096)
    return any(word in start for word in (b"Xing", b"Info", b"VBRI"))


def has_one_bit_rate(path: Path) -> bool:
    """Whether all frames of an MP3 have the same bit rate, so that its length follows from its size."""
    data = path.read_bytes()
    position, bit_rates = _first_frame(data[:10]), set[int]()
    while position + 4 <= len(data) and len(bit_rates) < 2:
        kbits, size = _frame(data[position : position + 4])
        if size:
            bit_rates.add(kbits)
        position += size or 1
    return len(bit_rates) == 1


def _first_frame(start: bytes) -> int:
    if start[:3] != b"ID3":
        return 0
    return 10 + sum(byte << shift for byte, shift in zip(start[6:10], (21, 14, 7, 0), strict=True))


def _frame(header: bytes) -> tuple[int, int]:
    """Kilobits per second and bytes of the layer III frame that starts here; zeros where none does."""
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bit_rate, rate = header[2] >> 4, header[2] >> 2 & 3
    if header[0] != 0xFF or header[1] < 0xE0 or version == 1 or layer != 1 or bit_rate in (0, 15) or rate == 3:
        return 0, 0
    kbits = _KBITS[1 if version == 3 else 2][bit_rate]
    return kbits, (144_000 if version == 3 else 72_000) * kbits // _RATES[version][rate] + (header[2] >> 1 & 1)
