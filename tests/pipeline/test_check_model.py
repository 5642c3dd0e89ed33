"""The check of the embedding contract passes a sound model and finds each way to break it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import tiny_models
from noss.errors import UnknownPartError
from noss.models import Card
from noss.pipeline._check_model import check_card, check_embedder, check_model
from noss.pipeline._check_model_behaviour import Behaviour

CARD = Card(sample_rate=8000, frame_rate=100.0, dim=4, source="here", licence="MIT", weights=None, min_s=0.025)
HOP, WIN = 80, 200


def _frames(waveform_BT: Tensor) -> Tensor:
    frames = waveform_BT.unfold(-1, WIN, HOP)
    return torch.stack([frames.mean(-1), frames.std(-1), frames.amax(-1), frames.abs().mean(-1)], dim=-1)[:, None]


def _sound(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
    return _frames(waveform_BT), (lengths_B - WIN).div(HOP, rounding_mode="floor") + 1


def _broken(embedder: object, card: Card = CARD) -> set[str]:
    return {verdict.name for verdict in check_embedder(embedder, card) if verdict.ok is False}  # type: ignore[arg-type]


def test_a_sound_model_passes_every_check() -> None:
    verdicts = check_embedder(_sound, CARD)
    assert [verdict.name for verdict in verdicts if verdict.ok is not True] == []
    assert "same with padding" in {verdict.name for verdict in verdicts}


def test_a_model_that_hears_padding_is_found_unless_its_card_says_so() -> None:
    def leaky(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        frames, lengths = _sound(waveform_BT, lengths_B)
        return frames + waveform_BT.shape[1] / 1000, lengths

    assert _broken(leaky) == {"same with padding"}
    assert _broken(leaky, replace(CARD, masks_padding=False)) == set()


def test_a_model_that_hears_its_neighbours_is_found() -> None:
    def social(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        frames, lengths = _sound(waveform_BT, lengths_B)
        return frames - 1e-2 * frames.mean(), lengths

    assert "same alone and in a batch" in _broken(social, replace(CARD, masks_padding=False))


def test_a_model_that_draws_at_random_is_found() -> None:
    def fickle(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        frames, lengths = _sound(waveform_BT, lengths_B)
        return frames + torch.rand(1), lengths

    assert "same again" in _broken(fickle)


def test_a_model_that_gives_nan_for_silence_is_found_and_the_sound_is_named() -> None:
    def logarithm(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        frames, lengths = _sound(waveform_BT, lengths_B)
        return frames / frames.abs().amax(dim=(1, 2, 3), keepdim=True), lengths

    verdicts = {verdict.name: verdict for verdict in check_embedder(logarithm, CARD)}
    assert verdicts["finite"].ok is False
    assert verdicts["finite"].detail == "not finite for silence"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"dim": 5}, "shape"),
        ({"layers": 2}, "shape"),
        ({"frame_rate": 50.0}, "frame rate"),
        ({"frame_rate": 0.0}, "frame rate"),
        ({"min_s": 0.0}, "short and long"),
    ],
)
def test_a_card_that_is_not_true_is_found(change: dict[str, float], name: str) -> None:
    assert name in _broken(_sound, replace(CARD, **change))  # type: ignore[arg-type]


def test_other_types_constant_vectors_and_written_inputs_are_found() -> None:
    def double(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        frames, lengths = _sound(waveform_BT, lengths_B)
        return frames.double(), lengths

    def deaf(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        frames, lengths = _sound(waveform_BT, lengths_B)
        return torch.ones_like(frames), lengths

    def rough(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        waveform_BT *= 0.5
        return _sound(waveform_BT, lengths_B)

    assert _broken(double) == {"float32"}
    assert _broken(deaf) == {"tells clips apart"}
    assert _broken(rough) == {"leaves its input alone"}


def test_integers_that_a_model_misreads_by_itself_are_no_remark_and_floats_are() -> None:
    def cast(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        return _sound(waveform_BT.float(), lengths_B)

    def doubled(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        return _sound(waveform_BT.float() * (2.0 if waveform_BT.dtype == torch.float64 else 1.0), lengths_B)

    assert Behaviour(cast, CARD).types() == (True, "float64 understood, int16 misread; noss scales integers first")
    assert Behaviour(doubled, CARD).types() == (None, "float64 misread, int16 misread; noss scales integers first")


def test_an_error_inside_the_model_is_a_verdict() -> None:
    def failing(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        raise RuntimeError("no such kernel")

    verdicts = check_embedder(failing, CARD)
    assert {verdict.ok for verdict in verdicts} == {False}
    assert verdicts[0].detail == "RuntimeError: no such kernel"


def test_cards_are_checked_against_themselves() -> None:
    names = {verdict.name: verdict.ok for verdict in check_card(replace(CARD, licence="unknown", min_s=40.0, dim=0))}
    assert names == {"card: sizes": False, "card: window": False, "card: licence": None}


OWN = """
from noss.models import Card

CARDS = {"": Card(sample_rate=8000, frame_rate=0.0, dim=2, source="mine", licence="MIT", weights=None)}


def build(choice):
    import torch

    def embed(waveform_BT, lengths_B):
        rows = [w[:n] for w, n in zip(waveform_BT, lengths_B.tolist())]
        embedding_BD = torch.stack([torch.stack([row.abs().mean(), row.square().mean()]) for row in rows])
        return embedding_BD[:, None, None], torch.ones(len(rows), dtype=torch.int64)

    return embed
"""


def test_a_file_of_ones_own_is_checked_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(OWN, encoding="utf-8")
    assert [verdict for verdict in check_model(str(path)) if verdict.ok is False] == []


def test_a_model_with_nan_inside_fails_the_check_by_name(tmp_path: Path) -> None:
    path = tiny_models.onnx_graph(tmp_path / "nan.onnx", nan=True)
    assert "finite" in {verdict.name for verdict in check_model(f"onnx/{path}") if verdict.ok is False}


def test_a_table_of_vectors_has_nothing_to_try(tmp_path: Path) -> None:
    verdicts = check_model(f"vectors/{tiny_models.vectors(tmp_path / 'v.parquet')}")
    assert verdicts[-1].ok is None
    assert "looked up" in verdicts[-1].detail


def test_an_unknown_model_is_an_error() -> None:
    with pytest.raises(UnknownPartError, match="did you mean yamnet"):
        check_model("yamnett")
