"""A transformer whose classes lie in its own repository: it is run only where the user trusts it by name."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from noss.errors import ModelError
from noss.models._foreign import Opened
from noss.models._own_code import lacking
from noss.models._speech_source import Source
from noss.shelf import require


def opened(source: Source, *, layer: str | None) -> Opened:
    """The model as `AutoModel` and `AutoFeatureExtractor` make it, fed one batch of clips of one length.

    Raises:
        ModelError: It cannot be loaded.
    """
    name = f"transformers/{source.page}"
    transformers = require("transformers", extra="transformers", needed_by=name)
    where = (
        (source.repo, {"revision": source.commit}) if source.repo else (str(source.folder), {"local_files_only": True})
    )
    options: dict[str, Any] = {**where[1], "trust_remote_code": True}
    try:
        net = transformers.AutoModel.from_pretrained(where[0], **options).eval().float()
        extractor = _extractor(transformers, source, where[0], options)
    except ModuleNotFoundError as error:
        raise lacking(error, needed_by=name) from error
    except (ImportError, OSError, ValueError, RuntimeError, AttributeError) as error:
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"{source.page} cannot be loaded ({text}): its own code must suit this transformers"
        ) from error
    rate = int(getattr(extractor, "sampling_rate", None) or 16_000)

    def call(waveform_BT: Tensor) -> Any:
        fed: Any = {"input_values": waveform_BT}
        if extractor is not None:
            clips = list(waveform_BT.cpu().numpy())
            fed = extractor(clips, sampling_rate=rate, return_tensors="pt").to(waveform_BT.device)
        wanted = {"output_hidden_states": True} if layer is not None else {}
        return net(**fed, **wanted)

    files = tuple(sorted(path for path in source.folder.iterdir() if path.is_file()))
    return Opened(
        name=name,
        call=call,
        sample_rate=rate,
        net=net,
        files=() if source.repo else files,
        address=source.weights if source.repo else None,
        layer=layer,
    )


def _extractor(transformers: Any, source: Source, where: str, options: dict[str, Any]) -> Any:
    """The feature extractor; None where the model has none and takes samples."""
    if source.json("preprocessor_config.json") is None:
        return None
    return transformers.AutoFeatureExtractor.from_pretrained(where, **options)
