"""Trained weights that a network begins with: each tensor loaded, reshaped, new, replaced, ignored or refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from specc.backend.build import Net, build
from specc.backend.run.weights import weights_bytes
from specc.backend.start import load_start, map_start, resolve_start
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source
from tests.helpers.checking import fine

NET = """\
data { source = digits }
network Net {
  conv(4) -> batch_norm -> relu
  layer_scale(0.5)
  global_avg_pool -> dense(10)
}
train { start = weights("w.safetensors"); epochs = 1 }
"""


def network(text: str = NET) -> Net:
    graph = fine(check(Source("net.cnn", text))).graph
    assert graph is not None
    return build(graph)


def tensors(net: Net) -> dict[str, Tensor]:
    """Of the shapes of a network, all different from its own."""
    return {
        name: torch.full_like(value, 7) + torch.arange(value.numel()).reshape(value.shape)
        for name, value in net.state_dict().items()
    }


def start(
    here: Path, values: dict[str, Tensor], text: str = NET, classes: tuple[str, ...] = (), about: Any = None
) -> tuple[Net, list[str]]:
    """Write the values to a file, and begin with them."""
    (here / "w.safetensors").write_bytes(save(values) if about is None else weights_bytes(values, about))
    checked = fine(check(Source("net.cnn", text))).compiled()
    net = build(checked.graph)
    assert checked.train.start is not None
    origin = resolve_start(checked.train.start, here)
    return net, load_start(net, map_start(net.graph, origin, classes), origin)


def refusal(*arguments: Any, **options: Any) -> SpeccError:
    with pytest.raises(SpeccError) as caught:
        start(*arguments, **options)
    return caught.value


def test_all_weights_are_loaded_by_name(tmp_path: Path) -> None:
    values = tensors(network())
    net, notes = start(tmp_path, values)
    assert all(torch.equal(net.state_dict()[name], values[name]) for name in values if "tracked" not in name)
    assert notes == [f"starts from {tmp_path / 'w.safetensors'}: 8 of 8 tensors loaded"]


def test_numbers_of_another_precision_are_converted_and_that_is_said(tmp_path: Path) -> None:
    values = {name: value.half() if value.is_floating_point() else value for name, value in tensors(network()).items()}
    net, notes = start(tmp_path, values)
    assert net.state_dict()["conv1.weight"].dtype == torch.float32
    assert "the weights were converted from float16" in notes


def test_integers_are_no_weights(tmp_path: Path) -> None:
    values = tensors(network()) | {"conv1.weight": torch.ones(4, 1, 3, 3, dtype=torch.int64)}
    assert "int64, not fractions" in str(refusal(tmp_path, values).message)


@pytest.mark.parametrize("shape", [(10, 4, 1, 1), (1, 10, 4), (10, 4)])
def test_the_same_numbers_in_another_shape_are_reshaped(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = tensors(network())
    values["dense1.weight"] = values["dense1.weight"].reshape(shape)
    net, notes = start(tmp_path, values)
    assert torch.equal(net.state_dict()["dense1.weight"], values["dense1.weight"].reshape(10, 4))
    assert ("1 of them reshaped" in notes[0]) == (shape != (10, 4))


def test_a_dense_layer_takes_the_convolution_that_covers_its_input(tmp_path: Path) -> None:
    text = "data { source = digits }\nnetwork N { flatten -> dense(5) -> relu -> dense(10) }\n"
    text += 'train { start = weights("w.safetensors") }'
    values = tensors(network(text))
    kernel = values["dense1.weight"].reshape(5, 1, 8, 8)
    net, _ = start(tmp_path, values | {"dense1.weight": kernel}, text)
    assert torch.equal(net.state_dict()["dense1.weight"], kernel.flatten(1))


@pytest.mark.parametrize(
    ("trained", "now", "is_kept"),
    [
        (["cat", "dog"], ("cat", "dog"), True),
        (["cat", "dog"], ("dog", "cat"), False),
        (["cat", "dog"], ("cat", "cow"), False),
        ([], ("cat", "dog"), True),  # nobody knows
        (["cat", "dog"], (), True),
    ],
)
def test_the_head_is_kept_where_it_answers_with_the_same_classes_in_the_same_order(
    tmp_path: Path, trained: list[str], now: tuple[str, ...], is_kept: bool
) -> None:
    values = tensors(network())
    net, notes = start(tmp_path, values, classes=now, about={"classes": trained})
    assert torch.equal(net.state_dict()["dense1.weight"], values["dense1.weight"]) == is_kept
    assert ("2 replaced by new ones (dense1.weight, dense1.bias)" in notes[0]) != is_kept


def test_a_head_of_another_size_is_replaced(tmp_path: Path) -> None:
    values = tensors(network()) | {"dense1.weight": torch.ones(7, 4), "dense1.bias": torch.ones(7)}
    _, notes = start(tmp_path, values)
    assert "2 replaced by new ones" in notes[0]


def test_what_has_no_place_is_an_error_that_names_it(tmp_path: Path) -> None:
    error = refusal(tmp_path, tensors(network()) | {"conv9.weight": torch.ones(2, 2)})
    assert (error.code, error.status) == ("E498", 1)
    assert "`conv9.weight`: the network has none of this name" in str(error.message)


def test_what_has_another_shape_is_an_error_that_tells_both(tmp_path: Path) -> None:
    error = refusal(tmp_path, tensors(network()) | {"conv1.weight": torch.ones(8, 1, 3, 3)})
    assert error.code == "E498"
    assert "`conv1.weight` has 4 x 1 x 3 x 3 in the network, and 8 x 1 x 3 x 3 in the file" in str(error.message)


def test_what_has_no_place_may_be_skipped_and_is_named(tmp_path: Path) -> None:
    text = NET.replace('safetensors")', 'safetensors", skip_unused=true)')
    _, notes = start(tmp_path, tensors(network()) | {"conv9.weight": torch.ones(2, 2)}, text)
    assert "1 not used (conv9.weight)" in notes[0]


def test_kernels_that_see_colors_do_not_fit_gray_images(tmp_path: Path) -> None:
    error = refusal(tmp_path, tensors(network()) | {"conv1.weight": torch.ones(4, 3, 3, 3)})
    assert "channels = rgb" in error.help


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, {"encoder.weight": torch.ones(3)})
    assert error.code == "E489" and "`conv1.weight` in the network and `encoder.weight` in the file" in error.help


def test_the_hash_in_the_spec_is_held(tmp_path: Path) -> None:
    text = NET.replace('safetensors")', f'safetensors", sha256="{"0" * 64}")')
    assert refusal(tmp_path, tensors(network()), text).code == "E496"


def test_damaged_weights_are_not_started_from(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(weights_bytes(tensors(network()), {})[:-5] + b"12345")
    start_of = fine(check(Source("net.cnn", NET))).compiled().train.start
    assert start_of is not None
    with pytest.raises(SpeccError) as caught:
        resolve_start(start_of, tmp_path)
    assert caught.value.code == "E443"


def test_names_of_another_library_are_recognized(tmp_path: Path) -> None:
    """Those that torchvision and timm give the layers of ResNet."""
    from specc.check.zoo import compiled
    from specc.zoo import naming_of

    graph, naming = compiled("resnet18")[0], naming_of("resnet18", "timm")
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in build(graph).state_dict().items()}
    names = {name: naming.name_of(name) for name in shapes}
    values = {str(names[name]): torch.zeros(shape) for name, shape in shapes.items() if "tracked" not in name}
    (tmp_path / "w.safetensors").write_bytes(save(values))
    start_of = fine(check(Source("net.cnn", NET))).compiled().train.start
    assert start_of is not None
    mapped = map_start(graph, resolve_start(start_of, tmp_path), ())
    assert {one.fate for one in mapped} == {"loaded"} and mapped[0].theirs == "conv1.weight"
