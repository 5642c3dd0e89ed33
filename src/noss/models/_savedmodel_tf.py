"""A TensorFlow SavedModel as one function from a clip to its frames, however the model wants to be called.

The forms are tried in a fixed order, those with a sample rate first, so that models that want one get it: (samples, rate),
(samples), (batched samples, rate), (batched samples); float samples before 16-bit ones. A model with a signature `waveform`
is called with `waveform` and a `paddings` of zeros. TensorFlow is imported here and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.shelf import did_you_mean, require

RATE = 16_000  # Hz; the only rate that these models know
INT16 = 32_767
WAVEFORM = "waveform"
Call = Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A loaded model.

    Attributes:
        call: Maps samples (T,), a float tensor, to frames (S, D), a float tensor.
        form: The way it is called, in words.
        window: The only number of samples it takes, None for any.
        keeps: What must stay in memory while `call` is used.
    """

    call: Call
    form: str
    window: int | None
    keeps: Any


def tensorflow(needed_by: str) -> Any:
    """TensorFlow, without its start-up lines."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return require("tensorflow", extra="tf", needed_by=needed_by)


def load(folder: Path, *, key: str, threads: int = 1) -> Opened:
    """A SavedModel, with the form it takes and the output that is wanted.

    Args:
        folder: Where `saved_model.pb` is.
        key: A key of the output dictionary, a number of a tuple, the name of an operation inside; empty for a model with
            one output, or one called `embedding`.
        threads: Of the processor.

    Raises:
        ModelError: It cannot be loaded or called, or has no such output; the message lists those there are.
    """
    tf = tensorflow(f"savedmodel/{folder}")
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        pass  # TensorFlow is at work in this process already, and keeps its threads
    try:
        model = tf.saved_model.load(str(folder))
    except (OSError, ValueError, RuntimeError, tf.errors.OpError) as error:
        raise ModelError(
            f"{folder} cannot be loaded by TensorFlow ({_line(error)}): export or copy it again"
        ) from error
    window = _fixed_length(model)
    form, call, outputs = _form(tf, model, folder=folder, samples=window or RATE)
    pick = _picker(outputs, key)
    if pick is None:
        inner = _inner(tf, call, key=key, folder=folder, outputs=outputs, window=window)
        return Opened(call=lambda w_T: _frames(tf, inner(w_T), whole=True), form=form, window=window, keeps=model)
    return Opened(call=lambda w_T: _frames(tf, pick(call(w_T))), form=form, window=window, keeps=model)


def run(opened: Opened, waveform_T: NDArray[np.float32]) -> NDArray[np.float32]:
    """The frames (S, D) of a clip (T,)."""
    import tensorflow as tf

    return np.asarray(opened.call(tf.constant(waveform_T)).numpy(), dtype=np.float32)


def _fixed_length(model: Any) -> int | None:
    specs = [spec for signature in model.signatures.values() for spec in _inputs(signature).values()]
    lengths = {spec.shape[-1] for spec in specs if spec.shape.rank}
    return int(next(iter(lengths))) if len(lengths) == 1 and None not in lengths else None


def _inputs(signature: Any) -> dict[str, Any]:
    named: dict[str, Any] = signature.structured_input_signature[1]
    return named


def _form(tf: Any, model: Any, *, folder: Path, samples: int) -> tuple[str, Call, Any]:
    """The first form that the model bears, and what it gives for a tone."""
    tone_T = tf.constant(0.1 * np.sin(np.arange(samples, dtype=np.float32) / 9))
    reasons = []
    for name, call in _forms(tf, model, folder):
        try:
            return name, call, call(tone_T)
        except (ValueError, TypeError, tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
            reasons.append(f"{name}: {_line(error)}")
    raise ModelError(
        f"{folder} takes neither samples nor samples and a rate, alone or in a batch ({reasons[-1]}): export it with a "
        "float waveform (time) or (batch, time) as its input"
    )


def _forms(tf: Any, model: Any, folder: Path) -> Iterator[tuple[str, Call]]:
    if WAVEFORM in model.signatures:
        yield f"signature {WAVEFORM}", _padded(tf, model.signatures[WAVEFORM])
        return
    whole = model if callable(model) else _only_signature(tf, model, folder)
    for cast, kind in ((lambda w: w, "float"), (lambda w: _int16(tf, w), "int16")):
        yield f"({kind} samples, rate)", lambda w, cast=cast: whole(cast(w), RATE)  # type: ignore[misc]
        yield f"({kind} samples)", lambda w, cast=cast: whole(cast(w))  # type: ignore[misc]
        yield f"(batched {kind} samples, rate)", lambda w, cast=cast: whole(cast(w)[None], RATE)  # type: ignore[misc]
        yield f"(batched {kind} samples)", lambda w, cast=cast: whole(cast(w)[None])  # type: ignore[misc]


def _int16(tf: Any, waveform_T: Any) -> Any:
    return tf.cast(tf.round(tf.clip_by_value(waveform_T, -1.0, 1.0) * INT16), tf.int16)


def _padded(tf: Any, signature: Any) -> Call:
    names = [name for name in _inputs(signature) if name != WAVEFORM]

    def call(waveform_T: Any) -> Any:
        batch_BT = waveform_T[None]
        return signature(**{WAVEFORM: batch_BT} | {name: tf.zeros_like(batch_BT) for name in names})

    return call


def _only_signature(tf: Any, model: Any, folder: Path) -> Callable[..., Any]:
    """What a model that is no function offers instead: its one signature, called in order."""
    names = [name for name in model.signatures if not name.startswith("_")]
    if len(names) != 1:
        there = f"the signatures {', '.join(sorted(names))}" if names else "no signature"
        raise ModelError(
            f"{folder} cannot be called itself and has {there}: one is needed, or one named {WAVEFORM}; export it again, "
            "with tf.saved_model.save(module, path, signatures=...)"
        )
    signature = model.signatures[names[0]]
    specs = sorted(_inputs(signature).items(), key=lambda item: not item[1].shape.rank)  # samples before the rate

    def call(samples: Any, *rate: int) -> Any:
        if len(specs) != 1 + len(rate):
            raise TypeError(f"the signature {names[0]} takes {len(specs)} inputs")
        rates = {name: tf.fill([1] * (spec.shape.rank or 0), tf.cast(RATE, spec.dtype)) for name, spec in specs[1:]}
        return signature(**{specs[0][0]: samples} | rates)

    return call


def _picker(outputs: Any, key: str) -> Call | None:
    """Takes one output of all; None where the key is none of them."""
    if isinstance(outputs, dict):
        known = key or ("embedding" if "embedding" in outputs else next(iter(outputs)) if len(outputs) == 1 else "")
        return (lambda out: out[known]) if known in outputs else None
    if isinstance(outputs, list | tuple):
        number = int(key) if key.isdigit() else 0 if not key and len(outputs) == 1 else -1
        return (lambda out: out[number]) if 0 <= number < len(outputs) else None
    return (lambda out: out) if key in {"", "0"} else None


def _inner(tf: Any, call: Call, *, key: str, folder: Path, outputs: Any, window: int | None) -> Call:
    """A function that gives what an operation inside computes; its name may be given by its last pieces."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    spec = tf.TensorSpec([window], tf.float32, name=WAVEFORM)
    frozen = convert_variables_to_constants_v2(tf.function(call, input_signature=[spec]).get_concrete_function())
    names = [operation.name for operation in frozen.graph.get_operations()]
    found = [name for name in names if key and (name == key or name.endswith(f"/{key}"))]
    if len(found) != 1:
        raise ModelError(_no_output(folder, key, outputs=outputs, found=found))
    pruned = frozen.prune(frozen.inputs[0].name, f"{found[0]}:0")
    inner: Call = pruned
    return inner


