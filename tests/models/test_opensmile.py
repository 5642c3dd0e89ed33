"""openSMILE's feature sets equal the library's own call, and bear silence, clipping and short clips."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
import opensmile as library
import pytest
import torch

from noss.errors import MissingExtraError
from noss.models import opensmile

RATE = 16_000


def _voice(seconds: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    time = np.arange(int(seconds * RATE)) / RATE
    return np.asarray(0.05 * sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 12)), dtype=np.float32)


@pytest.mark.parametrize(
    ("choice", "feature_set"),
    [("egemaps", library.FeatureSet.eGeMAPSv02), ("compare", library.FeatureSet.ComParE_2016)],
)
def test_features_equal_the_documented_usage(choice: str, feature_set: Any) -> None:
    clip = _voice(1.2)
    smile = library.Smile(feature_set, library.FeatureLevel.Functionals)
    expected = smile.process_signal(clip, RATE).to_numpy()
    frames, lengths = opensmile.build(choice)(torch.from_numpy(clip)[None], torch.tensor([len(clip)]))
    assert lengths.tolist() == [1]
    assert frames.shape == (1, 1, 1, opensmile.CARDS[choice].dim)
    np.testing.assert_array_equal(frames[0, 0].numpy(), expected)


def test_padding_behind_a_clip_is_not_heard() -> None:
    clip = torch.from_numpy(_voice(0.5))
    embed = opensmile.build("egemaps")
    alone, _ = embed(clip[None], torch.tensor([len(clip)]))
    padded, _ = embed(torch.nn.functional.pad(clip, (0, 9000))[None], torch.tensor([len(clip)]))
    torch.testing.assert_close(alone, padded, rtol=0, atol=0)


def test_full_scale_does_not_wrap_around() -> None:
    """A plain cast of 1.0 to 16 bit gives -32,768: half of a clipped wave would change its sign."""
    wave = torch.from_numpy(np.sign(_voice(0.5)))
    full, nearly = (
        opensmile.build("egemaps")(part[None], torch.tensor([len(wave)]))[0] for part in (wave, wave * 0.999)
    )
    assert (full - nearly).abs().max() < 0.05 * nearly.abs().max()


def test_what_is_too_short_for_openmsile_gives_zeros_not_nan() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frames, _ = opensmile.build("egemaps")(torch.zeros(1, 160), torch.tensor([160]))
    assert frames.count_nonzero() == 0


def test_the_shortest_clip_on_the_card_gives_features() -> None:
    card = opensmile.CARDS["egemaps"]
    clip = torch.from_numpy(_voice(card.min_s))[None]
    assert opensmile.build("egemaps")(clip, torch.tensor([clip.shape[1]]))[0].count_nonzero() > 20


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, *args: Any) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(MissingExtraError, match=r"opensmile/egemaps needs the package opensmile.*noss\[opensmile\]"):
        opensmile.build("egemaps")
