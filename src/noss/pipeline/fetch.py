"""Fetch an open corpus or the weights of a model, or say how to get a corpus that is not open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from noss import shelf
from noss.datasets import Dataset
from noss.errors import DataError
from noss.pipeline._fetch_advice import card_to_fetch
from noss.pipeline._fetch_alone import alone
from noss.pipeline._fetch_file import WORKSHOP, Brought, bring, file_name
from noss.pipeline._fetch_manifest import NAME, Manifest, corpus_folder
from noss.pipeline._fetch_progress import Bars
from noss.pipeline._fetch_weights import fetch_weights
from noss.pipeline._whereabouts import looks_like


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A corpus or weights that are there: their folder, and a record of each file that it came in."""

    dataset: str
    root: Path
    brought: tuple[Brought, ...]
    next_step: str

    def __str__(self) -> str:
        lines = [line for one in self.brought for line in _lines(one)]
        return "\n".join([f"{self.dataset} is in {self.root}", *lines, f"next: {self.next_step}"])


def fetch(
    name: str, *, to: Path | str | None = None, keep_archives: bool = False, cache: Path | str | None = None
) -> Fetched:
    """Bring every file of an open corpus, or a model's weights, checked and unpacked; run again, it goes on.

    Args:
        name: A dataset on the shelf, or your own file: `esc50`, `./mine.py`; or a model with public weights: `trill`.
        to: The folder to bring it to; None for `corpora/<name>` in the cache, or where weights belong, where every other
            verb finds it.
        keep_archives: Whether archives stay, in `.fetch` in that folder.
        cache: The cache folder; None for `NOSS_CACHE` or the platform's.

    Raises:
        DataError: The corpus is not open to everybody, or a file cannot be brought, checked or unpacked.
    """
    part = shelf.parse(name).part
    if part in shelf.names("models") and part not in shelf.names("datasets"):
        root, one = fetch_weights(name, to=Path(to).expanduser() if to else None)
        return Fetched(dataset=name, root=root, brought=(one,), next_step=f"noss check model {name}")
    card = card_to_fetch(part)
    dataset = Path(part).stem if part.endswith(".py") else part
    root = Path(to).expanduser() if to else corpus_folder(dataset, cache=Path(cache) if cache else None)
    try:
        with alone(root):
            brought, below = _bring_all(card, root, dataset=dataset, keep=keep_archives)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"cannot write {error.filename or root}: {reason}; free some space or give --to DIR") from error
    given = f" --root {dataset}={root / below}" if to else ""
    return Fetched(dataset=dataset, root=root / below, brought=brought, next_step=f"noss check dataset {part}{given}")


def _bring_all(card: Dataset, root: Path, *, dataset: str, keep: bool) -> tuple[tuple[Brought, ...], str]:
    manifest = Manifest.read(root, dataset=dataset)
    brought = []
    with Bars() as bars:
        for item in card.downloads:
            one = bring(item, root, known=manifest.records.get(item.url), bars=bars)
            brought.append(one)
            if not one.was_there:
                manifest = replace(manifest.having(one.record), complete=False)
                manifest.write(root)
                if not keep:
                    one.archive.unlink(missing_ok=True)
    if not manifest.complete:
        manifest = replace(manifest, complete=True, below=_below(card, root))
        manifest.write(root)
    return tuple(brought), manifest.below


def _below(card: Dataset, root: Path) -> str:
    """The one folder that looks like the corpus, where the root does not: archives often hold a folder of their own."""
    if looks_like(card, root):
        return ""
    found = [path.name for path in root.iterdir() if path.name != WORKSHOP and looks_like(card, path)]
    return found[0] if len(found) == 1 else ""


def _lines(one: Brought) -> list[str]:
    record, name = one.record, file_name(one.record.url)
    state = "was there" if one.was_there else f"{record.size:,} bytes, {record.num_files:,} files"
    lines = [f"  {name}: {state}; {record.checksum}, {'as stated' if record.stated else f'noted in {NAME}'}"]
    if not record.stated:
        lines.append(
            f"    nobody states a checksum of {name}: what came cannot be proved to be what its owner published"
        )
    for first, second in one.collisions:
        lines.append(f"    {first} and {second} differ only in case: on Windows and macOS they would be one file")
    return lines
