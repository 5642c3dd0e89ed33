"""The weights of a model by the bytes behind them: hashed once for a file and a machine, held to what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from noss import identity
from noss.errors import ModelError
from noss.models import Card


def prove(card: Card, *, memo: Path | None) -> None:
    """See that the files by which a card's weights are proved hold what they should.

    Args:
        card: The card.
        memo: Where hashes are remembered, so that a file is read once; None reads it.

    Raises:
        ModelError: A file is damaged.
    """
    for place in filter(None, (card.proofs or "").split(";")):
        path, _, expected = place.partition("#sha256=")
        if (found := digests([Path(path)], memo=memo)) != [expected]:
            blob = Path(path).resolve()
            raise ModelError(
                f"{path} is damaged: its SHA-256 is {found[0]} and that of what was fetched is {expected}; delete {blob}, "
                f"and it is fetched again"
            )


def hashes(weights: str | None, *, memo: Path) -> list[str] | str | None:
    """Hashes of weights that lie on this machine; the address of those that lie elsewhere.

    Raises:
        ModelError: A file cannot be read, or is not what its card says.
    """
    if weights is None:
        return None
    places = [place.partition("#sha256=") for place in weights.split(";")]
    if not all(is_path(place) for place, _, _ in places):
        return weights
    found_hashes = []
    for place, _, expected in places:
        found = digests(_files(Path(place).expanduser()), memo=memo)
        if expected and found != [expected]:
            raise ModelError(
                f"{place} has the checksum {found[0]} and its card says {expected}: fetch the weights again"
            )
        found_hashes.extend(found)
    return found_hashes


def is_path(text: str) -> bool:
    """Whether something lies there on this machine."""
    return Path(text).expanduser().exists()


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def digests(paths: Sequence[Path], *, memo: Path | None) -> list[str]:
    """The SHA-256 of each file in hex.

    Raises:
        ModelError: One cannot be read.
    """
    found = identity.digests(paths, memo=memo)
    for path, digest in zip(paths, found, strict=True):
        if isinstance(digest, OSError):
            raise ModelError(f"cannot read the weights {path}: {digest.strerror}; check the path and who may read it")
    return [digest for digest in found if isinstance(digest, str)]
