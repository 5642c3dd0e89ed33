"""Encoders of SpeechBrain: `speechbrain/FOLDER`, or `speechbrain/OWNER/NAME` of the hub; one vector a clip.

A folder or repository that `EncoderClassifier.from_hparams` takes; its `encode_batch` gives the vectors, and masks padding
by relative lengths only roughly, so clips are batched by length. Clips below half a second are padded.

`hyperparams.yaml` names the Python objects to make, so reading it runs code: a folder of your own is always read, a
repository only if `--trust-remote-code` names the model.

Source: speechbrain.inference of SpeechBrain 1.1; Ravanelli et al. 2021, arXiv:2106.04624.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from noss.errors import ModelError
from noss.models import Card, Embedder, _own_code
from noss.models._files import existing

if TYPE_CHECKING:
    from noss.models._foreign import Opened

INSTALL = "pip install speechbrain (it needs torchaudio, of the version of your torch)"


def card(choice: str, *, trust_remote_code: bool = False) -> Card:
    """The facts of an encoder, which it tells once it is loaded.

    Raises:
        ModelError: SpeechBrain is missing, there is no such model, or it is remote and not trusted.
    """
    from noss.models import _foreign

    opened = _open(choice, trust_remote_code)
    return _foreign.card(opened, notes="Encoder of SpeechBrain; clips below 0.5 s are padded.")


def build(choice: str, *, trust_remote_code: bool = False) -> Embedder:
    """The encoder as a module that takes clips of one length."""
    from noss.models._foreign import Foreign

    return Foreign(_open(choice, trust_remote_code)).eval()


def _open(choice: str, trusted: bool) -> Opened:
    from noss.models._foreign import Opened

    name = f"speechbrain/{choice}"
    folder = Path(choice).expanduser()
    local = bool(choice) and (folder.is_dir() or choice.startswith((".", "/", "~")))
    if local:
        existing(folder / "hyperparams.yaml", needed_by=name)
    elif choice.count("/") != 1:
        raise ModelError(f"{name} names no model: write speechbrain/FOLDER or speechbrain/OWNER/NAME")
    elif not trusted:
        raise ModelError(
            f"{name} makes whatever objects its hyperparams.yaml names: read it at https://huggingface.co/{choice}, "
            f"then pass --trust-remote-code {name}, or give a folder"
        )
    encoder = _encoder(choice, name)
    return Opened(
        name=name,
        call=encoder.encode_batch,
        sample_rate=_sample_rate(encoder),
        net=encoder,
        files=tuple(sorted(path for path in folder.rglob("*") if path.is_file())) if local else (),
        address=None if local else f"https://huggingface.co/{choice}",
    )


def _encoder(choice: str, name: str) -> Any:
    module = _own_code.package("speechbrain.inference.classifiers", needed_by=name, install=INSTALL)
    try:
        return module.EncoderClassifier.from_hparams(source=choice)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{name} cannot be loaded ({text}): check the name and that the folder is whole") from error


def _sample_rate(encoder: Any) -> int:
    """Hz, from the model's hyperparameters, else from what it resamples to."""
    stated = getattr(getattr(encoder, "hparams", None), "sample_rate", None)
    return int(stated or getattr(getattr(encoder, "audio_normalizer", None), "sample_rate", None) or 16_000)
