"""Any model behind `torch.hub`: `torchhub/FOLDER:MODEL`, or `torchhub/OWNER/NAME[:BRANCH]:MODEL` of GitHub.

`MODEL` is an entry point of the `hubconf.py` there, which is called without arguments. What it gives is called with
waveforms (B, T), and answers with vectors (B, D) or frames (B, S, D), alone, first in a tuple, or in a dictionary, of
which `@NAME` names one and `@2` the hidden state of that number. Its attribute `sample_rate` or `sampling_rate` is
believed, 16 kHz is taken without one. Clips are batched by length; those below half a second are padded.

A folder of your own is always run. A repository is code of somebody else, so it is run only if
`--trust-remote-code` names the model.

Source: torch.hub of PyTorch 2.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from noss.errors import ModelError
from noss.models import Card, Embedder, _own_code
from noss.models._files import existing

if TYPE_CHECKING:
    from noss.models._foreign import Opened


def card(choice: str, *, layer: str | None = None, trust_remote_code: bool = False) -> Card:
    """The facts of an entry point, which are measured once it is loaded.

    Raises:
        ModelError: There is no such folder or entry point, it is remote and not trusted, or it is no embedding model.
    """
    from noss.models import _foreign

    return _foreign.card(
        _open(choice, layer, trust_remote_code), notes="Model of torch.hub; clips below 0.5 s are padded."
    )


def build(choice: str, *, layer: str | None = None, trust_remote_code: bool = False) -> Embedder:
    """The entry point's model as a module that takes clips of one length."""
    from noss.models._foreign import Foreign

    return Foreign(_open(choice, layer, trust_remote_code)).eval()


def _open(choice: str, layer: str | None, trusted: bool) -> Opened:
    from noss.models._foreign import Opened

    where, _, entry = choice.rpartition(":")
    if not where or not entry:
        raise ModelError(
            f"torchhub/{choice} names no entry point: write torchhub/FOLDER:MODEL or torchhub/OWNER/NAME:MODEL"
        )
    name = f"torchhub/{choice}"
    folder = Path(where).expanduser()
    local = folder.is_dir() or where.startswith((".", "/", "~"))
    net = _local(folder, entry, name) if local else _remote(where, entry, name, trusted)
    if not callable(net):
        raise ModelError(f"{name} gives a {type(net).__name__}: an entry point that gives a model is needed")
    rate = getattr(net, "sample_rate", None) or getattr(net, "sampling_rate", None) or 16_000
    return Opened(
        name=name,
        call=net,
        sample_rate=int(rate),
        net=net,
        files=_files(folder) if local else (),
        address=None if local else f"https://github.com/{where}",
        layer=layer,
    )


def _local(folder: Path, entry: str, name: str) -> Any:
    existing(folder / "hubconf.py", needed_by=name)
    return _load(str(folder), entry, name, source="local")


def _remote(where: str, entry: str, name: str, trusted: bool) -> Any:
    if not trusted:
        raise ModelError(
            f"{name} is code of https://github.com/{where}: read it, then pass --trust-remote-code {name}, or give a folder"
        )
    return _load(where, entry, name, source="github", trust_repo=True)


def _load(where: str, entry: str, name: str, **options: Any) -> Any:
    import torch

    hub: Any = torch.hub
    try:
        return hub.load(where, entry, verbose=False, **options)
    except ModuleNotFoundError as error:
        raise _own_code.lacking(error, needed_by=name) from error
    except (OSError, RuntimeError, ValueError) as error:
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{name} cannot be loaded ({text}): check the name, its packages and its weights") from error


def _files(folder: Path) -> tuple[Path, ...]:
    """Everything in the folder but what lies hidden: nobody else knows which files the model reads."""
    return tuple(
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
    )
