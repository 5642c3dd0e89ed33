"""Half precision with a measured price: how far vectors move, how much faster it is, and whether that is worth it.

On first use a sample of the clips is embedded in float32 as well, and what was found is noted in the cache: the largest and
the mean cosine distance between the two vectors of a clip, and the gain in speed on this kind of machine.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from noss import runs, shelf
from noss.audio import chunk, read
from noss.datasets import Clip
from noss.errors import AudioError, Failure, ModelError
from noss.pipeline._embed_caught import Caught, one_line
from noss.pipeline._embed_forward import Forward
from noss.pipeline._embed_machine import device_name, spread
from noss.pipeline._models import Model

Precision = Literal["fp32", "bf16", "auto"]
LARGEST_DRIFT = 1e-10  # cosine distance up to which `auto` takes bf16; one of 1e-7 moved scores by a point
LEAST_GAIN = 1.2  # in speed
_CLIPS = 32
_SAMPLE_S = 10.0
_BATCH = 8


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How far vectors in bf16 are from those in float32 over some clips, and how many times faster they were made."""

    largest: float
    mean: float
    clips: int
    gain: float
    device: str

    @property
    def is_worth_it(self) -> bool:
        """Whether `auto` takes it: faster by more than chance, and too near to move a score."""
        return self.largest <= LARGEST_DRIFT and self.gain >= LEAST_GAIN

    def __str__(self) -> str:
        found = f"{self.largest:.1g} at most and {self.mean:.1g} on average"
        return f"embedded in bf16: a cosine distance from float32 of {found}, over {self.clips} clips"


def in_bf16(model: Model) -> Model:
    """The same model with its matrix products in bf16: another one to the store."""
    facts = {**model.facts, "precision": "bf16"}
    revision = runs.signature({name: fact for name, fact in facts.items() if name != "model"})
    return replace(model, facts=facts, revision=revision, precision="bf16")


def sped_up(
    model: Model,
    clips: Sequence[Clip],
    ids: Sequence[str | Failure],
    *,
    cache: Path,
    precision: Precision,
    compiled: bool,
    device: str | None,
    workers: int | None,
) -> Model:
    """The model at the precision asked for, with its drift measured or remembered, and compiled or not.

    Args:
        model: The model in float32.
        clips: What is to be embedded; some of them are measured.
        ids: Their identities.
        cache: The cache folder.
        precision: `auto` takes bf16 where it is faster and its drift small, and float32 elsewhere.
        compiled: Whether torch compiles it.
        device: `cpu` or `cuda`; None for the best there is.
        workers: 0 measures in this process.

    Raises:
        ModelError: It is not built on torch, or computes nothing.
    """
    model = replace(model, compiled=compiled)
    if precision not in ("fp32", "bf16", "auto"):
        raise ModelError(f"no precision {precision!r}: choose fp32, bf16 or auto")
    if model.lookup is not None and (compiled or precision == "bf16"):
        raise ModelError(f"{model.name} looks up vectors that were made elsewhere: leave --precision and --compile out")
    if precision == "fp32" or model.lookup is not None:
        return model
    half = in_bf16(model)
    how = spread(model.card, workers=workers, device=device, batch_s=None)
    kind = f"{device_name(how.device)}{', compiled' * compiled}"
    path = cache / "precision" / f"{runs.slug(model.name)}-{half.revision[:16]}-{runs.signature(kind)[:8]}.json"
    drift = _known(path) or _measured(half, clips, ids, device=how.device, inline=workers == 0, kind=kind)
    if isinstance(drift, ModelError):
        if precision == "bf16":
            raise drift
        return model
    if drift is None:
        return (
            replace(half, drift="embedded in bf16, and no clip was there to measure by")
            if precision == "bf16"
            else model
        )
    runs.write_json(path, asdict(drift))
    return replace(half, drift=str(drift)) if precision == "bf16" or drift.is_worth_it else model


