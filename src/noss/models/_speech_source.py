"""Where a Hugging Face model lies: a local folder, or a repository on the hub at one commit."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from noss.errors import ModelError
from noss.models._files import megabytes
from noss.shelf import require

_SHA256 = re.compile(r"[0-9a-f]{64}")  # others are named by the hash of git, and are small
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A model's small files as they lie here, and where its weights are.

    `folder` holds the small files (and the weights, of a local model); `repo` and `commit` name a model of the hub.
    `adapter` is a file of further weights.
    """

    folder: Path
    repo: str | None = None
    commit: str | None = None
    adapter: Path | None = None

    def json(self, name: str) -> dict[str, Any] | None:
        """A small JSON file of the model; None where it has none."""
        path = self.folder / name
        if not path.is_file():
            return None
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ModelError(f"{path} is not JSON ({error}): save the model anew with save_pretrained") from error
        assert isinstance(facts, dict)
        return facts

    @property
    def weights(self) -> str:
        """The weight files, or their address on the hub: what a model's identity rests on."""
        if self.repo:
            language = f"#{self.adapter.name}" if self.adapter else ""
            return f"https://huggingface.co/{self.repo}/tree/{self.commit}{language}"
        adapter = [self.adapter] if self.adapter else []
        return ";".join(str(path) for path in [*self.files(), *sorted(self.folder.glob("*config.json")), *adapter])

    @property
    def proofs(self) -> str | None:
        """Weight files that the hub's client keeps under their checksums, each with its own; None for a folder of one's own."""
        files = [(path, path.resolve()) for path in [*self.files(), *([self.adapter] if self.adapter else [])]]
        known = [
            (path, blob.name) for path, blob in files if blob.parent.name == "blobs" and _SHA256.fullmatch(blob.name)
        ]
        if not known and (files or self.repo is None):
            return None
        return ";".join(f"{path}#sha256={checksum}" for path, checksum in known)

    @property
    def page(self) -> str:
        """Where a reader finds the model."""
        return f"https://huggingface.co/{self.repo}" if self.repo else str(self.folder)

    @property
    def licence(self) -> str:
        """What the front matter of the model's README says."""
        readme = self.folder / "README.md"
        text = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
        found = re.match(r"---\n.*?^license:\s*['\"]?([^\s'\"]+).*?^---", text, flags=re.DOTALL | re.MULTILINE)
        return found[1] if found else "unknown"

    def files(self) -> list[Path]:
        """The weight files that lie here, of the first kind there is."""
        first = next((self.folder / name for name in WEIGHTS if (self.folder / name).is_file()), None)
        if first is None:
            return []
        if first.suffix != ".json":
            return [first]
        shards = (self.json(first.name) or {}).get("weight_map", {}).values()
        return [first, *(self.folder / name for name in sorted(set(shards)))]

    def size_mb(self) -> float | None:
        """Size of the weights in 10^6 bytes; None before they are fetched."""
        return megabytes(*self.files()) if self.files() else None

    def num_parameters(self, *, part: str = "") -> int | None:
        """Numbers in the weights whose name holds `part`, from the headers of safetensors files; None for others."""
        shards = [path for path in self.files() if path.suffix == ".safetensors"]
        shapes = [shape for path in shards for name, shape in _shapes(path).items() if part in name]
        return sum(math.prod(shape) for shape in shapes) if shapes else None


def find(choice: str) -> Source:
    """The source of `FOLDER`, `OWNER/NAME` or `OWNER/NAME:REVISION`, each with `#LANGUAGE` for an adapter.

    Raises:
        ModelError: There is neither such a folder nor such a repository, or the hub cannot be reached.
    """
    if not choice:
        raise ModelError("transformers needs a model: write transformers/FOLDER or transformers/OWNER/NAME")
    choice, _, language = choice.partition("#")
    if language:
        source = find(choice)
        return replace(source, adapter=find_adapter(source, language))
    folder = Path(choice).expanduser()
    if folder.is_dir():
        return _checked(Source(folder=folder), choice)
    if choice.startswith((".", "/", "~")) or choice.count("/") > 1:
        raise ModelError(
            f"no folder {choice}: transformers/... takes a folder written by save_pretrained, or a hub id OWNER/NAME"
        )
    repo, _, revision = choice.partition(":")
    return _checked(_from_hub(repo, revision or None), choice)


def find_adapter(source: Source, language: str) -> Path:
    """The adapter of a language, beside the model or on the hub.

    Raises:
        ModelError: There is none.
    """
    name = f"adapter.{language}.safetensors"
    beside = source.folder / name
    if beside.is_file():
        return beside
    known = sorted(path.name.split(".")[1] for path in source.folder.glob("adapter.*.safetensors"))
    if source.repo is None:
        raise ModelError(f"{source.page} has no {name}: it has adapters for {', '.join(known) or 'no language'}")
    hub = require("huggingface_hub", extra="transformers", needed_by=f"transformers/{source.repo}")
    try:
        return Path(hub.hf_hub_download(source.repo, name, revision=source.commit))
    except (OSError, ValueError) as error:
        text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{source.repo} has no {name} here or on the hub ({text}): check the language") from error


def _checked(source: Source, choice: str) -> Source:
    if not (source.folder / "config.json").is_file():
        raise ModelError(f"{choice} holds no config.json: give a folder written by save_pretrained")
    if source.repo is None and not source.files():
        raise ModelError(f"{choice} holds no weights: one of {', '.join(WEIGHTS)} must lie beside config.json")
    if missing := [path.name for path in source.files() if not path.is_file()]:
        raise ModelError(
            f"{choice} is half downloaded: {missing[0]} and {len(missing) - 1} more of its {len(source.files()) - 1} files of "
            f"weights are missing; fetch it again"
        )
    for path in source.files():
        if path.stat().st_size < 1024 and path.read_bytes().startswith(b"version https://git-lfs"):
            raise ModelError(f"{path} is a pointer of Git LFS and not the weights: run git lfs pull there")
    return source


def _from_hub(repo: str, revision: str | None) -> Source:
    """The small files of a repository: those that lie here already, else fetched; a model that lies here never moves."""
    hub = require("huggingface_hub", extra="transformers", needed_by=f"transformers/{repo}")
    try:
        kept = hub.try_to_load_from_cache(repo, "config.json", revision=revision)
        path = (
            Path(kept) if isinstance(kept, str) else Path(hub.hf_hub_download(repo, "config.json", revision=revision))
        )
        if not isinstance(kept, str):
            wanted = ["preprocessor_config.json", "processor_config.json", "README.md"]
            hub.snapshot_download(repo, revision=path.parent.name, allow_patterns=wanted)
    except (OSError, ValueError) as error:
        text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{repo} is neither a folder here nor to be had from the hub ({text}): check the name, or give a folder"
        ) from error
    return Source(folder=path.parent, repo=repo, commit=path.parent.name)


def _shapes(path: Path) -> dict[str, list[int]]:
    """Names and shapes in a safetensors file, from its header alone."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ModelError(f"{path} is not a safetensors file ({error}): fetch or save the model anew") from error
