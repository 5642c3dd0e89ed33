"""The published models by name: facts before a weight is there, and their own weights only."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest
import torch

import tiny_models
from noss import shelf
from noss.errors import ModelError
from noss.models import _savedmodel, frill, trill, trill_distilled, trillsson, vggish
from noss.pipeline._check_model import check_model

RATE = 16_000

FACTS = {  # name -> output, dimension, frames a second
    "trill": ("embedding", 512, 100 / 17),
    "trill/layer19": ("layer19", 12_288, 100 / 17),
    "trill_distilled": ("embedding", 2_048, 100 / 17),
    "frill": ("embedding", 2_048, 100 / 17),
    **{f"trillsson/{number}": ("embedding", 1_024, 0.0) for number in range(1, 6)},
    "vggish": ("", 128, 1 / 0.96),
    "vggish/fcn1": ("fc1_1/Relu", 4_096, 1 / 0.96),
}


def _split(name: str) -> tuple[Any, str]:
    part, _, choice = name.partition("/")
    return shelf.load("models", part), choice


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without weights."""
    for name in ("NOSS_WEIGHTS", "NOSS_DATA", "NOSS_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    return tmp_path / "noss" / "weights"


@pytest.mark.parametrize("name", FACTS)
def test_a_card_is_there_before_the_weights(name: str) -> None:
    module, choice = _split(name)
    key, dim, rate = FACTS[name]
    card = module.CARDS[choice]
    assert (module.MODELS[choice].key, card.dim, card.frame_rate, card.sample_rate) == (key, dim, rate, RATE)
    assert card.licence == "Apache-2.0"
    assert card.trained_on
    assert card.citation
    assert card.weights == module.HOMES[choice].url


@pytest.mark.parametrize("name", FACTS)
def test_missing_weights_say_where_to_put_them(name: str, nowhere: Path) -> None:
    module, choice = _split(name)
    folder = nowhere / module.HOMES[choice].folder
    with pytest.raises(
        ModelError, match=rf"weights of {module.HOMES[choice].folder} are not here.*must lie in {folder} "
    ):
        module.card(choice)


@pytest.mark.parametrize("name", FACTS)
def test_weights_in_their_folder_are_found_by_name(name: str, nowhere: Path) -> None:
    module, choice = _split(name)
    key, dim, _ = FACTS[name]
    folder = tiny_models.savedmodel(nowhere / module.HOMES[choice].folder)
    (folder / "saved_model.pb").write_bytes(b"a graph of its own, of which the cache knows nothing yet")
    tiny_models.converted_before(folder, key=key, dim=dim)
    card = module.card(choice)
    assert card.dim == dim
    assert str(folder) in str(card.weights)
    frames, _ = module.build(choice)(torch.zeros(1, RATE), torch.tensor([RATE]))
    assert frames.shape[-1] == dim


def test_a_folder_of_ones_own_may_say_which_choice_it_is(tmp_path: Path) -> None:
    folder = tiny_models.savedmodel(tmp_path / "mine")
    tiny_models.converted_before(folder, key="layer19", dim=12_288)
    assert trill.card(f"{folder}:layer19").dim == 12_288
    tiny_models.converted_before(folder, key="embedding", dim=1_024)
    assert trillsson.card(str(folder)).dim == 1_024
    assert trillsson.card(f"{folder}:4").num_parameters == 63_400_000


def test_the_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    folder = tiny_models.savedmodel(tmp_path / "mine")
    tiny_models.converted_before(folder, key="embedding", dim=512)
    assert trill.card(str(folder)).dim == 512
    for other in (frill, trill_distilled):
        with pytest.raises(ModelError, match=r"gives vectors of 512 and \w+ has 2048: it is another model"):
            other.card(str(folder))


def test_an_unknown_choice_lists_those_there_are() -> None:
    with pytest.raises(ModelError, match=r"no model 'vggish/fc9': there are vggish, vggish/fcn1, and vggish/./DIR"):
        vggish.card("fc9")
    with pytest.raises(ModelError, match=r"no model 'trillsson': there are trillsson/1, .*trillsson/5"):
        trillsson.card("")


def test_the_number_of_parameters_of_vggish_is_that_of_its_layers() -> None:
    filters = [1, 64, 128, 256, 256, 512, 512]
    convolutions = sum(9 * before * after + after for before, after in itertools.pairwise(filters))
    sizes = [6 * 4 * 512, 4096, 4096, 128]
    dense = sum(before * after + after for before, after in itertools.pairwise(sizes))
    assert vggish.CARDS[""].num_parameters == convolutions + dense


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("trill", "Trill"),
        ("trill/layer19", "Trill"),
        ("frill", "Frill"),
        ("trillsson/4", "Trillsson"),
        ("vggish", "Vggish"),
    ],
)
def test_models_of_the_published_signatures_run_by_name(
    name: str, kind: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorflow")
    pytest.importorskip("tf2onnx")
    import saved_models

    monkeypatch.setattr(_savedmodel, "_run", saved_models.convert_here)
    module, choice = _split(name)
    saved_models.write(kind, nowhere / module.HOMES[choice].folder)
    verdicts = check_model(name)
    rated = kind == "Vggish"  # its stand-in has the frames of TRILL
    failed = [verdict for verdict in verdicts if verdict.ok is False and not (rated and verdict.name == "frame rate")]
    assert [f"{verdict.name}: {verdict.detail}" for verdict in failed] == []
    frames, _ = module.build(choice)(
        torch.from_numpy(np.full((1, 4 * RATE), 0.1, np.float32)), torch.tensor([4 * RATE])
    )
    assert frames.shape == (1, 1, 1 if kind == "Trillsson" else 18, FACTS[name][1])
