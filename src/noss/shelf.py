"""List and load parts by file name: the folder is the list.

A shelf is a sub-package of `noss` (`models`, `datasets`, ...); a part is a public module in it. Listing reads file
names only, so it imports nothing; a part is imported when it is used. A user's own part is a path that ends in `.py`.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import importlib
import importlib.util
import re
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args

from noss.errors import MissingExtraError, UnknownPartError

Shelf = Literal["datasets", "models", "probes", "metrics", "objectives", "exporters", "reports", "engines"]
SHELVES: tuple[Shelf, ...] = get_args(Shelf)
_ROOT = Path(__file__).parent


@dataclass(frozen=True)
class Name:
    """A part's name taken apart: `transformers/facebook/wav2vec2-base@6`.

    `part` is the file's name (or the path of a user's own `.py` file), `choice` what follows the first `/` (None where
    nothing does), `layer` what follows `@`, `pooling` what follows the first `+` of a model's name. `text` is the whole name
    as it was given.
    """

    text: str
    part: str
    choice: str | None = None
    layer: str | None = None
    pooling: str | None = None


def names(shelf: Shelf) -> list[str]:
    """The parts on a shelf, sorted; nothing is imported."""
    return sorted(path.stem for path in (_ROOT / shelf).glob("*.py") if not path.stem.startswith("_"))


def summary(shelf: Shelf, part: str) -> str:
    """The first line of a part's docstring, read without importing it."""
    docstring = ast.get_docstring(ast.parse((_ROOT / shelf / f"{part}.py").read_text(encoding="utf-8")))
    return (docstring or "").split("\n", 1)[0]


def parse(text: str) -> Name:
    """Take a part's name apart; `./mine.py/choice@layer` keeps the path in front as the part."""
    body, at, layer = text.rpartition("@")
    if not at or "/" in layer or "." in layer:
        body, layer = text, ""
    part, choice = _split_part(body)
    return Name(text=text, part=part, choice=choice or None, layer=layer or None)


def parse_model(text: str) -> Name:
    """Take a model's name apart: as `parse`, with its pooling at the end, as in `transformers/DIR@6+mean+std`.

    Only words of small letters are a pooling, so that `onnx/./a+b.onnx` is a file; a folder called `a+b` is named `./a+b/`.
    """
    pooling = re.search(r"(?:\+[a-z]+)+$", text)
    if pooling is None:
        return parse(text)
    return replace(parse(text[: pooling.start()]), text=text, pooling=pooling.group()[1:])


def load(shelf: Shelf, part: str) -> ModuleType:
    """Import one part: a public module of the shelf, or a user's own `.py` file.

    Args:
        shelf: The shelf's name.
        part: A part's name without choice, or the path of a `.py` file.

    Raises:
        UnknownPartError: No such part; the message says which names are near.
        MissingExtraError: The part's file itself needs a package that is not installed.
    """
    if part.endswith(".py"):
        return _load_file(shelf, Path(part))
    if part not in names(shelf):
        raise UnknownPartError(_unknown(shelf, part))
    return importlib.import_module(f"noss.{shelf}.{part}")


def require(package: str, *, extra: str, needed_by: str) -> ModuleType:
    """Import a foreign package, or say the exact line that installs it.

    Raises:
        MissingExtraError: The package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] != package.split(".")[0]:
            raise
        raise MissingExtraError(package.split(".")[0], extra=extra, needed_by=needed_by) from error


def did_you_mean(word: str, known: list[str]) -> str:
    """A hint for a mistyped name: `did you mean yamnet?`, or the list of what there is."""
    near = difflib.get_close_matches(word, known, n=2, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"there are {', '.join(known)}" if known else "there are none"


def _split_part(body: str) -> tuple[str, str]:
    """A path in front (`./mine.py`, `mine.py`) is a user's own part; behind a part's name it is that part's choice."""
    if body.startswith((".", "/", "~")) or body.partition("/")[0].endswith(".py"):
        head, suffix, rest = body.partition(".py/")
        return (f"{head}.py", rest) if suffix else (body, "")
    part, _, choice = body.partition("/")
    return part, choice


def _unknown(shelf: Shelf, part: str) -> str:
    return f"no {shelf.removesuffix('s')} named {part!r}: {did_you_mean(part, names(shelf))}"


def _load_file(shelf: Shelf, path: Path) -> ModuleType:
    if not path.is_file():
        raise UnknownPartError(
            f"no file {path}: give the path of a Python file that defines a {shelf.removesuffix('s')}"
        )
    path = path.resolve()
    name = f"noss_own_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with ExitStack() as undo:
        undo.callback(sys.modules.pop, name)
        spec.loader.exec_module(module)
        undo.pop_all()
    return module
