"""What compression gained and what it cost: the student before and after it, side by side, in `compression.json`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from noss.audio import chunk
from noss.models import Embedder
from noss.objectives import Needs
from noss.objectives._pool import mean_over_time
from noss.pipeline._models import open_model
from noss.pipeline._request import roots
from noss.pipeline._train_batches import Batches, Crop
from noss.pipeline._train_checkpoint import best_of, load
from noss.pipeline._train_compress import UNCOMPRESSED, leave_uncompressed
from noss.pipeline._train_corpus import Draws, open_corpus
from noss.pipeline._train_files import COMPRESSION, MODEL
from noss.pipeline._train_recipe import Recipe
from noss.runs import write_json

_MOST_CROPS: Final = 64
_CALLS: Final = 20


def compare_sizes(folder: Path, recipe: Recipe, *, root: Sequence[str], cache: Path) -> dict[str, Any]:
    """What `compression.json` says of a finished run; measured where it is not there yet.

    Both are the student of a checkpoint: before compression began (for int8, the same weights before rounding), and the best
    of those on held-out speech. Their score is what `noss run` gives: both are models by name.

    Args:
        folder: The run's folder.
        recipe: Its settings.
        root: Where corpora lie, beside those that the recipe names.
        cache: The cache folder.

    Raises:
        NossError: A model cannot be opened, or the corpus is gone.
    """
    path = folder / COMPRESSION
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return known
    record = json.loads((folder / MODEL).read_text(encoding="utf-8"))["compressed"]
    if record["kind"] == "int8":
        _leave_floats(folder)
    crops, held_out, rate = _crops(recipe, root=root, cache=cache)
    names = {"before": f"trained/{folder / UNCOMPRESSED}", "after": f"trained/{folder}:best"}
    rows: dict[str, dict[str, Any]] = {}
    vectors, modules, least = {}, {}, rate
    for which, name in names.items():
        model = open_model(name, cache=cache)
        modules[which] = model.build()
        shortest = chunk.num_samples(model.policy.min_s, rate)
        heard = [torch.from_numpy(chunk.pad(crop_T, shortest, padding=model.policy.padding)) for crop_T in crops]
        vectors[which] = np.stack([_vector(modules[which], crop_T) for crop_T in heard])
        least = max(least, shortest)
        rows[which] = {
            "model": name,
            "bytes": Path(str(model.card.weights)).stat().st_size,
            "parameters": model.card.num_parameters,
        }
    for which, spent_ms in _milliseconds(modules, least).items():
        rows[which]["ms_for_1_s"] = spent_ms
    drift = {**_drift(vectors["before"], vectors["after"]), "crops": len(crops), "held_out": held_out}
    found = {**{key: record[key] for key in record if key != "num_parameters"}, **rows, "drift": drift}
    write_json(path, found)
    return found


def in_words(found: Mapping[str, Any]) -> str:
    """The table in lines of text."""
    lines = [f"{'':10}{'MB':>9}{'parameters':>13}{'ms for 1 s':>12}"]
    for which in ("before", "after"):
        row = found[which]
        lines.append(f"{which:10}{row['bytes'] / 1e6:>9.3f}{row['parameters']:>13,}{row['ms_for_1_s']:>12.2f}")
    drift = found["drift"]
    where = "held-out" if drift["held_out"] else "training"
    lines.append(
        f"{found['kind']}: cosine to before {drift['cosine']:.4f}, at least {drift['least_cosine']:.4f}, largest difference "
        f"{drift['largest_difference']:.3g}, over {drift['crops']} {where} crops"
    )
    if found.get("zeroed"):
        lines.append(f"zeros in place, so no smaller and no faster: {', '.join(found['zeroed'])}")
    lines.append(f"scores: noss run --models {found['before']['model']},{found['after']['model']} --tasks ...")
    return "\n".join(lines)


def _leave_floats(folder: Path) -> None:
    """The weights behind the best checkpoint in int8, as they were before rounding."""
    best = best_of(folder / "checkpoints")
    assert best is not None, "a finished run has one"
    state, prefix = load(best), "student."
    own = {name.removeprefix(prefix): value for name, value in state.objective.items() if name.startswith(prefix)}
    leave_uncompressed(folder, state.average or own, step=state.step)


def _crops(recipe: Recipe, *, root: Sequence[str], cache: Path) -> tuple[list[NDArray[np.float32]], bool, int]:
    """Some crops (T,) of held-out recordings, or of those trained on where none are held out; and their rate."""
    rate = open_model(recipe.student, cache=cache, **recipe.student_options).card.sample_rate
    corpus = open_corpus(recipe, roots=roots([*recipe.root, *root]), cache=cache)
    held_out = any(map(len, corpus.held_out))
    draws = Draws(corpus.held_out if held_out else corpus.train, corpus.shares, seed=recipe.seed)
    crop = Crop.of(Needs(), sample_rate=rate, crop_s=recipe.longest_s)
    loaded = Batches(draws, crop=crop, size=min(_MOST_CROPS, len(draws)), seed=recipe.seed + 1)[0]
    rows = zip(loaded.waveform_BVT[:, 0], loaded.lengths_BV[:, 0], strict=True)
    return [row_T[: int(length)].numpy() for row_T, length in rows], held_out, rate


@torch.inference_mode()
def _vector(module: Embedder, waveform_T: Tensor) -> NDArray[np.float32]:
    frames_BLSD, lengths_B = module(waveform_T[None], torch.tensor([len(waveform_T)]))
    vector: NDArray[np.float32] = mean_over_time(frames_BLSD[:, -1], lengths_B)[0].float().numpy()
    return vector


@torch.inference_mode()
def _milliseconds(modules: Mapping[str, Any], num_samples: int) -> dict[str, float]:
    """The time of each for a second of sound (or the least that it takes) on one thread: the shortest of calls in turn."""
    threads, generator = torch.get_num_threads(), torch.Generator().manual_seed(0)
    waveform_BT, lengths_B = 0.1 * torch.randn(1, num_samples, generator=generator), torch.tensor([num_samples])
    spent: dict[str, list[float]] = {name: [] for name in modules}
    torch.set_num_threads(1)
    try:
        for _ in range(_CALLS):
            for name, module in modules.items():
                began = time.perf_counter()
                module(waveform_BT, lengths_B)
                spent[name].append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return {name: round(1e3 * min(times), 3) for name, times in spent.items()}


def _drift(before_ND: NDArray[np.float32], after_ND: NDArray[np.float32]) -> dict[str, float]:
    """How near the vectors of a crop are to each other: cosine, on average and at least, and the largest difference."""
    lengths_N = np.linalg.norm(before_ND, axis=1) * np.linalg.norm(after_ND, axis=1)
    cosine_N = (before_ND * after_ND).sum(axis=1) / np.maximum(lengths_N, 1e-12)
    return {
        "cosine": float(cosine_N.mean()),
        "least_cosine": float(cosine_N.min()),
        "largest_difference": float(np.abs(before_ND - after_ND).max()),
    }
