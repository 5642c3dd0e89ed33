"""Non-semantic speech embeddings: score them, use them, make them.

The public names are resolved on first use, so that `import noss` costs milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from noss.estimators import SpeechEmbedder
    from noss.pipeline._classifier import load_classifier
    from noss.pipeline._models import load_model
    from noss.pipeline.check import check
    from noss.pipeline.embed import embed
    from noss.pipeline.export import export
    from noss.pipeline.fit import fit
    from noss.pipeline.predict import predict
    from noss.pipeline.report import report
    from noss.pipeline.run import run

__version__ = "0.1.0"

__all__ = [
    "SpeechEmbedder",
    "__version__",
    "check",
    "embed",
    "export",
    "fit",
    "load_classifier",
    "load_model",
    "predict",
    "report",
    "run",
]

_HOMES = {
    "SpeechEmbedder": "noss.estimators",
    "check": "noss.pipeline.check",
    "embed": "noss.pipeline.embed",
    "export": "noss.pipeline.export",
    "fit": "noss.pipeline.fit",
    "load_classifier": "noss.pipeline._classifier",
    "load_model": "noss.pipeline._models",
    "predict": "noss.pipeline.predict",
    "report": "noss.pipeline.report",
    "run": "noss.pipeline.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'noss' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
