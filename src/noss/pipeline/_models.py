"""A model by name: its card, its revision, and the way to build it; cheap, and without torch."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from noss import runs, shelf
from noss.audio import chunk
from noss.errors import ModelError
from noss.models import Card
from noss.pipeline._embed_pooling import MEAN, Pooling, pooling_of
from noss.pipeline._models_weights import digests, hashes, is_path, prove
from noss.pipeline._trust import OPTION

if TYPE_CHECKING:
    from noss.models import Embedder
    from noss.pipeline._alteration import Alteration
    from noss.pipeline._loaded import LoadedModel

DEFAULT_MODEL = "noss/small"  # comes with the package
MIX = "mix"
EMBEDDING_VERSION = 1  # raised by one whenever a change in reading, cutting or pooling changes the vectors
_SHAPING = ("sample_rate", "frame_rate", "masks_padding", "min_s", "padding", "window_s", "version")

Key = tuple[Path, float, float | None]
Lookup = Callable[[str, Sequence[Key]], tuple[NDArray[np.float32], NDArray[np.bool_]]]


@dataclass(frozen=True, kw_only=True)
class Model:
    """An embedding model that is known but not yet built.

    Attributes:
        name: As it was given.
        part: Its file on the shelf, or the path of a user's own file.
        choice: What follows the part in the name; empty for none.
        options: What `build` is called with.
        card: Its facts; layers and dimension are those of a clip's embedding, pooled.
        facts: Everything that shapes a vector, and its name: what the store is opened with.
        revision: The signature of these facts without the name: equal revisions, equal vectors.
        pooling: How frames become one vector.
        layer: Which of the layers that its file returns is kept; None for all of them.
        mixed: Whether a probe learns a mix of its layers (`@mix`) where it would otherwise choose one.
        framed: The facts of its frames, before a layer is taken and frames are pooled; None where they are the card's.
        alteration: What is done to every clip before the model hears it; None for clips as they are.
        condition: Its name, or that of the windows that clips are cut into; empty for clips as they are.
        hop_s: From the start of one window to that of the next; None puts them side by side.
        per_window: Whether a vector is kept of each window, in place of one of the clip.
        precision: Of its matrix products.
        compiled: Whether torch compiles it.
        drift: How far its vectors are from those in float32, in words, where they are.
    """

    name: str
    part: str
    choice: str
    options: Mapping[str, Any]
    card: Card
    facts: Mapping[str, Any]
    revision: str
    pooling: Pooling = MEAN
    layer: int | None = None
    mixed: bool = False
    framed: Card | None = None
    alteration: Alteration | None = None
    condition: str = ""
    hop_s: float | None = None
    per_window: bool = False
    precision: Literal["fp32", "bf16"] = "fp32"
    compiled: bool = False
    drift: str = ""

    @property
    def manner(self) -> str:
        """How it computes, as its records tell of the device: `, bf16, compiled`; nothing for plain float32."""
        return f"{', bf16' * (self.precision == 'bf16')}{', compiled' * self.compiled}"

    @property
    def policy(self) -> chunk.Policy:
        """How its clips are cut, and short ones padded."""
        card = self.card
        return chunk.Policy(window_s=card.window_s, min_s=card.min_s, padding=card.padding, hop_s=self.hop_s)

    @property
    def frames_card(self) -> Card:
        """Its facts with the layers and the dimension of the frames that `build` gives."""
        return self.card if self.framed is None else self.framed

    def build(self) -> Embedder:
        """The model itself, with its weights; it gives the layers of `frames_card`.

        Raises:
            ModelError: Its file has no `build`, or weights that were fetched for it are damaged.
            NossError: Whatever the model says is missing.
        """
        module = shelf.load("models", self.part)
        if not hasattr(module, "build"):
            raise ModelError(f"{self.name} only looks up vectors that were made elsewhere: it cannot embed new audio")
        embedder: Embedder = module.build(self.choice, **self.options)
        if self.card.proofs == "":  # its weights have only just come
            prove(_card(module, self.choice, self.options, name=self.name), memo=None)
        if self.layer is None:
            return embedder
        from noss.pipeline._models_layer import one_layer

        return one_layer(embedder, self.layer)

    @property
    def lookup(self) -> Lookup | None:
        """For a table of vectors made elsewhere: finds the rows of clips; None for a model that computes them."""
        found: Lookup | None = getattr(shelf.load("models", self.part), "lookup", None)
        return found


def open_model(name: str, *, cache: Path | None = None, **options: Any) -> Model:
    """A model by its name, not yet built.

    Args:
        name: A name on the shelf (`yamnet`, `transformers/DIR@6`) or the path of a Python file.
        cache: The cache folder, where hashes of weights are remembered; None for the default one.
        options: Options of the model's `build`.

    Raises:
        UnknownPartError: No such model.
        ModelError: No such choice, no such option, or weights that are not what the card says.
    """
    parsed = shelf.parse_model(name)
    module, pooling = shelf.load("models", parsed.part), pooling_of(parsed.pooling, name=name)
    choice = parsed.choice or ""
    takes_layer = parsed.layer is not None and _takes_layer(module)
    if takes_layer:
        options["layer"] = "all" if parsed.layer == MIX else parsed.layer
    _check_options(module, choice, options, name=name)
    if hasattr(module, "HOMES"):
        from noss.pipeline._fetch_weights import weights_at_hand

        weights_at_hand(parsed.part, choice)
    card, memo = _card(module, choice, options, name=name), runs.cache_folder(cache) / "files.sqlite"
    prove(card, memo=memo)
    layer = None
    if parsed.layer is not None and not takes_layer:
        if card.layers == 1:
            _check_options(module, choice, {"layer": parsed.layer}, name=name)
        layer = _kept_layer(parsed.layer, card, name=name)
    if parsed.layer == MIX and card.layers == 1:
        raise ModelError(f"{name} has one layer and a mix needs two or more: leave @{MIX} out")
    framed = card if layer is None else dataclasses.replace(card, layers=1)
    pooled = pooling.card(framed, name=name)
    facts = _facts(parsed.part, choice, options, pooled, memo=memo)
    facts |= {"pooling": pooling.words, **({} if layer is None else {"layer": layer})}
    return Model(
        name=name,
        part=parsed.part,
        choice=choice,
        options=options,
        card=pooled,
        facts={"model": name, **facts},
        revision=runs.signature(facts),
        pooling=pooling,
        layer=layer,
        mixed=parsed.layer == MIX,
        framed=framed,
    )


def with_all_layers(model: Model, *, cache: Path | None = None) -> tuple[Model, int] | None:
    """The same model with every layer, and which of them it is; None where it is not one layer of several."""
    parsed = shelf.parse_model(model.name)
    if model.condition or parsed.layer is None or not parsed.layer.isdecimal():
        return None
    body = model.name.removesuffix(f"+{parsed.pooling}").removesuffix(f"@{parsed.layer}")
    options = {key: value for key, value in model.options.items() if key != "layer"}
    try:
        whole = open_model(f"{body}@all{f'+{parsed.pooling}' if parsed.pooling else ''}", cache=cache, **options)
    except ModelError:
        return None  # its file knows single layers only
    same = all(whole.facts[fact] == model.facts[fact] for fact in ("card", "weights", "dim", "pooling"))
    return (whole, int(parsed.layer)) if same and int(parsed.layer) < whole.card.layers else None


def load_model(name: str = DEFAULT_MODEL, **options: Any) -> LoadedModel:
    """A model, built in this process: `load_model("yamnet").embed(["a.wav"])` gives (N, D) float32.

    Args:
        name: A name on the shelf (`yamnet`, `transformers/DIR@6`) or the path of a Python file; by default the one that is
            in the package.
        options: Options of the model's `build`.

    Raises:
        NossError: No such model, or one that cannot be built here.
    """
    from noss.pipeline._loaded import LoadedModel

    return LoadedModel(open_model(name, **options))


def _takes_layer(module: ModuleType) -> bool:
    """Whether a model's own file picks layers; where it does not, all that it returns are there to pick from."""
    parameters = inspect.signature(getattr(module, "build", None) or module.lookup).parameters.values()
    return any(one.name == "layer" or one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)


