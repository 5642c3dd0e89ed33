"""The convolutional nets: published sizes, seeds, layers, training, and ONNX of any batch and length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from noss import shelf
from noss.errors import ModelError
from noss.models import _patch_net
from noss.models._efficientnet import SIZES, V2_SIZES, EfficientNet, widths
from noss.models._mobilenet import YAMNET_NORM, MobileNetV1, MobileNetV3
from noss.models._resnet import ResNet, Trill
from noss.models._vgg import Vgg
from noss.pipeline._models import open_model

PARTS = ["efficientnet", "efficientnet_v2", "mobilenet_v1", "mobilenet_v3", "resnet50", "resnetish", "vgg"]
CHOICES = [(part, choice) for part in PARTS for choice in shelf.load("models", part).CARDS]
SMALL = [
    "mobilenet_v3/tiny-0.5",
    "mobilenet_v1/yamnet",
    "mobilenet_v1/trill_distilled",
    "efficientnet/b0",
    "efficientnet_v2/b0",
    "resnetish",
]
BIG = ["resnet50", "resnet50/layer19", "efficientnet_v2/s", "vgg"]


def build(name: str, **options: object) -> nn.Module:
    part, _, choice = name.partition("/")
    module: nn.Module = shelf.load("models", part).build(choice, **options)
    return module


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.fixture
def on_meta(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules are made without their numbers."""
    monkeypatch.setattr(_patch_net, "seeded", lambda make, *, seed: make())
    with torch.device("meta"):
        yield


@pytest.mark.parametrize("part", PARTS)
def test_cards_count_the_parameters(part: str, on_meta: None) -> None:
    cards = shelf.load("models", part).CARDS
    found = {choice: count(build(f"{part}/{choice}")) for choice in cards}
    assert found == {choice: card.num_parameters for choice, card in cards.items()}


# Trainable parameters with three channels and 1,000 classes, as torchvision's documentation has them; V2-B0 to B3 and
# MobileNetV1: Keras' models of that name.
V1 = (5_288_548, 7_794_184, 9_109_994, 12_233_232, 19_341_616, 30_389_784, 43_040_704, 66_347_960)
V2 = (7_139_704, 8_141_052, 10_096_086, 14_358_406, 21_458_488, 54_139_356, 118_515_272)
PUBLISHED: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    "MobileNetV1": (lambda: MobileNetV1(channels=3), 1024, 4_231_976),
    "MobileNetV3-small": (lambda: MobileNetV3("small", width=1.0, bottleneck=None, channels=3), 1024, 2_542_856),
    "MobileNetV3-large": (lambda: MobileNetV3("large", width=1.0, bottleneck=None, channels=3), 1280, 5_483_032),
    "ResNet-50": (lambda: ResNet(channels=3), 2048, 25_557_032),
}
for version, known, numbers in ((1, SIZES, V1), (2, V2_SIZES, V2)):
    for (key, width), number in zip(widths(list(known), version=version).items(), numbers, strict=True):
        make = partial(EfficientNet, known[key], channels=3, version=version)
        PUBLISHED[f"EfficientNetV{version}-{key}"] = (make, width, number)
QUICK = {"MobileNetV1", "MobileNetV3-small", "MobileNetV3-large", "ResNet-50", "EfficientNetV1-b0", "EfficientNetV2-b0"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in PUBLISHED]
)
def test_nets_for_photographs_have_the_published_number_of_parameters(name: str) -> None:
    make, width, published = PUBLISHED[name]
    with torch.device("meta"):
        assert count(make()) + 1000 * (width + 1) == published


@pytest.mark.parametrize(
    ("name", "make", "millions"),
    [
        # arXiv 2110.04621, table 1 (24.5: cut off, not rounded)
        ("TRILL", Trill, 24.55),
        ("FRILL", lambda: MobileNetV3("small", width=2.0), 10.10),
        # tensorflow/models, research/audioset/yamnet: 3.7 million weights, with its layer of 521 classes
        ("YAMNet", lambda: nn.Sequential(MobileNetV1(batch_norm=YAMNET_NORM), nn.Linear(1024, 521)), 3.73),
        # harritaylor/torchvggish
        ("VGGish", Vgg, 72.14),
    ],
)
def test_speech_nets_have_the_published_number_of_parameters(
    name: str, make: Callable[[], nn.Module], millions: float
) -> None:
    with torch.device("meta"):
        assert count(make()) / 1e6 == pytest.approx(millions, abs=0.005)


@pytest.mark.parametrize(
    ("name", "millions"), [("efficientnet_v2/b1", 8.1), ("efficientnet_v2/s", 21.5), ("resnetish", 5.0)]
)
def test_trillssons_students_have_the_published_number_of_parameters(name: str, millions: float) -> None:
    """Source: arXiv 2203.00236, table 3, TRILLsson2, 3 and 1."""
    part, _, choice = name.partition("/")
    assert shelf.load("models", part).CARDS[choice].num_parameters / 1e6 == pytest.approx(millions, abs=0.075)


