"""Any scikit-learn transformer as an embedding model: `sklearn/FILE.skops`, or `sklearn/FILE.py:NAME` of your own.

It is fitted, and fed waveforms at 16 kHz: a clip is a row (1, T) of which `transform` makes a vector; one that was fitted
on rows of some length (`n_features_in_`) gets windows of that many samples, and gives a vector each. With `@logmel` the
rows are frames of log-mel, 64 bands every 10 ms as `logmel_stats` has them; fitted on a multiple of 64 numbers, it gets
that many frames side by side.

`NAME` may be the transformer, its class or a function that makes it. A fitted one is kept in a file by skops
(`skops.io.dump`), which is data and not code: types beside those of scikit-learn, NumPy and SciPy are refused. Pickles
and joblib's files run code when they are opened, and are not read.

Source: scikit-learn 1.x; skops 0.16.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from noss.errors import ModelError
from noss.models import Card, Embedder, _card_file, _graph, _own_code, _sklearn
from noss.models._files import existing
from noss.shelf import require


def card(choice: str, *, layer: str | None = None) -> Card:
    """The facts of a transformer, found by giving it a second of noise.

    Raises:
        ModelError: There is no such file or object, it is not fitted, or it would run code when it is opened.
    """
    run, path = _open(choice, layer)
    return _card_file.to_card(_sklearn.facts(run), paths=[path], notes="scikit-learn transformer.")


def build(choice: str, *, layer: str | None = None) -> Embedder:
    """An embedder that calls `transform` on rows of samples, or of log-mel."""
    run, _ = _open(choice, layer)
    front = _sklearn.LogMelRunner() if run.takes_logmel else None
    return _graph.embedder(run, _sklearn.facts(run), front_end=front)


def _open(choice: str, layer: str | None) -> tuple[_sklearn.SklearnRunner, Path]:
    name = f"sklearn/{choice}"
    if layer not in {None, "logmel"}:
        raise ModelError(f"{name} has no layer {layer!r}: leave it out to feed samples, or write @logmel")
    file, _, member = choice.partition(":")
    suffix = Path(file).suffix
    if suffix not in {".skops", ".py"} or (suffix == ".py") != bool(member):
        raise ModelError(
            f"{name} cannot be read: give sklearn/FILE.skops, which skops.io.dump writes, or sklearn/FILE.py:NAME"
        )
    path = existing(file, needed_by=name)
    found = _skops(path, name) if suffix == ".skops" else _own(path, member, name)
    return _sklearn.SklearnRunner(found, name=name, takes_logmel=layer == "logmel"), path


def _own(path: Path, member: str, name: str) -> Any:
    """The transformer in a user's own file, made where its class or a function stands there."""
    found = _own_code.member(_own_code.from_file(path, needed_by=name), member, needed_by=name)
    makes = isinstance(found, type) or (callable(found) and not hasattr(found, "transform"))
    return found() if makes else found


def _skops(path: Path, name: str) -> Any:
    skops = require("skops.io", extra="skops", needed_by=name)
    kinds = require("skops.io.exceptions", extra="skops", needed_by=name)
    try:
        return skops.load(path, trusted=[])
    except kinds.UntrustedTypesFoundException as error:
        raise ModelError(
            f"{path} holds {', '.join(skops.get_untrusted_types(file=path))[:200]}, which may run code: write FILE.py:NAME"
        ) from error
    except (OSError, BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"{path} cannot be read as skops wrote it ({text}): write it anew with skops.io.dump"
        ) from error
