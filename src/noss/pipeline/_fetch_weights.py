"""The public weights of a model, brought on first use: continued, checked, unpacked safely, and noted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from noss import shelf
from noss.datasets import Download
from noss.errors import DataError, ModelError
from noss.models import Home
from noss.models._files import weights_folders, weights_home
from noss.pipeline._fetch_alone import alone
from noss.pipeline._fetch_file import WORKSHOP, Brought, bring
from noss.pipeline._fetch_manifest import NAME, Manifest
from noss.pipeline._fetch_progress import Bars

PATIENCE_S = 600.0  # for another process that brings the same weights
_log = logging.getLogger("noss")


def weights_at_hand(part: str, choice: str) -> None:
    """Bring the weights of a choice, where they are public and none of the folders of weights has them.

    Raises:
        ModelError: They cannot be brought; the message says where to get them and where to put them.
    """
    if are_at_hand(part, choice):
        return
    home = _homes(part)[choice]
    root = weights_home(home.folder)
    _log.warning("the weights of %s are not here: they are fetched to %s, once", shelf_name(part, choice), root)
    _bring(home, root, name=shelf_name(part, choice))


def are_at_hand(part: str, choice: str) -> bool:
    """Whether the weights of a choice lie on this machine, or are none that could be fetched."""
    home = _homes(part).get(choice)
    return home is None or any(_is_there(folder, home) for folder in weights_folders(home.folder))


def fetch_weights(name: str, *, to: Path | None) -> tuple[Path, Brought]:
    """Bring the weights of a model by its name, wherever else they may lie.

    Args:
        name: A name on the shelf: `trill`, `trillsson/3`.
        to: The folder; None for the one where they are looked for.

    Raises:
        DataError: Its weights are not public, or nothing has that name.
        ModelError: They cannot be brought.
    """
    parsed = shelf.parse(name)
    homes = _homes(parsed.part)
    home = homes.get(parsed.choice or "")
    if home is None:
        known = ", ".join(shelf_name(parsed.part, choice) for choice in homes)
        raise DataError(
            f"{name} has no weights to fetch: {f'there are {known}' if known else 'it needs none, or you give their path'}"
        )
    root = to or weights_home(home.folder)
    return root, _bring(home, root, name=name)


def shelf_name(part: str, choice: str) -> str:
    """A model's name from its part and its choice."""
    return f"{part}/{choice}" if choice else part


def _homes(part: str) -> Mapping[str, Home]:
    homes: Mapping[str, Home] = getattr(shelf.load("models", part), "HOMES", {})
    return homes


def _is_there(folder: Path, home: Home) -> bool:
    """Whether all that was fetched stands there; of what someone put there the first file tells, and half of it is said."""
    record = Manifest.read(folder, dataset=home.folder).records.get(home.url)
    if record is not None:
        return record.is_there(folder)
    return not (folder / WORKSHOP).is_dir() and (folder / home.files[0]).is_file()


def _bring(home: Home, root: Path, *, name: str) -> Brought:
    try:
        with alone(root, wait_s=PATIENCE_S):
            return _noted(home, root)
    except (DataError, OSError) as error:
        reason = error if isinstance(error, DataError) else f"cannot write {error.filename or root} ({error.strerror})"
        raise ModelError(
            f"the weights of {name} are not here, and cannot be fetched: {reason}. By hand: get them at {home.page} "
            f"and unpack them into {root}, so that {root / home.files[0]} is there"
        ) from error


def _noted(home: Home, root: Path) -> Brought:
    manifest = Manifest.read(root, dataset=home.folder)
    item = Download(url=home.url, checksum=home.checksum)
    with Bars() as bars:
        brought = bring(item, root, known=manifest.records.get(home.url), bars=bars)
    if missing := [name for name in home.files if not (root / name).is_file()]:
        raise DataError(f"{home.url} brought no {missing[0]}, so it is not the SavedModel it should be")
    if not brought.was_there:
        files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        holds = tuple(name for name in files if not name.startswith((WORKSHOP, NAME)))
        replace(manifest.having(replace(brought.record, holds=holds)), complete=True).write(root)
        brought.archive.unlink(missing_ok=True)
    return brought
