"""A saved classifier: `classifier.json` says what it is, `weights.safetensors` holds its numbers; nothing is pickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from noss import shelf
from noss.errors import ModelError
from noss.pipeline._classifier_train import Trained
from noss.pipeline._layer_mix import Mix
from noss.pipeline._models import Model, open_model
from noss.pipeline._predictions_fit import Choice, Fitted
from noss.runs import replacing, write_json

FORMAT = 1
_FACTS: dict[str, type | tuple[type, ...]] = {
    "format": int,
    "signature": str,
    "noss_version": str,
    "model": dict,
    "target": str,
    "classes": (list, type(None)),
    "present": (list, type(None)),
    "probe": str,
    "setting": dict,
    "layer": int,
    "temperature": (int, float, type(None)),
    "weights_sha256": str,
}


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A classifier read back: what it says of itself, its model (not yet built) and its fitted probe."""

    facts: Mapping[str, Any]
    model: Model
    trained: Trained

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The classes in their order; None for numbers."""
        return None if self.facts["classes"] is None else tuple(self.facts["classes"])


def save_classifier(folder: Path, trained: Trained, *, facts: Mapping[str, Any]) -> None:
    """Write a classifier's folder; `classifier.json` comes last and names the weights by their hash.

    Args:
        folder: Where to.
        trained: The fitted probe.
        facts: What else the file says: model, target, classes, probe, scores, warnings.

    Raises:
        StoreError: The folder cannot be written.
    """
    from safetensors.numpy import save

    mix = trained.fitted.mix
    arrays = {**trained.fitted.probe.arrays(), **({} if mix is None else mix.arrays())}
    content = save({name: np.asarray(array, order="C") for name, array in arrays.items()})
    with replacing(folder / "weights.safetensors") as temporary:
        temporary.write_bytes(content)
    present = trained.fitted.present_K
    own = {
        "format": FORMAT,
        "setting": dict(trained.choice.setting),
        "layer": trained.choice.layer,
        "present": None if present is None else present.tolist(),
        "temperature": trained.temperature,
        "weights_sha256": hashlib.sha256(content).hexdigest(),
    }
    write_json(folder / "classifier.json", {**own, **facts})


def read_facts(folder: Path) -> dict[str, Any]:
    """What a classifier's folder says of itself.

    Raises:
        ModelError: No classifier there, or its file is not as `noss fit` wrote it.
    """
    path = folder / "classifier.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"no classifier in {folder}: give the folder that `noss fit --out` wrote") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}): fit the classifier again") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise ModelError(f"{path} is not a classifier of this version: fit it again")
    for name, kind in _FACTS.items():
        if not isinstance(facts.get(name), kind):
            raise ModelError(f"{path} is broken at {name!r}: fit the classifier again")
    return facts


def read_classifier(folder: Path, *, cache: Path | None = None) -> Saved:
    """A classifier read back, with its model opened and proved to be the one it was fitted on.

    Raises:
        ModelError: The folder is malformed or tampered with, or the model has changed since.
    """
    facts = read_facts(folder)
    _check_own(folder, facts)
    model = open_model(str(facts["model"].get("name")), cache=cache)
    if model.revision != facts["model"].get("revision"):
        raise ModelError(
            f"{folder} was fitted on another revision of {model.name} (noss {facts['noss_version']}), whose embeddings"
            " differ from today's: fit the classifier again, or install that version"
        )
    _check_values(folder, facts, layers=model.card.layers)
    return Saved(facts=facts, model=model, trained=_trained(folder, facts))


def is_current(folder: Path, signature: str) -> bool:
    """Whether the folder holds a whole classifier with this signature."""
    try:
        facts = read_facts(folder)
        return bool(facts["signature"] == signature and _weights(folder, facts))
    except ModelError:
        return False


def _check_own(folder: Path, facts: Mapping[str, Any]) -> None:
    """A folder from elsewhere must not bring code along: parts are names on a shelf or files outside the folder."""
    for name in (str(facts["model"].get("name")), facts["probe"]):
        part = shelf.parse_model(name).part
        if part.endswith(".py") and Path(part).resolve().is_relative_to(folder.resolve()):
            raise ModelError(f"{folder} names code of its own ({part}), which is not run: move the file elsewhere")


def _check_values(folder: Path, facts: Mapping[str, Any], *, layers: int) -> None:
    classes, present, temperature = facts["classes"], facts["present"], facts["temperature"]
    sound = {
        "layer": 0 <= facts["layer"] < layers,
        "classes": classes is None or (len(set(classes)) > 1 and all(isinstance(name, str) for name in classes)),
        "present": (present is None) == (classes is None) and set(present or ()) <= set(range(len(classes or ()))),
        "temperature": (temperature is None) == (classes is None) and (temperature is None or temperature > 0),
    }
    for name, is_sound in sound.items():
        if not is_sound:
            raise ModelError(f"{folder / 'classifier.json'} is broken at {name!r}: fit the classifier again")


def _trained(folder: Path, facts: Mapping[str, Any]) -> Trained:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    part = shelf.load("probes", facts["probe"]).Probe
    try:
        arrays = load(_weights(folder, facts))
        probe, mix = part.from_arrays(arrays), Mix.from_arrays(arrays)
        present = None if facts["present"] is None else np.array(facts["present"], dtype=np.int64)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"the weights in {folder} do not fit its probe ({error}): fit the classifier again") from error
    num_classes = None if facts["classes"] is None else len(facts["classes"])
    fitted = Fitted(probe=probe, layer=facts["layer"], present_K=present, num_classes=num_classes, mix=mix)
    return Trained(
        fitted=fitted,
        choice=Choice(setting=facts["setting"], layer=facts["layer"]),
        temperature=facts["temperature"],
    )


def _weights(folder: Path, facts: Mapping[str, Any]) -> bytes:
    path = folder / "weights.safetensors"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path} ({error.strerror}): fit the classifier again") from error
    if hashlib.sha256(content).hexdigest() != facts["weights_sha256"]:
        raise ModelError(f"{path} is not what classifier.json says (wrong checksum): fit the classifier again")
    return content
