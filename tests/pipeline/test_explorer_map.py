"""Neighbours and planes of the explorer: exact, seeded, and the same whatever the order of the clips."""

from __future__ import annotations

import numpy as np
import pytest

from noss.pipeline import _explorer_map
from noss.pipeline._explorer_clips import Clips, columns_of
from noss.pipeline._explorer_map import comparable, main_directions, nearest, neighbourhoods, on_grid, turned


def clouds(num: int = 240, *, dim: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds of clips (N, D), and the cloud (N,) of each."""
    generator = np.random.default_rng(seed)
    cloud_N = np.arange(num) % 3
    embeddings_ND = 6 * np.eye(3, dim)[cloud_N] + generator.standard_normal((num, dim))
    return embeddings_ND.astype(np.float32), cloud_N


def test_neighbours_are_those_of_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_explorer_map, "_BLOCK", 37)
    unit_ND = comparable(clouds()[0])
    found = nearest(unit_ND, 7)
    distances_NN = 1 - unit_ND.astype(np.float64) @ unit_ND.T.astype(np.float64)
    np.fill_diagonal(distances_NN, np.inf)
    np.testing.assert_array_equal(found.rows_NK, np.argsort(distances_NN, axis=1)[:, :7])
    np.testing.assert_allclose(found.distances_NK, np.sort(distances_NN, axis=1)[:, :7], atol=1e-6)


def test_neighbours_follow_their_clips_in_another_order() -> None:
    unit_ND = comparable(clouds()[0])
    order_N = np.random.default_rng(5).permutation(len(unit_ND))
    found, moved = nearest(unit_ND, 5), nearest(unit_ND[order_N], 5)
    np.testing.assert_array_equal(order_N[moved.rows_NK], found.rows_NK[order_N])


def test_a_clip_is_never_its_own_neighbour_even_among_copies() -> None:
    found = nearest(comparable(np.repeat(clouds(12)[0], 3, axis=0)), 4)
    assert not (found.rows_NK == np.arange(36)[:, None]).any()
    np.testing.assert_allclose(found.distances_NK[:, :2], 0, atol=1e-6)


def test_fewer_clips_have_fewer_neighbours() -> None:
    assert nearest(comparable(clouds(3)[0]), 90).rows_NK.shape == (3, 2)


def test_units_of_a_dimension_do_not_matter() -> None:
    embeddings_ND, _ = clouds()
    scaled_ND = comparable(embeddings_ND * np.geomspace(0.01, 1000, 16, dtype=np.float32))
    np.testing.assert_allclose(scaled_ND, comparable(embeddings_ND), atol=1e-4)


def test_a_dimension_that_never_changes_says_nothing() -> None:
    embeddings_ND, _ = clouds()
    embeddings_ND[:, 3] = 7.0
    unit_ND = comparable(embeddings_ND)
    assert np.isfinite(unit_ND).all()
    assert not unit_ND[:, 3].any()
    np.testing.assert_allclose(np.linalg.norm(unit_ND, axis=1), 1, atol=1e-5)


def test_plane_keeps_clouds_apart_and_is_the_same_every_time() -> None:
    pytest.importorskip("openTSNE")
    embeddings_ND, cloud_N = clouds()
    unit_ND = comparable(embeddings_ND)
    found, (begin_N2, share) = nearest(unit_ND, 90), main_directions(unit_ND, seed=0)
    plane_N2 = neighbourhoods(found, begin_N2, seed=0)
    assert 0 < share < 1
    near_NN = np.linalg.norm(plane_N2[:, None] - plane_N2[None], axis=2)
    same_NK = cloud_N[np.argsort(near_NN, axis=1)[:, 1:6]] == cloud_N[:, None]
    assert same_NK.mean() > 0.98
    np.testing.assert_array_equal(plane_N2, neighbourhoods(found, begin_N2, seed=0))


@pytest.mark.parametrize("num", [1, 2, 3, 11])
def test_a_handful_of_clips_has_a_plane(num: int) -> None:
    pytest.importorskip("openTSNE")
    unit_ND = comparable(clouds(num)[0])
    plane_N2 = neighbourhoods(nearest(unit_ND, 90), main_directions(unit_ND, seed=0)[0], seed=0)
    assert on_grid(plane_N2).shape == (num, 2)


def test_clips_that_are_all_alike_have_a_plane() -> None:
    pytest.importorskip("openTSNE")
    unit_ND = comparable(np.ones((40, 5), dtype=np.float32))
    plane_N2 = neighbourhoods(nearest(unit_ND, 90), main_directions(unit_ND, seed=0)[0], seed=0)
    assert np.isfinite(plane_N2).all()


def test_grid_keeps_the_shape_of_a_plane() -> None:
    grid_N2 = on_grid(np.array([[-2.0, 0.0], [2.0, 1.0], [0.0, 0.5]]))
    np.testing.assert_array_equal(grid_N2[:, 0], [0, 65535, 32768])
    np.testing.assert_allclose(np.ptp(grid_N2[:, 1].astype(float)), 65535 / 4, atol=1)


def test_turning_undoes_a_turn_and_a_mirror() -> None:
    plane_N2 = np.random.default_rng(0).standard_normal((50, 2)) * [3, 1]
    moved_N2 = (plane_N2 @ np.array([[0.6, -0.8], [0.8, 0.6]])) * [1, -1]
    back_N2 = turned(moved_N2, plane_N2)
    np.testing.assert_allclose(back_N2, plane_N2, atol=1e-9)


def made_clips(names: list[str]) -> Clips:
    clips = Clips(places={name: (f"{name}.wav", 0.0, None) for name in names})
    clips.columns["label"] = {name: "rare" if int(name) % 10 == 0 else "frequent" for name in names}
    return clips


def test_a_sample_has_each_label_in_its_share_whatever_the_order() -> None:
    names = [f"{number:03d}" for number in range(200)]
    chosen = made_clips(names).chosen(50, by="label", seed=0)
    assert len(chosen) == 50
    assert sum(int(name) % 10 == 0 for name in chosen) == 5
    assert made_clips(names[::-1]).chosen(50, by="label", seed=0) == chosen
    assert made_clips(names).chosen(50, by="label", seed=1) != chosen
    assert made_clips(names).chosen(500, by="label", seed=0) == names


def test_columns_are_names_or_numbers_and_what_is_always_the_same_is_left_out() -> None:
    names = [f"{number}" for number in range(30)]
    columns = columns_of(
        {
            "age": {name: str(20 + int(name)) for name in names[:-1]},
            "grade": {name: str(10 - int(name) % 3) for name in names},
            "corpus": dict.fromkeys(names, "one"),
            "text": dict.fromkeys(names[:5], "word " * 200),
        },
        names,
    )
    found = {column.name: column for column in columns}
    assert list(found) == ["age", "grade", "text"]
    assert found["age"].numbers_N is not None
    np.testing.assert_array_equal(found["age"].numbers_N[[0, 28, 29]], [20, 48, np.nan])
    assert found["grade"].words == ["8", "9", "10"]
    assert found["grade"].codes_N is not None
    assert found["grade"].codes_N[:3].tolist() == [3, 2, 1]
    assert len(found["text"].words[0]) == 300