def _no_output(folder: Path, key: str, *, outputs: Any, found: list[str]) -> str:
    if found:
        return f"{folder} has {len(found)} operations named {key!r}, {found[0]} among them: give more of the name"
    keys = (
        sorted(outputs)
        if isinstance(outputs, dict)
        else [str(number) for number in range(len(outputs))]
        if isinstance(outputs, list | tuple)
        else []
    )
    if not keys:
        return f"{folder} gives one output and has no {key!r}: leave the key out"
    if not key:
        return f"{folder} gives the outputs {', '.join(keys)}: say which, savedmodel/PATH:{keys[0]}"
    return f"{folder} has no output {key!r}, nor an operation of that name: {did_you_mean(key, keys)}" + (
        "" if did_you_mean(key, keys).startswith("there are") else f"; there are {', '.join(keys)}"
    )


def _frames(tf: Any, output: Any, *, whole: bool = False) -> Any:
    """An output as frames (S, D): sizes of one go; of an inner operation all but the first axis is flattened."""
    values = tf.cast(output, tf.float32)
    if whole and values.shape.rank not in {None, 0, 1, 2}:
        return tf.reshape(values, [tf.shape(values)[0], int(np.prod(values.shape[1:]))])
    if values.shape.rank == 1:
        return values[None]
    if values.shape.rank is not None and values.shape.rank > 2:
        single = [axis for axis, size in enumerate(values.shape[:-1]) if size == 1]
        values = tf.squeeze(values, single[: values.shape.rank - 2])
    if values.shape.rank != 2:
        raise ModelError(
            f"an output of shape {output.shape} is neither frames (time, dim) nor a vector: choose another key"
        )
    return values


def _line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]
