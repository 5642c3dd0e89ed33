"""SavedModels with random weights and the signatures of the published ones, written by TensorFlow."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from noss.errors import ModelError
from noss.models import _savedmodel_convert


def convert_here(folder: Path, *, key: str, out: Path) -> None:
    """What stands for the process of the conversion where many are made: TensorFlow is imported once only."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        status = _savedmodel_convert.main([str(folder), str(out), f"--key={key}"])
    if status:
        raise ModelError(said.getvalue())


def write(kind: str, folder: Path) -> Path:
    """A SavedModel of a kind, the name of a class below."""
    import tensorflow as tf

    module = _modules(tf)[kind]()
    tf.saved_model.save(module, str(folder), signatures=module.signatures() if hasattr(module, "signatures") else None)
    return folder


def _modules(tf: Any) -> dict[str, Any]:
    def spec(*shape: int | None, kind: Any = tf.float32, name: str = "samples") -> Any:
        return tf.TensorSpec(shape, kind, name=name)

    class Net(tf.Module):
        """Patches of 96 frames of 64 bands every 17 frames, to 12,288 and to 512 numbers."""

        def __init__(self) -> None:
            super().__init__()
            draw = np.random.default_rng(0)
            self.mel = tf.constant(np.abs(draw.normal(size=(257, 64))).astype(np.float32) / 50)
            self.kernel = tf.Variable(draw.normal(size=(3, 3, 1, 8)).astype(np.float32) / 3)
            self.dense = tf.Variable(draw.normal(size=(8 * 24 * 16, 64)).astype(np.float32) / 50)

        def patches(self, samples_T: Any) -> Any:
            missing = tf.maximum(0, 16_000 - tf.shape(samples_T)[0])
            spectrum = tf.abs(tf.signal.stft(tf.pad(samples_T, [[0, missing]]), 400, 160, 512))
            return tf.signal.frame(tf.math.log(tf.matmul(spectrum, self.mel) + 1e-3), 96, 17, axis=0)

        def hidden(self, samples_T: Any) -> Any:
            maps = tf.nn.conv2d(self.patches(samples_T)[..., None], self.kernel, 4, "SAME")
            return tf.matmul(tf.nn.relu(tf.reshape(maps, [-1, 8 * 24 * 16])), self.dense, name="hidden")

    class Trill(Net):
        @tf.function(input_signature=[spec(None), spec(kind=tf.int32, name="sample_rate")])
        def __call__(self, samples: Any, sample_rate: Any) -> dict[str, Any]:
            tf.debugging.assert_equal(sample_rate, 16_000)
            hidden = self.hidden(samples)
            top = tf.math.l2_normalize(tf.tile(tf.nn.relu(hidden), [1, 8]), axis=-1)
            return {"embedding": top, "layer19": tf.tile(hidden, [1, 192])}

    class Frill(Net):
        @tf.function(input_signature=[spec(None, None)])
        def __call__(self, samples: Any) -> dict[str, Any]:
            return {"embedding": tf.tile(self.hidden(samples[0]), [1, 32])}

    class Trillsson(Net):
        @tf.function(input_signature=[spec(None, None)])
        def __call__(self, samples: Any) -> dict[str, Any]:
            one = lambda row: tf.reduce_mean(self.hidden(row), axis=0)  # noqa: E731
            return {"embedding": tf.tile(tf.map_fn(one, samples), [1, 16])}

    class Vggish(Net):
        @tf.function(input_signature=[spec(None)])
        def __call__(self, waveform: Any) -> Any:
            hidden = tf.tile(self.hidden(waveform), [1, 64])
            with tf.name_scope("vggish/fc1/fc1_1"):
                inner = tf.nn.relu(hidden, name="Relu")
            return inner[:, :128] - 0.5

    class Integers(Net):
        @tf.function(input_signature=[spec(None, kind=tf.int16)])
        def __call__(self, samples: Any) -> Any:
            return self.hidden(tf.cast(samples, tf.float32) / 32_767.0)

    class BatchAndRate(Net):
        @tf.function(input_signature=[spec(None, None), spec(kind=tf.int32, name="sample_rate")])
        def __call__(self, samples: Any, sample_rate: Any) -> Any:
            return self.hidden(samples[0])[None, :, None, :] * tf.cast(sample_rate, tf.float32) / 16_000.0

    class Fixed(Net):
        @tf.function(input_signature=[spec(16_000)])
        def __call__(self, samples: Any) -> Any:
            return self.hidden(samples)[0]

    class Several(Net):
        @tf.function(input_signature=[spec(None)])
        def __call__(self, samples: Any) -> tuple[Any, Any]:
            hidden = self.hidden(samples)
            return hidden[:, :3], hidden

    class Padded(Net):
        @tf.function(input_signature=[spec(None, None, name="waveform"), spec(None, None, name="paddings")])
        def encode(self, waveform: Any, paddings: Any) -> dict[str, Any]:
            kept = self.hidden(waveform[0] * (1.0 - paddings[0]))[None]
            return {"layer_3": kept, "layer_5": 2.0 * kept}

        def signatures(self) -> dict[str, Any]:
            return {"waveform": self.encode, "other": self.encode}

    class OneSignature(Net):
        @tf.function(input_signature=[spec(None), spec(kind=tf.int32, name="a_rate")])
        def encode(self, samples: Any, a_rate: Any) -> dict[str, Any]:
            return {"embedding": self.hidden(samples) * tf.cast(a_rate, tf.float32) / 16_000.0}

        def signatures(self) -> dict[str, Any]:
            return {"only": self.encode}

    class TwoSignatures(OneSignature):
        def signatures(self) -> dict[str, Any]:
            return {"first": self.encode, "second": self.encode}

    class NoSignature(Net):
        pass

    class NotConvertible(Net):
        @tf.function(input_signature=[spec(None)])
        def __call__(self, samples: Any) -> Any:
            triangle = tf.linalg.cholesky(tf.eye(2) * (1.0 + tf.reduce_mean(samples) ** 2))
            return self.hidden(samples) * tf.linalg.trace(triangle)

    class Drawn(Net):
        @tf.function(input_signature=[spec(None)])
        def __call__(self, samples: Any) -> Any:
            return self.hidden(samples) + tf.random.normal([64])

    class Words(Net):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def __call__(self, text: Any) -> Any:
            return tf.strings.length(text)

    kinds = [Trill, Frill, Trillsson, Vggish, Integers, BatchAndRate, Fixed, Several, Padded, OneSignature]
    kinds += [TwoSignatures, NoSignature, NotConvertible, Drawn, Words]
    return {kind.__name__: kind for kind in kinds}
