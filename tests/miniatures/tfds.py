"""A prepared folder of TFDS: train and test of six clips each, as TFRecord files written by hand."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FEATURE = "tensorflow_datasets.core.features"


def build(root: Path) -> str:
    folder = root / "tiny" / "1.0.0"
    folder.mkdir(parents=True)
    for split in ("train", "test"):
        rows = [clip(f"{split}{row}", label=row % 2, speaker=f"{split}{row // 2}") for row in range(6)]
        (folder / f"tiny-{split}.tfrecord-00000-of-00001").write_bytes(b"".join(map(record, rows)))
    describe(folder, {"train": [6], "test": [6]})
    return f"tfds/{root}/tiny"


def describe(folder: Path, lengths: dict[str, list[int]], **audio: Any) -> None:
    """Write what lies beside the files of the splits."""
    splits = [{"name": name, "shardLengths": [str(length) for length in of]} for name, of in lengths.items()]
    info = {"name": "tiny", "version": folder.name, "splits": splits, "fileFormat": "tfrecord", "citation": "me"}
    features = {
        "audio": {"audio": {"dtype": "int64", "shape": {"dimensions": ["-1"]}, "sampleRate": "16000", **audio}},
        "label": {"classLabel": {"numClasses": "2"}},
        "speaker_id": {"text": {}},
    }
    dictionary = {"pythonClassName": f"{FEATURE}.features_dict.FeaturesDict", "featuresDict": {"features": features}}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    (folder / "features.json").write_text(json.dumps(dictionary))
    (folder / "label.labels.txt").write_text("sad\nhappy\n")


def clip(name: str, *, label: int, speaker: str, samples: Sequence[int] | None = None) -> bytes:
    noise = [byte * 200 - 25_000 for byte in hashlib.sha256(name.encode()).digest() * 50]
    return example(audio=noise if samples is None else samples, label=[label], speaker_id=[speaker.encode()])


def example(**features: Sequence[int] | Sequence[bytes]) -> bytes:
    """A `tf.train.Example` of whole numbers and texts."""
    entries = b""
    for name, values in features.items():
        if values and isinstance(values[0], bytes):
            feature = field(1, b"".join(field(1, value) for value in values if isinstance(value, bytes)))
        else:
            feature = field(3, field(1, b"".join(varint(value) for value in values if isinstance(value, int))))
        entries += field(1, field(1, name.encode()) + field(2, feature))
    return field(1, entries)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    value, out = value & (1 << 64) - 1, bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def record(content: bytes) -> bytes:
    """A record of a TFRecord file; the checksum of its content is left zero, which TensorFlow would not pass."""
    length = struct.pack("<Q", len(content))
    return length + struct.pack("<I", masked_crc(length)) + content + bytes(4)


def masked_crc(content: bytes) -> int:
    crc = 0xFFFF_FFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F6_3B78 * (crc & 1)
    crc ^= 0xFFFF_FFFF
    return ((crc >> 15 | crc << 17) + 0xA282_EAD8) & 0xFFFF_FFFF
