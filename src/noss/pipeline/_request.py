"""What a user asks for in words, taken apart: lists of names, roots, recipes."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from noss.errors import DataError
from noss.places import path_of
from noss.shelf import did_you_mean


def words(given: Sequence[str] | str) -> list[str]:
    """Names from a list or from text split at commas, in order, each once."""
    parts = [given] if isinstance(given, str) else given
    return list(dict.fromkeys(word.strip() for part in parts for word in part.split(",") if word.strip()))


def roots(given: Sequence[str] | Mapping[str, Path | str]) -> dict[str, Path]:
    """Where corpora lie, by dataset name, from `NAME=DIR` words or a mapping.

    Raises:
        DataError: A word has no `=`, or the folder does not exist.
    """
    pairs = list(given.items()) if isinstance(given, Mapping) else [_pair(word) for word in words(given)]
    found = {name: path_of(folder).expanduser() for name, folder in pairs}
    for name, folder in found.items():
        if not folder.exists():
            raise DataError(f"the root of {name} is {folder}, which does not exist: give the folder the corpus lies in")
    return found


def load_recipe(path: Path, step: Callable[..., Any], *, needed: bool = True) -> dict[str, Any]:
    """The `SUITE` of a recipe file: values for parameters of `step`, checked by name; none where it is not `needed` and not there.

    Raises:
        DataError: No such file, no `SUITE` in it, or a name that is no parameter of the step.
    """
    suite = defined_in(path, "SUITE", holds="values for models, tasks and so on", needed=needed)
    known = [name for name in inspect.signature(step).parameters if name != "recipe"]
    for name in suite:
        if name not in known:
            raise DataError(f"SUITE in {path} sets {name!r}, which is no option: {did_you_mean(str(name), known)}")
    return dict(suite)


def defined_in(path: Path, name: str, *, holds: str, needed: bool = True) -> Mapping[str, Any]:
    """The dict of that name in a recipe, a Python file; an empty one where it is not `needed` and not there.

    Raises:
        DataError: No such file, or no such dict in it.
    """
    if not path.is_file():
        raise DataError(f"no recipe at {path}: give a Python file that defines {name}")
    spec = importlib.util.spec_from_file_location(f"noss_recipe_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, name, None if needed else {})
    if not isinstance(found, Mapping):
        raise DataError(f"{path} defines no {name}: set {name} to a dict with {holds}")
    return found


def merged(step: Callable[..., Any], recipe: Path | str | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """A step's arguments: what was given wins over the recipe, and the recipe over the step's defaults."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(step).parameters.items()}
    from_recipe = load_recipe(Path(recipe), step) if recipe else {}
    chosen = {name: value for name, value in given.items() if value != defaults[name]}
    return {**given, **from_recipe, **chosen, "recipe": recipe}


def _pair(word: str) -> tuple[str, str]:
    name, equals, folder = word.partition("=")
    if not equals or not name or not folder:
        raise DataError(f"the root {word!r} is not NAME=DIR: write, for example, ravdess=/data/ravdess")
    return name, folder
