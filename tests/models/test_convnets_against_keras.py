"""The convolutional nets compute what Keras' do, with the same random weights, on a patch of 96 frames and 64 bands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras_weights
import numpy as np
import pytest
import torch
from torch import nn

from noss.models._efficientnet import SIZES, V2_SIZES, EfficientNet
from noss.models._mobilenet import MobileNetV1, MobileNetV3
from noss.models._resnet import ResNet

PATCH = (96, 64, 1)
# Other sizes differ from these in their tables and factors, which are compared by themselves.
V1_SLOW = [pytest.param("b2", marks=pytest.mark.slow)]
V2_SLOW = [pytest.param(size, marks=pytest.mark.slow) for size in ("b3", "s")]


def check_equal(model: Any, net: nn.Module, *, scale: float = 1.0, **how: Any) -> None:
    """`scale` undoes what a Keras model that cannot leave it out does to its input."""
    keras_weights.randomise(model)
    keras_weights.copy(model, net.eval(), **how)
    images = np.random.default_rng(1).normal(size=(2, *PATCH)).astype(np.float32)
    expected = np.asarray(model(images * scale, training=False))
    with torch.inference_mode():
        found = net(torch.from_numpy(images.transpose(0, 3, 1, 2))).numpy()
    if found.ndim == 4:
        found = found.transpose(0, 2, 3, 1)
    assert found.shape == expected.shape
    assert 1e-2 < expected.std() < 1e2
    assert np.abs(found - expected).max() <= 1e-4


@pytest.fixture(scope="module")
def applications() -> Any:
    return pytest.importorskip("keras").applications


def headless(make: Callable[..., Any], **how: Any) -> Any:
    return make(include_top=False, weights=None, input_shape=PATCH, **how)


@pytest.mark.parametrize("width", [0.5, 1.0])
def test_mobilenet_v1_equals_keras(applications: Any, width: float) -> None:
    model = headless(applications.MobileNet, alpha=width, pooling="avg")
    check_equal(model, MobileNetV1(width=width))


@pytest.mark.parametrize(
    "choice", ["small-0.5", "small-2.0", *(pytest.param(f"large-{w}", marks=pytest.mark.slow) for w in (0.75, 1.5))]
)
def test_mobilenet_v3_with_bottleneck_equals_keras_with_as_many_classes(applications: Any, choice: str) -> None:
    size, width = choice.split("-")
    make = applications.MobileNetV3Small if size == "small" else applications.MobileNetV3Large
    model = make(
        alpha=float(width),
        weights=None,
        input_shape=PATCH,
        classes=512,
        classifier_activation=None,
        include_preprocessing=False,
    )
    check_equal(model, MobileNetV3(size, width=float(width), bottleneck=512))


@pytest.mark.parametrize("size", ["b0", *V1_SLOW])
def test_efficientnet_equals_keras(applications: Any, size: str) -> None:
    model = headless(getattr(applications, f"EfficientNet{size.upper()}"), pooling="avg")
    check_equal(model, EfficientNet(SIZES[size]), scale=255.0)


@pytest.mark.parametrize("size", ["b0", *V2_SLOW])
def test_efficientnet_v2_equals_keras(applications: Any, size: str) -> None:
    make = getattr(applications, f"EfficientNetV2{size.upper()}")
    model = headless(make, pooling="avg", include_preprocessing=False)
    check_equal(model, EfficientNet(V2_SIZES[size], version=2))


@pytest.mark.parametrize("size", V2_SIZES)
def test_blocks_of_efficientnet_v2_are_those_of_keras(size: str) -> None:
    tables = pytest.importorskip("keras.src.applications.efficientnet_v2").DEFAULT_BLOCKS_ARGS
    names = ("conv_type", "num_repeat", "kernel_size", "strides", "expand_ratio", "output_filters")
    table = tables[f"efficientnetv2-{size}"]
    assert [tuple(stage) for stage in V2_SIZES[size].stages] == [tuple(row[name] for name in names) for row in table]
    assert V2_SIZES[size].stem == table[0]["input_filters"]
    assert [stage.fused for stage in V2_SIZES[size].stages] == [not row["se_ratio"] for row in table]


@pytest.mark.slow
def test_a_resnet_with_a_strided_stem_equals_keras(applications: Any) -> None:
    check_equal(headless(applications.ResNet50), ResNet(stem_stride=2), by_name=True)


@pytest.mark.slow
def test_vgg_equals_the_same_layers_in_keras() -> None:
    keras = pytest.importorskip("keras")
    from noss.models._vgg import GROUPS, Vgg

    layers = [keras.Input(PATCH)]
    for group in GROUPS:
        layers += [keras.layers.Conv2D(filters, 3, padding="same", activation="relu") for filters in group]
        layers.append(keras.layers.MaxPooling2D(2))
    dense = [keras.layers.Dense(size, activation=act) for size, act in ((4096, "relu"), (4096, "relu"), (128, None))]
    check_equal(keras.Sequential([*layers, keras.layers.Flatten(), *dense]), Vgg())


@pytest.mark.slow
def test_tiny_is_small_without_two_blocks_and_with_half_the_last_filters(applications: Any) -> None:
    """Blocks: Keras' own function for them, given the list of google-research's distillation/models.py."""
    v3 = pytest.importorskip("keras.src.applications.mobilenet_v3")

    def stack(x: Any, kernel: int, activation: Any, se_ratio: float) -> Any:
        rows = ((1, 16, 3, 2, se_ratio, v3.relu), (4.5, 24, 3, 2, None, v3.relu), (88 / 24, 24, 3, 1, None, v3.relu))
        middle = ((4, 40, 2), (6, 40, 1), (6, 40, 1), (3, 48, 1), (6, 96, 2), (6, 96, 1))
        blocks = [*rows, *((e, filters, kernel, s, se_ratio, activation) for e, filters, s in middle)]
        for number, (expansion, filters, *rest) in enumerate(blocks):
            x = v3._inverted_res_block(x, expansion, v3._depth(1.5 * filters), *rest, number)
        return x

    model = v3.MobileNetV3(
        stack,
        512,
        input_shape=PATCH,
        alpha=1.5,
        weights=None,
        classes=512,
        classifier_activation=None,
        include_preprocessing=False,
    )
    check_equal(model, MobileNetV3("tiny", width=1.5, bottleneck=512))
