"""Speech from eSpeak NG, the same bytes every time: each call synthesises in a process of its own.

eSpeak NG is GPL-3.0-or-later. It is not part of noss: the package espeakng-loader brings its library and data, which
are loaded at run time. Within one process its output depends on what was spoken before, so a fresh one speaks the
whole list in order.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError
from noss.shelf import require

SAMPLE_RATE = 22_050
_SYNCHRONOUS, _UTF8 = 2, 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing to say: a voice (`en+f3`), words a minute, and pitch and pitch range from 0 to 99."""

    voice: str
    text: str
    rate: int
    pitch: int
    range: int


def synthesise(lines: Sequence[Line]) -> list[NDArray[np.int16]]:
    """Speak lines, in order, in a fresh process: one waveform (T,) of 16-bit samples at 22,050 Hz a line.

    Raises:
        MissingExtraError: The package espeakng-loader is not installed.
        DataError: eSpeak NG failed.
    """
    loader = require("espeakng_loader", extra="synth", needed_by="speech synthesis")
    request = {
        "library": str(loader.get_library_path()),
        "data": str(loader.get_data_path()),
        "lines": [asdict(line) for line in lines],
    }
    path = os.pathsep.join(entry for entry in sys.path if entry)
    finished = subprocess.run(
        [sys.executable, "-P", "-m", "noss.datasets._espeak"],
        input=json.dumps(request).encode(),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    waveforms = _unpack(finished.stdout) if finished.returncode == 0 else []
    if len(waveforms) != len(lines):
        reason = finished.stderr.decode(errors="replace").strip().rpartition("\n")[2] or "it ended early"
        raise DataError(f"eSpeak NG could not speak ({reason}): pip install --force-reinstall 'espeakng-loader==0.2.4'")
    return waveforms


def _unpack(stream: bytes) -> list[NDArray[np.int16]]:
    waveforms, position = [], 0
    while position < len(stream):
        (num_bytes,) = struct.unpack_from("<I", stream, position)
        position += 4
        waveforms.append(np.frombuffer(stream[position : position + num_bytes], dtype="<i2"))
        position += num_bytes
    return waveforms


class _Speaker:
    def __init__(self, *, library: str, data: str) -> None:
        self._espeak = ctypes.CDLL(library)
        self._heard = bytearray()
        self._callback = _CALLBACK(self._hear)
        if self._espeak.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), 0) < 0:
            raise SystemExit(f"its data in {data} cannot be read")
        self._espeak.espeak_SetSynthCallback(self._callback)

    def _hear(self, samples: ctypes._Pointer[ctypes.c_short], num_samples: int, _: object) -> int:
        if num_samples > 0:
            self._heard += ctypes.string_at(samples, 2 * num_samples)
        return 0

    def say(self, line: Line) -> bytes:
        self._heard.clear()
        if self._espeak.espeak_SetVoiceByName(line.voice.encode()) != 0:
            raise SystemExit(f"it has no voice {line.voice}")
        for parameter, value in ((_RATE, line.rate), (_PITCH, line.pitch), (_RANGE, line.range)):
            self._espeak.espeak_SetParameter(parameter, value, 0)
        text = line.text.encode()
        if self._espeak.espeak_Synth(text, len(text) + 1, 0, 1, 0, _UTF8, None, None) != 0:
            raise SystemExit(f"it cannot say {line.text!r}")
        return bytes(self._heard)


def _main() -> None:
    request = json.load(sys.stdin)
    speaker = _Speaker(library=request["library"], data=request["data"])
    for fields in request["lines"]:
        samples = speaker.say(Line(**fields))
        sys.stdout.buffer.write(struct.pack("<I", len(samples)) + samples)


if __name__ == "__main__":
    _main()