def test_layer_19_of_the_audio_resnet_is_6_x_4_x_512_and_a_part_of_the_whole() -> None:
    """Layer 19 is the output of the last stage's first normalisation, channels last."""
    whole, part = Trill().eval(), Trill(layer19=True).eval()
    missing = part.load_state_dict(whole.state_dict(), strict=False).missing_keys
    seen: list[Tensor] = []
    narrow = whole.get_submodule("resnet.stages.3.0.narrow")
    narrow.register_forward_hook(lambda module, inputs, output: seen.append(output))
    image = torch.randn(1, 1, 96, 64)
    with torch.inference_mode():
        vector, layer = whole(image), part(image)
    assert missing == []
    assert seen[0].shape == (1, 512, 6, 4)
    torch.testing.assert_close(layer, seen[0].permute(0, 2, 3, 1).reshape(1, 12_288))
    assert vector.norm().item() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "dim"),
    [
        ({"bottleneck": None}, 1024),
        ({"bottleneck": 64}, 64),
        ({"average_pool": False, "bottleneck": None}, 6 * 1024),
        ({"average_pool": False}, 2048),
    ],
)
def test_a_searched_net_is_as_wide_as_its_card_says(options: dict[str, int | bool | None], dim: int) -> None:
    model = open_model("mobilenet_v3/small-0.5", **options)
    frames_BLSD, frame_lengths_B = model.build()(torch.zeros(1, 16_000), torch.tensor([16_000]))
    assert (model.card.dim, frames_BLSD.shape, frame_lengths_B.tolist()) == (dim, (1, 1, 1, dim), [1])


def test_batch_norm_of_a_searched_net_keeps_as_much_of_the_past_as_it_is_told() -> None:
    kept = {
        momentum: {
            round(1 - part.momentum, 6)
            for part in build("mobilenet_v3/tiny-0.5", **options).modules()
            if isinstance(part, nn.BatchNorm2d) and part.momentum is not None
        }
        for momentum, options in ((0.999, {}), (0.9, {"momentum": 0.9}))
    }
    assert kept == {0.999: {0.999}, 0.9: {0.9}}


def test_a_wide_net_without_bottleneck_is_as_wide_as_its_card_says(on_meta: None) -> None:
    net = build("mobilenet_v3/large-1.5", bottleneck=None).get_submodule("net")
    assert open_model("mobilenet_v3/large-1.5", bottleneck=None).card.dim == net(torch.zeros(1, 1, 96, 64)).shape[1]


def test_an_unknown_size_is_refused_with_a_hint() -> None:
    with pytest.raises(ModelError, match=r"no size and width 'smal-2.0': did you mean small-2.0"):
        open_model("mobilenet_v3/smal-2.0")


def test_the_seed_draws_the_weights_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    one, same, other = (build("mobilenet_v3/tiny-0.5", seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one[key], same[key]) for key in one)
    weights = [key for key in one if one[key].ndim > 1]
    assert not any(torch.equal(one[key], other[key]) for key in weights)


@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(name, marks=pytest.mark.slow) for name in BIG)])
def test_training_reaches_every_parameter(name: str) -> None:
    module = build(name).train()
    generator = torch.Generator().manual_seed(0)
    frames_BLSD, _ = module(0.1 * torch.randn(3, 32_000, generator=generator), torch.tensor([32_000] * 3))
    (frames_BLSD * torch.randn(frames_BLSD.shape, generator=generator)).sum().backward()
    idle = [key for key, weight in module.named_parameters() if weight.grad is None or not weight.grad.abs().max() > 0]
    assert idle == []


def test_a_dropped_block_hands_on_its_input_and_a_kept_one_is_scaled_up() -> None:
    from noss.models._conv import DropPath

    torch.manual_seed(0)
    kept_N = DropPath(0.25).train()(torch.ones(4000, 1, 1, 1))[:, 0, 0, 0]
    assert sorted(set(kept_N.tolist())) == [0.0, pytest.approx(4 / 3)]
    assert kept_N.mean().item() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("name", ["mobilenet_v1/yamnet", "resnetish"])
def test_patches_in_blocks_give_what_they_give_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, waveform_BT = build(name), 0.1 * torch.randn(2, 80_000)
    lengths_B = torch.tensor([80_000, 41_000])
    with torch.inference_mode():
        at_once, _ = module(waveform_BT, lengths_B)
        monkeypatch.setattr(_patch_net, "BLOCK", 3)
        in_blocks, _ = module(waveform_BT, lengths_B)
    torch.testing.assert_close(in_blocks, at_once, atol=1e-5, rtol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("name", ["mobilenet_v1/yamnet", "mobilenet_v3/tiny-0.5", "efficientnet_v2/b0", "resnetish"])
@pytest.mark.filterwarnings("ignore")
def test_onnx_gives_the_same_at_any_batch_and_length(name: str, tmp_path: Path) -> None:
    module, dynamic = build(name), torch.export.Dim.DYNAMIC
    example = (torch.zeros(2, 50_000), torch.tensor([50_000, 45_000]))
    shapes = ({0: dynamic, 1: dynamic}, {0: dynamic})
    torch.onnx.export(
        module, example, tmp_path / "net.onnx", dynamo=True, dynamic_shapes=shapes, verbose=False, optimize=False
    )
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]
    generator = np.random.default_rng(0)
    for lengths in ([100], [48_000, 500, 16_000], [70_003]):
        waveform_BT = np.zeros((len(lengths), max(lengths)), np.float32)
        for row, length in zip(waveform_BT, lengths, strict=True):
            row[:length] = 0.1 * generator.standard_normal(length)
        inputs = (waveform_BT, np.array(lengths))
        found = session.run(None, dict(zip(names, inputs, strict=True)))
        with torch.inference_mode():
            expected = [tensor.numpy() for tensor in module(*map(torch.from_numpy, inputs))]
        np.testing.assert_array_equal(found[1], expected[1])
        np.testing.assert_allclose(found[0], expected[0], rtol=0, atol=1e-4 * max(1.0, np.abs(expected[0]).max()))