def _kept_layer(text: str, card: Card, *, name: str) -> int | None:
    if text in {"all", MIX}:
        return None
    if not text.isdecimal() or int(text) >= card.layers:
        raise ModelError(
            f"{name} has no layer {text!r}: write @0 to @{card.layers - 1}, @all, @{MIX}, or nothing for all"
        )
    return int(text)


def _check_options(module: ModuleType, choice: str, options: Mapping[str, Any], *, name: str) -> None:
    build = getattr(module, "build", None) or getattr(module, "lookup", None)
    if build is None:
        raise ModelError(
            f"{module.__file__} defines no build: a model needs CARDS (or card) and build, see noss.models"
        )
    parameters = inspect.signature(build).parameters
    known = [key for key, parameter in parameters.items() if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for option in options:
        if option == OPTION and option not in known:
            raise ModelError(f"{name} runs no code of a repository: leave --trust-remote-code out")
        if option not in known:
            allowed = f"its options are {', '.join(known)}" if known else "it takes none"
            raise ModelError(f"{name} has no option {option!r}: {allowed}")


def _card(module: ModuleType, choice: str, options: Mapping[str, Any], *, name: str) -> Card:
    if hasattr(module, "card"):
        known = inspect.signature(module.card).parameters
        card: Card = module.card(choice, **{key: value for key, value in options.items() if key in known})
        return card
    cards: Mapping[str, Card] | None = getattr(module, "CARDS", None)
    if cards is None:
        raise ModelError(f"{module.__file__} defines no card: a model needs CARDS (or card) and build, see noss.models")
    if choice not in cards:
        part = shelf.parse_model(name).part
        known_names = [f"{part}/{key}" if key else part for key in cards]
        raise ModelError(f"no model {name!r}: {shelf.did_you_mean(name, known_names)}")
    return cards[choice]


def _facts(part: str, choice: str, options: Mapping[str, Any], card: Card, *, memo: Path) -> dict[str, Any]:
    """All that shapes a vector. A path counts by the bytes behind it, wherever they lie."""
    shaping = {key: value for key, value in dataclasses.asdict(card).items() if key in _SHAPING}
    weights = hashes(card.weights, memo=memo)
    own = part.endswith(".py")
    return {
        "part": digests([Path(part)], memo=memo) if own else part,
        "choice": None if choice and is_path(choice) and isinstance(weights, list) else choice,
        "options": {key: str(value) for key, value in options.items() if key != OPTION},
        "card": shaping,
        "weights": weights,
        "layers": card.layers,
        "dim": card.dim,
        "version": EMBEDDING_VERSION,
    }
