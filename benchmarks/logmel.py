"""Seconds of one core that a log-mel spectrogram takes: ours beside librosa, in turns, on one thread.

    python benchmarks/logmel.py

Both compute the same: 64 bands, 125 to 7,500 Hz, window 400, hop 160, FFT 512, magnitude, no centring, logarithm. librosa
takes a clip at a time; ours takes a clip at a time and a batch. The last column is the model `logmel_stats` on a clip,
front end and statistics together, over our front end alone.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import time
from collections.abc import Callable

import librosa
import numpy as np
import torch
from numpy.typing import NDArray

from noss.audio.logmel import LogMel
from noss.models import logmel_stats

ROUNDS = 21
RATE = 16_000


def by_librosa(clips_BT: NDArray[np.float32]) -> None:
    """Log-mel spectrograms of clips (B, T), one after the other."""
    for clip_T in clips_BT:
        mel = librosa.feature.melspectrogram(
            y=clip_T, sr=RATE, n_fft=512, win_length=400, hop_length=160, center=False, power=1.0, n_mels=64,
            fmin=125.0, fmax=7500.0, htk=True,
        )  # fmt: skip
        np.log(np.maximum(mel, 1e-12) + 1e-3)


def medians(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of processor time of each call, taken in turns so that noise falls on all alike."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS + 1):
        for name, call in calls.items():
            began = time.process_time()
            call()
            taken[name].append(time.process_time() - began)
    return {name: float(np.median(seconds[1:])) for name, seconds in taken.items()}


def candidates(num_clips: int, seconds: int) -> dict[str, Callable[[], object]]:
    """What is timed on so many clips of so many seconds."""
    waveform_BT = 0.1 * torch.randn(num_clips, seconds * RATE)
    lengths_B = torch.full((num_clips,), seconds * RATE)
    front_end, stats = LogMel(), logmel_stats.build("")
    return {
        "librosa": lambda: by_librosa(waveform_BT.numpy()),
        "clips": lambda: [front_end(clip_T[None], lengths_B[:1]) for clip_T in waveform_BT],
        "batch": lambda: front_end(waveform_BT, lengths_B),
        "stats": lambda: stats(waveform_BT, lengths_B),
    }


def main() -> None:
    """Print one line for each shape of batch."""
    torch.set_num_threads(1)
    print(
        "clips x seconds | librosa ms | ours, clip by clip ms | ratio | ours, batch ms | ratio | logmel_stats / front end"
    )
    for num_clips, seconds in ((1, 1), (1, 5), (1, 30), (4, 5), (16, 5), (60, 1)):
        with torch.inference_mode():
            took = medians(candidates(num_clips, seconds))
        print(
            f"{num_clips:5} x {seconds:2} s    | {took['librosa'] * 1e3:10.2f} | {took['clips'] * 1e3:21.2f} | "
            f"{took['librosa'] / took['clips']:5.2f} | {took['batch'] * 1e3:14.2f} | "
            f"{took['librosa'] / took['batch']:5.2f} | {took['stats'] / took['clips']:5.2f}"
        )


if __name__ == "__main__":
    main()
