"""Any model behind the HEAR 2021 API: `hear/MODULE[:WEIGHTS]`, with `@timestamps` for one vector a time step.

`MODULE` is an importable module, or the path of one without its `.py` (`hear/./mine`), that defines `load_model`,
`get_scene_embeddings` and `get_timestamp_embeddings`. The API passes no lengths, so clips are batched by length; it names
no shortest clip, so clips below half a second are padded. The model is loaded to read its facts: only it knows them.

Source: Turian et al. 2022, HEAR: Holistic Evaluation of Audio Representations.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from noss.errors import ModelError
from noss.models import Card, Embedder
from noss.models._files import megabytes
from noss.models._own_code import from_file

FUNCTIONS = ("load_model", "get_scene_embeddings", "get_timestamp_embeddings")


def card(choice: str, *, layer: str | None = None) -> Card:
    """The facts of a HEAR module, which it tells once its model is loaded.

    Raises:
        ModelError: There is no such module, it breaks the API, or the layer is not `timestamps`.
    """
    module, paths, model = _load(choice, layer)
    size = model.timestamp_embedding_size if layer else model.scene_embedding_size
    weights = [path for path in paths if path.suffix != ".py"]
    return Card(
        sample_rate=int(model.sample_rate),
        frame_rate=_frame_rate(module, model) if layer else 0.0,
        dim=int(size),
        source=choice,
        licence="unknown",
        weights=";".join(str(path) for path in paths) or None,
        masks_padding=False,
        min_s=0.5,
        size_mb=megabytes(*weights) if weights else None,
        num_parameters=_num_parameters(model),
        devices=("cpu", "cuda") if hasattr(model, "parameters") else ("cpu",),
        notes="HEAR 2021 API; clips below 0.5 s are padded.",
    )


def build(choice: str, *, layer: str | None = None) -> Embedder:
    """An embedder that calls the module's scene embeddings, or its timestamp embeddings where the layer says so."""
    from noss.models._hear import HearEmbedder

    module, _, model = _load(choice, layer)
    return HearEmbedder(module, model=model, timestamps=layer is not None).eval()


def _load(choice: str, layer: str | None) -> tuple[ModuleType, list[Path], Any]:
    if layer not in {None, "timestamps"}:
        raise ModelError(
            f"hear/{choice} has no layer {layer!r}: leave it out for scene embeddings, or write @timestamps"
        )
    module, weights = _module(choice)
    for name in FUNCTIONS:
        if not callable(getattr(module, name, None)):
            raise ModelError(f"{module.__name__} lacks {name}: a HEAR module defines {', '.join(FUNCTIONS)}")
    model = module.load_model(weights) if weights else module.load_model()
    for name in ("sample_rate", "scene_embedding_size", "timestamp_embedding_size"):
        if not isinstance(getattr(model, name, None), int):
            raise ModelError(
                f"the model that {module.__name__}.load_model gives lacks {name}: the HEAR API needs it, a whole number"
            )
    source = Path(module.__file__ or "")
    code = sorted(source.parent.rglob("*.py")) if source.name == "__init__.py" else [source]
    return module, code + ([Path(weights)] if weights and Path(weights).exists() else []), model


def _module(choice: str) -> tuple[ModuleType, str]:
    name, _, weights = choice.partition(":")
    if not name:
        raise ModelError(f"hear/{choice} names no module: write hear/MODULE, hear/MODULE:WEIGHTS or hear/./PATH")
    if "/" in name:
        return from_file(name if name.endswith(".py") else f"{name}.py", needed_by=f"hear/{choice}"), weights
    try:
        return importlib.import_module(name), weights
    except ModuleNotFoundError as error:
        raise ModelError(
            f"hear/{choice}: no module {error.name}: install the package that holds it, or give the path of its file"
        ) from error


def _frame_rate(module: ModuleType, model: Any) -> float:
    """Steps a second, from the spacing that the API promises to be even."""
    from noss.models._hear import step_ms

    return 1000.0 / step_ms(module, model=model)


def _num_parameters(model: Any) -> int | None:
    return (
        sum(weights.numel() for weights in model.parameters() if weights.requires_grad)
        if hasattr(model, "parameters")
        else None
    )
