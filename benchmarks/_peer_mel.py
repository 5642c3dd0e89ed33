"""The log-mel front ends on one thread: beside librosa on the same clips, and as a share of the neural models.

Seconds are of processor time, taken in turns, so that load moves them little. Beside librosa clips
go one at a time, padded as the model asks, and for the share in the batches that `embed` makes. librosa does the same:
bands, window, hop, magnitude, no centring, logarithm. Its triangles are straight over Hz and TRILL's over mel: how far
the two are apart is told for triangles like librosa's.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import embed
import librosa
import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from noss.audio import read
from noss.audio.logmel import LogMel
from noss.pipeline._embed_machine import device_name, spread
from noss.pipeline._models import open_model

RATE = 16_000
FRONT_ENDS = {"TRILL": LogMel.trill, "TRILLsson": LogMel.trillsson}
NATIVE = [
    "yamnet",
    "byol_s",
    "mobilenet_v1/yamnet",
    "mobilenet_v3/tiny-0.5",
    "mobilenet_v3/small-2.0",
    "resnet50",
    "efficientnet/b0",
]


def librosa_logmel(waveform_T: NDArray[np.float32], *, n_mels: int) -> NDArray[np.float32]:
    """The same front end by librosa: (M, S)."""
    mel_MS = librosa.feature.melspectrogram(
        y=waveform_T, sr=RATE, n_fft=512, win_length=400, hop_length=160, center=False, power=1.0, n_mels=n_mels,
        fmin=125.0, fmax=7500.0, htk=True, norm=None,
    )  # fmt: skip
    return np.log(np.maximum(mel_MS, 1e-12) + 1e-3)


def padded(waveform_T: NDArray[np.float32], front_end: LogMel) -> NDArray[np.float32]:
    """A clip as librosa must have it: as long as asked, mirrored or with zeros; with what its frames reach beyond windows."""
    missing = max(0, front_end.min_samples - len(waveform_T))
    whole_T = np.pad(waveform_T, (0, missing), mode="symmetric" if front_end.padding == "symmetric" else "constant")
    return np.pad(whole_T, (512 - 400) // 2)


def medians(calls: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of processor time of every call, in turns, after one that does not count."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats + 1):
        for name, call in calls.items():
            began = time.process_time()
            call()
            taken[name].append(time.process_time() - began)
    return {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}


def beside_librosa(clips: list[NDArray[np.float32]], repeats: int) -> None:
    """Print a row a front end."""
    print("| front end | librosa | noss | librosa/noss | furthest apart |\n|---|---|---|---|---|")
    for name, make in FRONT_ENDS.items():
        front_end = make()
        n_mels = front_end.filters.shape[1]
        ready = [padded(clip, front_end) for clip in clips]
        tensors = [(torch.from_numpy(clip)[None], torch.tensor([len(clip)])) for clip in clips]
        calls = {
            "librosa": lambda ready=ready, n_mels=n_mels: [librosa_logmel(clip, n_mels=n_mels) for clip in ready],
            "noss": lambda tensors=tensors, front_end=front_end: [front_end(*clip)[0] for clip in tensors],
        }
        alike = LogMel(n_mels=n_mels, mel_scale="htk_hz", min_samples=front_end.min_samples, padding=front_end.padding)
        pairs = zip(calls["librosa"](), [alike(*clip)[0] for clip in tensors], strict=True)
        apart = max(float(np.abs(theirs.T - ours[0].numpy()).max()) for theirs, ours in pairs)
        took = medians(calls, repeats)
        cells = f"{took['librosa']:.3f} | {took['noss']:.3f} | {took['librosa'] / took['noss']:.2f} | {apart:.1e}"
        print(f"| {name} | {cells} |", flush=True)


def shares(models: dict[str, str], paths: list[Path], repeats: int) -> None:
    """Print a row a model: both front ends, and the model's own where it is a module of its own, over the whole model."""
    print("\n| model | model | TRILL, % | TRILLsson, % | its own, % |\n|---|---|---|---|---|")
    for name, place in models.items():
        model = open_model(place)
        batches = embed.ready_batches(
            model, paths, spread(model.card, workers=None, device="cpu", batch_s=None).batch_s
        )
        embedder = model.build()
        fronts: dict[str, Any] = {kind: make() for kind, make in FRONT_ENDS.items()}
        if isinstance(own := getattr(embedder, "front_end", None), torch.nn.Module):
            fronts["own"] = own
        calls = {kind: _over(front, batches) for kind, front in fronts.items()}
        took = medians(calls, repeats) | medians({"model": _over(embedder, batches)}, 1)
        cells = [f"{100 * took[kind] / took['model']:.2f}" if kind in took else "-" for kind in (*FRONT_ENDS, "own")]
        print(f"| {name} | {took['model']:.2f} | {' | '.join(cells)} |", flush=True)


def _over(call: Any, batches: list[Any]) -> Callable[[], Any]:
    """A function that feeds all batches."""
    return lambda: [call(*batch) is None for batch in batches]


def compare(models: dict[str, str], paths: list[Path], *, repeats: int) -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    clips = [read.read(path, sample_rate=RATE)[0] for path in paths]
    print(f"{device_name('cpu')}; load before: {os.getloadavg()[0]:.2f}; median of {repeats}; CPU seconds, one thread")
    with threadpool_limits(1), torch.inference_mode():
        beside_librosa(clips, repeats)
        shares(models | {name: name for name in NATIVE if name not in models}, paths, repeats)
