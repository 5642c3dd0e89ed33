"""BYOL-S, AudioNTT trained on the speech of AudioSet without labels: `byol_s`, or `byol_s/PATH.pth`.

Published weights are of 512 or 2,048 dimensions: which, the file tells. A clip's log-mel is standardised by its own mean
and deviation, as serab-byols does where it is given one clip; given more, it takes the mean over them, which would make
a vector hang on its company. The numbers of a corpus may be given instead: `mean=-8.8, deviation=5.1`.

Source: Scheidwasser-Clow et al. 2022 (arXiv:2110.03414); Elbanna et al. 2022 (arXiv:2203.16637);
github.com/GasserElbanna/serab-byols, `serab_byols/serab.py` and `utils.py`.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from noss.errors import ModelError
from noss.models import Card
from noss.models._files import existing, find_weights, megabytes

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = "default512_BYOLAs64x96-2107281850-e100-bs256-lr0003-rs42.pth"
NUM_PARAMETERS = {512: 600_192, 2048: 5_321_856}


def card(choice: str) -> Card:
    """The facts of BYOL-S, once its weights are found.

    Raises:
        ModelError: The weights are not here, or are no such weights.
    """
    path = _weights(choice)
    return Card(
        sample_rate=16_000,
        frame_rate=0.0,
        dim=_dim(path),
        source="arXiv:2110.03414",
        licence="MIT",
        weights=str(path),
        min_s=0.07,
        num_parameters=NUM_PARAMETERS.get(_dim(path)),
        size_mb=megabytes(path),
        trained_on=("AudioSet",),
        citation="Scheidwasser-Clow et al. 2022, SERAB",
        devices=("cpu", "cuda"),
        notes="Trained on the clips of AudioSet that hold speech; hears windows of 64 ms, which it standardises clip by clip.",
    )


def build(choice: str, *, mean: float | None = None, deviation: float | None = None) -> nn.Module:
    """The net with its weights behind its front end, in evaluation mode.

    Args:
        choice: Path of the weights; empty for where weights lie.
        mean: Mean log-mel of a corpus, to standardise every clip by; None for each clip's own.
        deviation: Standard deviation of that log-mel; given with the mean or not at all.

    Raises:
        ModelError: The weights are not here, or are not those of AudioNTT; or only one of the two numbers is given.
    """
    import torch

    from noss.models._audiontt import AudioNTTEmbedder, Size

    if (mean is None) != (deviation is None):
        raise ModelError("byol_s takes mean and deviation together, of one corpus: give both, or neither")
    path = _weights(choice)
    model = AudioNTTEmbedder(Size(dim=_dim(path)), mean=mean, deviation=deviation).eval()
    try:
        model.net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        text = " ".join(str(error).split())[:200]
        raise ModelError(f"{path} does not hold the weights of AudioNTT ({text}): fetch it anew") from error
    return model


def _weights(choice: str) -> Path:
    return existing(choice, needed_by="byol_s") if choice else find_weights("byol_s", WEIGHTS)[0]


def _dim(path: Path) -> int:
    """Size of the last tensor in a file of torch, the offset of the last layer, without torch."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {
                int(found[1]): entry.file_size
                for entry in archive.infolist()
                if (found := re.search(r"/data/(\d+)$", entry.filename))
            }
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"{path} is no file of weights ({error}): fetch it anew") from error
    dim = sizes[max(sizes)] // 4 if sizes else 0
    if dim not in NUM_PARAMETERS:
        raise ModelError(f"{path} is not of BYOL-S: its last tensor has {dim} numbers, and BYOL-S has 512 or 2048")
    return dim
