"""`fetch.json`: what `noss fetch` brought to a folder, with the checksums that were found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from noss import runs

NAME = "fetch.json"
_MOST_HELD = 20


@dataclass(frozen=True, kw_only=True)
class Record:
    """One file that was brought.

    Attributes:
        url: Where it came from.
        checksum: What was found, as `sha256:...` or `md5:...`.
        stated: Whether its owner or a public catalogue states that checksum; else it was only noted here.
        size: In bytes.
        date: When it came.
        num_files: Files that came out of it; 1 where it is no archive.
        num_bytes: And their bytes.
        holds: Paths from the root that it brought, the first of those right in its folder.
    """

    url: str
    checksum: str
    stated: bool
    size: int
    date: str
    num_files: int
    num_bytes: int
    holds: tuple[str, ...]

    def is_there(self, root: Path) -> bool:
        """Whether what it brought still stands, as far as it is noted."""
        return all((root / path).exists() for path in self.holds)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is noted about a folder.

    Attributes:
        dataset: The corpus's name.
        complete: Whether every file of the corpus is there.
        below: The folder in it that is the corpus's root, where archives brought one of their own; else empty.
        records: Of the files that came, by URL.
    """

    dataset: str
    complete: bool = False
    below: str = ""
    records: Mapping[str, Record]

    @classmethod
    def read(cls, root: Path, *, dataset: str) -> Manifest:
        """The manifest in a folder; an empty one where there is none that can be read."""
        try:
            facts = json.loads((root / NAME).read_text(encoding="utf-8"))
            records = [Record(**{**record, "holds": tuple(record["holds"])}) for record in facts["files"]]
            complete, below = facts["complete"] is True, str(facts["below"])
        except (OSError, ValueError, KeyError, TypeError):
            return cls(dataset=dataset, records={})
        by_url = {record.url: record for record in records}
        return cls(dataset=dataset, complete=complete, below=below, records=by_url)

    def write(self, root: Path) -> None:
        """Put it into a folder, atomically."""
        files = [asdict(record) for record in self.records.values()]
        facts = {"dataset": self.dataset, "complete": self.complete, "below": self.below, "files": files}
        runs.write_json(root / NAME, facts)

    def having(self, record: Record) -> Manifest:
        """The same with one record more, or in the place of the one of that URL."""
        return replace(self, records={**self.records, record.url: record})


def held(folder: Path, below: str) -> tuple[str, ...]:
    """The first names in a folder, as paths from the root, to see later whether they are still there."""
    names = sorted(entry.name for entry in folder.iterdir())[:_MOST_HELD]
    return tuple((Path(below) / name).as_posix() for name in names)


def corpus_folder(name: str, *, cache: Path | None) -> Path:
    """Where `noss fetch` puts a corpus when no folder is given."""
    return runs.cache_folder(cache) / "corpora" / name


def fetched_root(name: str, *, cache: Path | None) -> Path | None:
    """Where in that folder the corpus is, if it is there and complete."""
    root = corpus_folder(name, cache=cache)
    manifest = Manifest.read(root, dataset=name)
    return root / manifest.below if manifest.complete else None
