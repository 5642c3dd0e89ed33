"""Python code that a name points at: a file or a package on disk, imported as a module of its own."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

from noss.errors import ModelError
from noss.models._files import existing
from noss.shelf import did_you_mean


def from_file(path: str | Path, *, needed_by: str) -> ModuleType:
    """Import a Python file; the modules that lie beside it are found as well.

    Raises:
        ModelError: There is no such file, or it needs a package that is not here.
    """
    found = existing(path, needed_by=needed_by).resolve()
    name = f"noss_own_{found.stem}_{hashlib.sha256(str(found).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, found)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} is no Python file and {needed_by} needs one: give a path that ends in .py")
    module = importlib.util.module_from_spec(spec)
    with ExitStack() as undo:
        sys.modules[name] = module
        undo.callback(sys.modules.pop, name, None)
        if str(found.parent) not in sys.path:
            sys.path.append(str(found.parent))
        try:
            spec.loader.exec_module(module)
        except ModuleNotFoundError as error:
            raise lacking(error, needed_by=needed_by) from error
        undo.pop_all()
    return module


def package(name: str, *, needed_by: str, install: str) -> ModuleType:
    """Import a foreign package that is no extra of noss.

    Args:
        name: The module's dotted name.
        needed_by: The model that needs it.
        install: What to run where it is not here.

    Raises:
        ModelError: It, or a package that it needs, is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and name.split(".")[0] == error.name.split(".")[0]:
            raise ModelError(
                f"{needed_by} needs the package {error.name}, which is not installed: {install}"
            ) from error
        raise lacking(error, needed_by=needed_by) from error
    except (ImportError, OSError, RuntimeError) as error:
        text = str(error).strip().splitlines()[0]
        raise ModelError(
            f"{needed_by}: the package {name} is installed and fails to import ({text}): {install}"
        ) from error


def lacking(error: ModuleNotFoundError, *, needed_by: str) -> ModelError:
    """The error that names the package which foreign code needs."""
    missing = (error.name or "?").split(".")[0]
    return ModelError(f"{needed_by} needs the package {missing}, which is not installed: pip install {missing}")


def member(module: ModuleType, name: str, *, needed_by: str) -> Any:
    """An object of a module by its name.

    Raises:
        ModelError: The module has no such object; the message says which names are near.
    """
    if not hasattr(module, name):
        known = [key for key in vars(module) if not key.startswith("_")]
        raise ModelError(f"{module.__file__} defines no {name!r}, which {needed_by} names: {did_you_mean(name, known)}")
    return getattr(module, name)


def code(folder: Path) -> tuple[Path, ...]:
    """The Python files of a folder and all below it, whose bytes are part of what a model is."""
    return tuple(sorted(path for path in folder.rglob("*.py") if path.is_file()))
