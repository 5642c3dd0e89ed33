"""Models compared on shared clips: which clips, which layers, what is refused, and what the record and the tables say."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_task import clips, embedded, model, task
from numpy.typing import NDArray

from noss.errors import DataError
from noss.pipeline._plan import Corpus
from noss.pipeline._similarity_cka import centred, cka, similarities
from noss.pipeline._similarity_compare import How, compare, put
from noss.pipeline._similarity_file import read_similarities
from noss.pipeline._similarity_interval import jackknife
from noss.pipeline.publish import publish
from noss.reports._similarity import Similarity
from noss.reports._similarity_maps import heat_maps
from noss.reports._similarity_tables import as_text

Array = NDArray[np.float32]


def _corpus(num_clips: int = 40, *, num_speakers: int | None = 10) -> Corpus:
    given = task(clips([("calm", "happy", "sad")[row % 3] for row in range(num_clips)], num_speakers=num_speakers))
    return Corpus(name="made", clips=given.clips, ids=[f"{row:032x}" for row in range(num_clips)], tasks=[given])


def _layers(num_clips: int = 40, *, layers: int = 1, seed: int = 0, dim: int = 8) -> Array:
    """Embeddings (N, L, D) that share three directions, in each layer anew."""
    generator = np.random.default_rng(seed)
    shared_N3 = np.random.default_rng(99).normal(size=(num_clips, 3))
    found = [
        shared_N3 @ generator.normal(size=(3, dim)) + generator.normal(size=(num_clips, dim)) for _ in range(layers)
    ]
    return np.stack(found, axis=1).astype(np.float32)


def _compared(
    embeddings: dict[str, Array],
    *,
    failed: dict[str, tuple[int, ...]] | None = None,
    corpus: Corpus | None = None,
    **how: Any,
) -> Similarity:
    known = how.pop("known", [])
    given = corpus or _corpus(len(next(iter(embeddings.values()))))
    models: Any = [model(name, dim=x.shape[2], layers=x.shape[1]) for name, x in embeddings.items()]
    done: Any = [embedded(given.tasks[0], x, failed=(failed or {}).get(name, ())) for name, x in embeddings.items()]
    return compare(models, given, done, how=How(**how), known=known)


def test_every_layer_is_compared_with_every_other() -> None:
    deep, flat = _layers(layers=3), _layers(seed=5, dim=4)
    found = _compared({"deep@all": deep, "flat": flat})
    assert found.names == ["deep@0", "deep@1", "deep@2", "flat"]
    layers = [deep[:, 0], deep[:, 1], deep[:, 2], flat[:, 0]]
    expected = [[cka(a, b) for b in layers] for a in layers]
    np.testing.assert_allclose(np.array(found.cka, dtype=float), expected, atol=2e-6)
    assert [(name, layer) for name, layer, _ in found.neighbours] == [("deep@all", 1), ("deep@all", 2)]
    assert [value for *_, value in found.neighbours] == [found.cka[1][0], found.cka[2][1]]


def test_clips_that_one_model_lacks_are_left_out_for_both_and_told() -> None:
    a, b = _layers(), _layers(seed=1)
    found = _compared({"a": a, "b": b}, failed={"b": (0, 7)})
    kept = [row for row in range(40) if row not in (0, 7)]
    assert found.cka[0][1] == pytest.approx(cka(a[kept, 0], b[kept, 0]), abs=2e-6)
    assert (found.num_clips, found.num_left_out) == (38, 2)
    assert found.notes == ["b has no vector of 2 of 40 clips: they are left out for every model"]


def test_models_that_share_fewer_than_four_clips_are_refused_with_what_each_has() -> None:
    failed = {"a": tuple(range(20)), "b": tuple(range(23, 40))}
    with pytest.raises(DataError, match=r"3 clips of made are there for all of the models \(a has 20, b has 23\)"):
        _compared({"a": _layers(), "b": _layers(seed=1)}, failed=failed)


def test_a_layer_that_does_not_vary_is_said_and_not_a_number() -> None:
    deep = _layers(layers=2)
    deep[:, 1] = 3.5
    found = _compared({"deep@all": deep, "flat": _layers(seed=1)})
    assert found.cka[1] == [None, None, None]
    assert found.cka[0][2] is not None
    assert found.notes == ["deep@1 gives every clip the same vector: CKA with it is not defined"]
    json.dumps(found.cka, allow_nan=False)


@pytest.mark.parametrize("estimator", ["unbiased", "plain", "minibatch"])
def test_a_comparison_reads_back_as_it_was_written_and_is_not_made_again(tmp_path: Path, estimator: Any) -> None:
    embeddings = {"a": _layers(), "b": _layers(seed=1)}
    found = _compared(embeddings, estimator=estimator)
    put(tmp_path / "similarity.json", [found])
    (again,) = read_similarities(tmp_path / "similarity.json")
    assert again == found
    assert _compared(embeddings, estimator=estimator, known=[again]) is again
    assert (
        _compared({**embeddings, "a": embeddings["a"]}, estimator=estimator, standardise=True, known=[again])
        is not again
    )


def test_comparisons_of_other_models_stay_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "similarity.json"
    first = _compared({"a": _layers(), "b": _layers(seed=1)})
    second = _compared({"a": _layers(), "c": _layers(seed=2)})
    put(path, [first])
    put(path, [second])
    assert read_similarities(path) == [first, second]
    rows = list(csv.DictReader(path.with_suffix(".csv").open(encoding="utf-8", newline="")))
    assert [(row["model"], row["other_model"]) for row in rows] == [("a", "b"), ("a", "c")]
    assert float(rows[0]["cka"]) == first.cka[0][1]


def test_stored_models_of_different_clips_are_refused_with_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "similarity.json"
    put(path, [_compared({"a": _layers(), "b": _layers(seed=1)})])
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts[0]["models"][1] |= {"num_clips": 38, "clips": "f" * 32}
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(DataError, match=r"a is of 40 clips \(\w{8}\) and b of 38 \(f{8}\), and CKA needs the same"):
        read_similarities(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one.update(cka=[[1.0]]), "not 2 x 2 values"),
        (lambda one: one["cka"][0].__setitem__(1, 1.5), "a CKA beyond 1"),
        (lambda one: one["cka"][0].__setitem__(1, "a"), "needs a number or null"),
        (lambda one: one.update(layers=[[0, 0], [7, 0]]), "a layer of no model"),
        (lambda one: one.pop("estimator"), "lacks the field 'estimator'"),
    ],
)
def test_a_broken_file_is_refused_in_words(tmp_path: Path, change: Any, said: str) -> None:
    path = tmp_path / "similarity.json"
    put(path, [_compared({"a": _layers(), "b": _layers(seed=1)})])
    facts = json.loads(path.read_text(encoding="utf-8"))
    change(facts[0])
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_similarities(path)


def test_intervals_are_those_of_leaving_speakers_out_one_by_one() -> None:
    a_ND, b_ND = _layers()[:, 0], _layers(seed=1)[:, 0]
    speaker_N = np.arange(40) % 7

    def read(rows: slice) -> list[Array]:
        return [a_ND[rows], b_ND[rows]]

    found = jackknife(centred(read, 40), similarities(read, 40), speaker_N, unit="speakers")
    z_G = [np.arctanh(cka(a_ND[speaker_N != one], b_ND[speaker_N != one])) for one in range(7)]
    half = 2.446912 * np.sqrt(6 * np.var(z_G))  # Student's t, 6 degrees of freedom
    z = np.arctanh(cka(a_ND, b_ND))
    assert found is not None
    assert found.how == "95 % jackknife over 7 speakers"
    assert [found.low_PP[0, 1], found.high_PP[0, 1]] == pytest.approx([np.tanh(z - half), np.tanh(z + half)], abs=1e-5)


def test_clips_are_left_out_where_speakers_are_unknown_and_nothing_where_there_is_one() -> None:
    embeddings = {"a": _layers(), "b": _layers(seed=1)}
    assert _compared(embeddings, corpus=_corpus(num_speakers=None)).interval == "95 % jackknife over 40 clips"
    alone = _compared(embeddings, corpus=_corpus(num_speakers=1))
    assert (alone.interval, alone.low, alone.high) == ("none: too few speakers", [], [])


def test_maps_hold_each_pair_of_models_and_each_deep_model_by_itself() -> None:
    embeddings = {
        "x@all": _layers(layers=2),
        "a": _layers(seed=1),
        "y@all": _layers(layers=3, seed=2),
        "b": _layers(seed=3),
    }
    found = _compared(embeddings)
    maps = heat_maps(found)
    shapes = {one.title: (len(one.rows), len(one.columns)) for one in maps}
    assert shapes == {
        "2 models on made": (2, 2),
        "The others and x@all on made": (2, 2),
        "The others and y@all on made": (2, 3),
        "x@all and y@all on made": (2, 3),
        "The layers of x@all on made": (2, 2),
        "The layers of y@all on made": (3, 3),
    }
    cell = maps[3].cells[1][2]
    assert (cell.names, cell.text) == ("x@1 and y@2", f"{found.cka[1][5]:.2f}")


def test_the_terminal_shows_a_square_of_few_layers_and_pairs_of_many() -> None:
    assert "1 a " in as_text(_compared({"a": _layers(), "b": _layers(seed=1)}))
    many = _compared({"x@all": _layers(layers=7), "y@all": _layers(layers=7, seed=1)})
    values = np.array(many.cka, dtype=float)[:7, 7:]
    row, column = np.unravel_index(values.argmax(), values.shape)
    assert f"x@all and y@all: {values.max():.2f}, x@{row} and y@{column}" in as_text(many)


def test_a_seed_changes_the_order_of_clips_and_no_estimate_of_all_of_them() -> None:
    embeddings = {"a": _layers(), "b": _layers(seed=1)}
    first, other = (_compared(embeddings, seed=seed).cka[0][1] for seed in (0, 1))
    assert first == pytest.approx(other, abs=2e-6)


def test_a_similarity_of_one_machine_is_not_published(tmp_path: Path) -> None:
    put(tmp_path / "run" / "analyses" / "similarity.json", [_compared({"a": _layers(), "./b.py": _layers(seed=1)})])
    with pytest.raises(DataError, match=r"names '\./b\.py', a path of one machine"):
        publish(tmp_path / "run", tmp_path / "results" / "analyses")
    put(tmp_path / "other" / "analyses" / "similarity.json", [_compared({"a": _layers(), "b": _layers(seed=1)})])
    assert publish(tmp_path / "other", tmp_path / "results" / "analyses").num_written == 1
    assert publish(tmp_path / "other", tmp_path / "results" / "analyses").num_written == 0


def test_a_published_similarity_stays_until_one_of_all_its_models_comes(tmp_path: Path) -> None:
    embeddings = {name: _layers(seed=seed) for seed, name in enumerate("abc")}
    store = tmp_path / "results" / "analyses"
    for number, (names, kept) in enumerate([("ab", ["ab"]), ("c", ["ab", "c"]), ("abc", ["abc"]), ("b", ["abc", "b"])]):
        run = tmp_path / str(number)
        put(run / "analyses" / "similarity.json", [_compared({name: embeddings[name] for name in names})])
        publish(run, store)
        found = read_similarities(store / "similarity.json")
        assert ["".join(model.name for model in one.models) for one in found] == kept
