"""Every probe on the shelf, and a stranger's own: `NOSS_PART=./mine.py pytest tests/contracts/test_every_probe.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from noss import probes, shelf
from noss.errors import ProbeError

OWN = os.environ.get("NOSS_PART")
PARTS = [OWN] if OWN else shelf.names("probes")
FASTER = {"trees": 10, "hidden_dim": 64, "max_epochs": 60, "steps": 160}


def needs_frames(probe: type[Any]) -> bool:
    return getattr(probe, "FRAMES", False)


class Clips(list):
    """Frames (S, D) of clips, which calculate, compare and are cut as an array of vectors (N, D) does."""

    def __init__(self, frames: Iterable[np.ndarray]) -> None:
        super().__init__(np.asarray(frames_SD, dtype=np.float32) for frames_SD in frames)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), super().__getitem__(0).shape[1]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            rows, columns = key
            return Clips(frames_SD[:, columns] for frames_SD in super().__getitem__(rows))
        found = super().__getitem__(key)
        return Clips(found) if isinstance(key, slice) else found

    def __setitem__(self, key: Any, value: Any) -> None:
        rows, columns = key
        picked = list.__getitem__(self, rows)
        for frames_SD in picked if isinstance(rows, slice) else [picked]:
            frames_SD[..., columns] = value

    def __mul__(self, by: Any) -> Clips:
        return Clips(frames_SD * by for frames_SD in self)

    def __iadd__(self, more: Any) -> Clips:
        return Clips(frames_SD + more for frames_SD in self)

    def copy(self) -> Clips:
        return Clips(frames_SD.copy() for frames_SD in self)

    def doubled(self) -> Clips:
        return Clips(np.concatenate([frames_SD, frames_SD], axis=1) for frames_SD in self)

    def tiled(self, times: int) -> Clips:
        return Clips(np.tile(frames_SD, (1, times)) for frames_SD in self)


@pytest.fixture(params=PARTS)
def probe(request: pytest.FixtureRequest) -> type[Any]:
    return shelf.load("probes", request.param).Probe


def separable(probe: type[Any], *, seed: int = 0, num_clips: int = 120, dim: int = 12, num_classes: int = 3):
    rng = np.random.default_rng(seed)
    y_N = np.arange(num_clips) % num_classes
    centres_KD = 6.0 * np.eye(num_classes, dim)
    x_ND = (centres_KD[y_N] + 0.5 * rng.standard_normal((num_clips, dim))).astype(np.float32)
    if needs_frames(probe):
        return Clips(x_SD + 0.5 * rng.standard_normal((1 + row % 7, dim)) for row, x_SD in enumerate(x_ND)), y_N
    return x_ND, y_N if probe.TARGET == "classes" else x_ND[:, :3].astype(np.float64) @ [1.0, -2.0, 0.5]


def settings_of(probe: type[Any]) -> list[dict[str, Any]]:
    return [{name: FASTER.get(name, value) for name, value in setting.items()} for setting in probe.SETTINGS]


def fitted(probe: type[Any], x_ND, y_N, *, seed: int = 0) -> list[Any]:
    return probes.fit_all(probe, x_ND, y_N, settings=settings_of(probe), seed=seed)


def one(probe: type[Any], x_ND, y_N, *, seed: int = 0) -> Any:
    setting = settings_of(probe)[len(probe.SETTINGS) // 2]
    return probe(seed=seed, **setting).fit(x_ND, y_N)


def best_error(probe: type[Any], candidates: list[Any], x_ND, y_N) -> float:
    if probe.TARGET == "numbers":
        return min(float(np.abs(c.scores(x_ND)[:, 0] - y_N).mean() / y_N.std()) for c in candidates)
    return min(float((c.scores(x_ND).argmax(axis=1) != y_N).mean()) for c in candidates)


def test_it_states_its_facts(probe: type[Any]) -> None:
    assert probe.TARGET in ("classes", "numbers")
    assert isinstance(probe.PROBABILITIES, bool)
    assert len(probe.SETTINGS) >= 1
    for setting in probe.SETTINGS:
        probe(seed=0, **setting)


def test_it_separates_a_separable_set_it_has_not_seen(probe: type[Any]) -> None:
    candidates = fitted(probe, *separable(probe, seed=0))
    assert best_error(probe, candidates, *separable(probe, seed=1)) < 0.02


def test_it_gives_a_score_a_class_in_double_precision(probe: type[Any]) -> None:
    x_ND, y_N = separable(probe)
    scores_NK = one(probe, x_ND, y_N).scores(x_ND[:7])
    assert scores_NK.shape == (7, 3 if probe.TARGET == "classes" else 1)
    assert scores_NK.dtype == np.float64
    assert np.isfinite(scores_NK).all()


def test_its_probabilities_are_probabilities(probe: type[Any]) -> None:
    x_ND, y_N = separable(probe)
    if not probe.PROBABILITIES:
        return
    for candidate in fitted(probe, x_ND, y_N):
        scores_NK = candidate.scores(x_ND)
        assert scores_NK.min() >= 0.0
        np.testing.assert_allclose(scores_NK.sum(axis=1), 1.0, atol=1e-9)


def test_the_same_seed_gives_the_same_result(probe: type[Any]) -> None:
    x_ND, y_N = separable(probe)
    first, second = one(probe, x_ND, y_N, seed=3), one(probe, x_ND, y_N, seed=3)
    np.testing.assert_array_equal(first.scores(x_ND), second.scores(x_ND))


def test_it_comes_back_from_its_arrays(probe: type[Any]) -> None:
    x_ND, y_N = separable(probe)
    for candidate in fitted(probe, x_ND, y_N):
        arrays = candidate.arrays()
        assert all(isinstance(a, np.ndarray) and a.dtype.kind in "fiub" for a in arrays.values())
        rebuilt = probe.from_arrays({name: array.copy() for name, array in arrays.items()})
        np.testing.assert_array_equal(rebuilt.scores(x_ND), candidate.scores(x_ND))


def test_all_at_once_equals_one_by_one(probe: type[Any]) -> None:
    x_ND, y_N = separable(probe)
    for setting, candidate in zip(settings_of(probe), fitted(probe, x_ND, y_N, seed=1), strict=True):
        alone = probe(seed=1, **setting).fit(x_ND, y_N)
        np.testing.assert_allclose(candidate.scores(x_ND), alone.scores(x_ND), rtol=1e-3, atol=1e-4)


def test_a_clip_scores_the_same_alone_and_in_a_batch(probe: type[Any]) -> None:
    x_ND, y_N = separable(probe)
    candidate = one(probe, x_ND, y_N)
    alone = np.concatenate([candidate.scores(x_ND[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(alone, candidate.scores(x_ND)[:5], rtol=1e-4, atol=1e-5)


def test_it_leaves_its_input_alone(probe: type[Any]) -> None:
    x_ND, y_N = separable(probe)
    x_before, y_before = x_ND.copy(), y_N.copy()
    one(probe, x_ND, y_N).scores(x_ND)
    for row, row_before in zip(x_ND, x_before, strict=True):
        np.testing.assert_array_equal(row, row_before)
    np.testing.assert_array_equal(y_N, y_before)


def test_units_do_not_matter(probe: type[Any]) -> None:
    if getattr(probe, "UNITS_MATTER", False):
        pytest.skip("it takes embeddings as they are, and says so")
    x_ND, y_N = separable(probe)
    units_D = np.float32(10.0) ** np.linspace(-3, 3, x_ND.shape[1]).astype(np.float32)
    plain, stretched = fitted(probe, x_ND, y_N), fitted(probe, x_ND * units_D, y_N)
    assert best_error(probe, plain, x_ND, y_N) < 0.02
    assert best_error(probe, stretched, x_ND * units_D, y_N) < 0.02


@pytest.mark.parametrize("fault", ["constant", "doubled", "few", "far"])
def test_hard_embeddings_still_give_finite_scores(probe: type[Any], fault: str) -> None:
    x_ND, y_N = separable(probe)
    if fault == "constant":
        x_ND[:, 4:8] = 7.1
    elif fault == "doubled":
        x_ND = x_ND.doubled() if needs_frames(probe) else np.concatenate([x_ND, x_ND], axis=1)
    elif fault == "few":
        x_ND, y_N = x_ND[:9].tiled(60) if needs_frames(probe) else np.tile(x_ND[:9], (1, 60)), y_N[:9]
    else:
        x_ND += np.float32(1e4)
    for candidate in fitted(probe, x_ND, y_N):
        assert np.isfinite(candidate.scores(x_ND)).all()


def test_embeddings_all_alike_give_finite_scores(probe: type[Any]) -> None:
    _, y_N = separable(probe)
    x_ND = np.ones((len(y_N), 6), dtype=np.float32)
    if needs_frames(probe):
        x_ND = Clips(np.ones((1 + row % 5, 6)) for row in range(len(y_N)))
    for candidate in fitted(probe, x_ND, y_N):
        assert np.isfinite(candidate.scores(x_ND)).all()


def test_a_class_with_one_clip_is_still_a_class(probe: type[Any]) -> None:
    x_ND, y_N = separable(probe)
    if probe.TARGET == "classes":
        y_N = y_N.copy()
        y_N[0] = 3
        scores_NK = one(probe, x_ND, y_N).scores(x_ND)
        assert scores_NK.shape[1] == 4
        assert np.isfinite(scores_NK).all()


def test_a_probe_of_frames_takes_clips_of_any_length_and_never_counts_what_fills_a_batch(probe: type[Any]) -> None:
    if not needs_frames(probe):
        pytest.skip("it takes one vector a clip")
    x_ND, y_N = separable(probe)
    short = one(probe, x_ND, y_N)
    long = Clips(np.concatenate([frames_SD] * 50) for frames_SD in x_ND[:1])
    np.testing.assert_allclose(short.scores(long), short.scores(x_ND[:1]), rtol=1e-6)
    stretched = Clips(frames_SD if row else np.concatenate([frames_SD] * 50) for row, frames_SD in enumerate(x_ND))
    np.testing.assert_allclose(one(probe, stretched, y_N).scores(x_ND), short.scores(x_ND), atol=1e-3)


def test_what_it_is_worth_decides_when_a_watched_probe_stops(probe: type[Any]) -> None:
    if not hasattr(probe, "fit_watched"):
        pytest.skip("it is fitted at once")
    x_ND, y_N = separable(probe)
    setting = settings_of(probe)[0]
    looks: list[np.ndarray] = []

    def value(watched: Any) -> float:
        looks.append(watched.scores(x_ND))
        return float(-abs(len(looks) - 2))

    fitted = probe(seed=0, **setting).fit_watched(x_ND, y_N, value=value)
    assert len(looks) > 2
    np.testing.assert_array_equal(fitted.scores(x_ND), looks[1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_embeddings_that_are_not_numbers_are_refused(probe: type[Any], bad: float) -> None:
    x_ND, y_N = separable(probe)
    x_ND[5, 2] = bad
    with pytest.raises(ProbeError, match="1 of 120 embeddings hold NaN or infinity"):
        one(probe, x_ND, y_N)


def test_one_class_alone_is_refused(probe: type[Any]) -> None:
    x_ND, y_N = separable(probe)
    if probe.TARGET == "classes":
        with pytest.raises(ProbeError, match="one class"):
            one(probe, x_ND, np.zeros_like(y_N))


def test_embeddings_of_another_model_are_refused(probe: type[Any]) -> None:
    x_ND, y_N = separable(probe)
    with pytest.raises(ProbeError, match="fitted on 12 dimensions"):
        one(probe, x_ND, y_N).scores(x_ND[:, :5])


def test_importing_probes_imports_nothing_heavy() -> None:
    code = (
        "import sys; from noss import shelf; [shelf.load('probes', n) for n in shelf.names('probes')];"
        "print([m for m in ('torch', 'sklearn', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
