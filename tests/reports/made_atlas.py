"""Clips that were never recorded, and two models that place them: as many as one likes, in no time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.reports._explorer_facts import Atlas, Column, ModelMap

PLANES = ("Neighbourhoods (t-SNE)", "Main directions (PCA)")
NUM_NEAR = 12


def words(name: str, texts: list[str], index_N: NDArray[Any]) -> Column:
    return Column(name=name, words=texts, codes_N=(index_N + 1).astype(np.uint16))


def model(name: str, label_N: NDArray[Any], texts: list[str], *, seed: int) -> ModelMap:
    """Islands of labels, each round; neighbours are drawn from the clip's own label."""
    generator = np.random.default_rng(seed)
    num = len(label_N)
    angle_N = 2 * np.pi * (label_N + seed) / len(texts)
    middle_N2 = 0.5 + 0.33 * np.stack([np.cos(angle_N), np.sin(angle_N)], axis=1)
    places_N2 = np.clip(middle_N2 + 0.05 * generator.standard_normal((num, 2)), 0, 1)
    order_N = np.argsort(label_N, kind="stable")
    rank_N = np.argsort(order_N)
    near_NK = order_N[(rank_N[:, None] + np.arange(1, NUM_NEAR + 1)) % num]
    said_N = np.where(generator.random(num) < 0.7, label_N, generator.integers(0, len(texts), num))
    grid_N2 = np.round(65535 * places_N2).astype(np.uint16)
    return ModelMap(
        model=name,
        dim=1024,
        planes={PLANES[0]: grid_N2, PLANES[1]: grid_N2[:, ::-1]},
        share=0.31,
        near_NK=near_NK.astype(np.uint16),
        distances_NK=np.sort(generator.random((num, NUM_NEAR)), axis=1).astype(np.float32),
        columns=[
            words("mood, right or wrong", ["right", "wrong"], (said_N != label_N).astype(int)),
            words("mood, predicted", texts, said_N),
            Column(name="mood, confidence", numbers_N=generator.random(num).astype(np.float32)),
        ],
    )


def atlas(num: int, root: Path, *, texts: list[str] | None = None, files: list[str] | None = None) -> Atlas:
    """So many clips of forty speakers, with two models."""
    generator = np.random.default_rng(0)
    texts = texts or ["angry", "calm", "happy", "sad", "surprised"]
    label_N, speaker_N = np.arange(num) % len(texts), generator.integers(0, 40, num)
    return Atlas(
        dataset="made",
        root=root,
        files=files or [f"s{speaker:02d}/clip {row:05d}.wav" for row, speaker in enumerate(speaker_N)],
        starts_s=np.zeros(num, dtype=np.float32),
        ends_s=np.full(num, np.nan, dtype=np.float32),
        columns=[
            words("mood", texts, label_N),
            words("speaker", [f"s{speaker:02d}" for speaker in range(40)], speaker_N),
            words("gender", ["f", "m"], speaker_N % 2),
            words("split", ["dev", "test", "train"], np.arange(num) % 3),
            Column(name="age", numbers_N=(20 + speaker_N).astype(np.float32)),
            Column(name="seconds", numbers_N=generator.gamma(3, 1, num).astype(np.float32)),
        ],
        models=[model("yamnet", label_N, texts, seed=0), model("<i>own</i>", label_N, texts, seed=1)],
        label="mood",
        notes=[],
    )
