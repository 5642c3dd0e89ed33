"""A model small enough to be checked by hand: per 10 ms, the mean, the mean square, the largest and the smallest sample.

It writes a line for every window it sees into the file that TINY_LOG names, takes TINY_SLEEP seconds a batch, and falls
over certain first samples.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from noss.models import Card

if TYPE_CHECKING:
    from torch import Tensor

FRAME = 160
RAISES, GIVES_NAN, CRASHES, EXITS = 0.5, 0.25, 0.125, 0.0625
FACTS = {
    "sample_rate": 16_000,
    "frame_rate": 100.0,
    "dim": 4,
    "source": "by hand",
    "licence": "CC0-1.0",
    "weights": None,
}
CARDS = {
    "": Card(**FACTS, window_s=2.0, min_s=0.1),
    "equal": Card(**FACTS, window_s=2.0, min_s=0.1, masks_padding=False),
    "whole": Card(**FACTS, window_s=None, min_s=0.01),
    "liar": Card(**{**FACTS, "dim": 5}),
    "broken": Card(**FACTS),
    "minute": Card(**FACTS, window_s=60.0, min_s=0.1),
    "fickle": Card(**FACTS, window_s=2.0, min_s=0.1),
}


def build(choice: str, *, scale: float = 1.0):
    import torch

    if choice == "broken":
        raise OSError("weights are gone")

    def embed(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        if choice == "equal":
            assert (lengths_B == waveform_BT.shape[1]).all()
        for first in waveform_BT[:, 0].tolist():
            _fall_over(first)
        _note(lengths_B.tolist())
        missing = -waveform_BT.shape[1] % FRAME
        frames_BST = torch.nn.functional.pad(waveform_BT * scale, (0, missing)).unflatten(1, (-1, FRAME))
        parts = [frames_BST.mean(2), frames_BST.square().mean(2), frames_BST.amax(2), frames_BST.amin(2)]
        frames_BSD = torch.stack(parts, dim=2)
        frames_BSD[waveform_BT[:, 0] == GIVES_NAN] = torch.nan
        counts_B = torch.clamp(lengths_B // FRAME, min=1)
        if choice == "fickle":
            counts_B -= (waveform_BT[:, 0] > 0).to(torch.int64)
        return frames_BSD[:, None], counts_B

    return embed


def by_hand(waveform_T, *, window=32_000, shortest=1_600):
    """The embedding (D,) of a waveform (T,) at 16 kHz, in float64."""
    pieces = [waveform_T[start : start + window] for start in range(0, len(waveform_T), window)]
    return np.average([_piece(piece, shortest) for piece in pieces], axis=0, weights=[len(piece) for piece in pieces])


def write_wav(path: Path, seconds: float, *, seed: int = 0, first: float | None = None, sample_rate: int = 16_000):
    """A wav file of noise, quieter than any first sample that the model falls over; gives the samples (T,)."""
    waveform_T = np.random.default_rng(seed).uniform(-0.05, 0.05, round(seconds * sample_rate)).astype(np.float32)
    if first is not None:
        waveform_T[0] = first
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, waveform_T, sample_rate, subtype="FLOAT")
    return waveform_T


def _piece(piece_T, shortest):
    padded_T = np.pad(piece_T.astype(np.float64), (0, max(0, shortest - len(piece_T))))
    frames_ST = padded_T[: max(len(padded_T) // FRAME, 1) * FRAME].reshape(-1, FRAME)
    return np.stack([frames_ST.mean(1), (frames_ST**2).mean(1), frames_ST.max(1), frames_ST.min(1)], axis=1).mean(0)


def _fall_over(first: float) -> None:
    if first == RAISES:
        raise KeyError("this one clip")
    if first == CRASHES:
        faulthandler.disable()  # no page of stack on the terminal
        os.kill(os.getpid(), signal.SIGSEGV)
    if first == EXITS:
        os._exit(9)


def _note(lengths: list[int]) -> None:
    time.sleep(float(os.environ.get("TINY_SLEEP", "0")))
    if log := os.environ.get("TINY_LOG"):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write("".join(f"{length}\n" for length in lengths))