def _known(path: Path) -> Drift | None:
    return Drift(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _measured(
    model: Model, clips: Sequence[Clip], ids: Sequence[str | Failure], *, device: str, inline: bool, kind: str
) -> Drift | ModelError | None:
    """What a worker measures on clips from all over the list, each once; None where none can be read."""
    places = {name: place for place, name in reversed(list(enumerate(ids))) if isinstance(name, str)}
    chosen = sorted(places.values())
    step = max(1, len(chosen) // _CLIPS)
    sample = [clips[place] for place in chosen[::step][:_CLIPS]]
    engine = shelf.load("engines", "local")
    make = functools.partial(_Meter, model, device, kind)
    spawn = device == "cuda" or not engine.forks(threads=1)
    if not inline and not spawn:
        import torch  # noqa: F401  a fork finds it loaded
    outcomes = engine.run(make, [sample], workers=0 if inline else 1, threads=1, spawn=spawn)
    found: Any = next(iter(outcomes))[1]
    if found is None or isinstance(found, Drift | ModelError):
        return found
    return ModelError(f"{model.name} could not be measured in bf16 ({found.reason}): leave --precision out")


class _Meter:
    """Embeds some clips twice.

    Args:
        model: The model in bf16.
        device: Where it runs.
        kind: The machine, in words.
    """

    def __init__(self, model: Model, device: str, kind: str) -> None:
        self._model, self._device, self._kind = model, device, kind

    def __call__(self, clips: Sequence[Clip]) -> Drift | ModelError | None:
        with Caught() as caught:
            return self._measure(clips)
        if isinstance(caught.error, ModelError):
            return caught.error
        return ModelError(f"{self._model.name} does not run in bf16 ({one_line(caught.error)}): leave --precision out")

    def _measure(self, clips: Sequence[Clip]) -> Drift | None:
        windows = [window_T for clip in clips if (window_T := self._window(clip)) is not None]
        if not windows:
            return None
        half = Forward(self._model, device=self._device)
        plain = Forward(replace(self._model, precision="fp32"), device=self._device)
        vectors, seconds = zip(*(self._timed(forward, windows) for forward in (plain, half)), strict=True)
        distance_N = _distances(*vectors)
        return Drift(
            largest=float(distance_N.max()),
            mean=float(distance_N.mean()),
            clips=len(windows),
            gain=round(seconds[0] / seconds[1], 2),
            device=self._kind,
        )

    def _window(self, clip: Clip) -> NDArray[np.float32] | None:
        """The start of a clip (T,), no longer than the model's window; None where it cannot be read."""
        policy, rate = self._model.policy, self._model.card.sample_rate
        longest_s = min(_SAMPLE_S, policy.window_s or _SAMPLE_S)
        start_s, end_s = clip.start_s, clip.end_s
        try:
            windows = read.stream(clip.path, sample_rate=rate, window_s=longest_s, start_s=start_s, end_s=end_s)
            window_T = next(windows)
        except AudioError:
            return None
        return chunk.pad(window_T, chunk.num_samples(policy.min_s, rate), padding=policy.padding)

    def _timed(self, forward: Forward, windows: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], float]:
        """Vectors (N, L, E) and the seconds they took, of the faster of two rounds."""
        ordered = sorted(range(len(windows)), key=lambda place: len(windows[place]))
        alike = self._model.card.masks_padding
        groups = [ordered[first : first + _BATCH] for first in range(0, len(ordered), _BATCH)]
        if not alike:
            groups = [[place] for place in ordered]
        rounds = []
        for _ in range(2):
            began = time.perf_counter()
            made = [forward([windows[place] for place in group]) for group in groups]
            rounds.append(time.perf_counter() - began)
        return np.concatenate(made)[np.argsort(ordered)], min(rounds)


def _distances(one_NLE: NDArray[np.float32], other_NLE: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine distances (N * L,) between vectors (N, L, E)."""
    a, b = (array.reshape(-1, array.shape[-1]).astype(np.float64) for array in (one_NLE, other_NLE))
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    distance_N: NDArray[np.float64] = np.maximum(0.0, 1.0 - (a * b).sum(axis=1) / np.maximum(norms, 1e-30))
    return distance_N
