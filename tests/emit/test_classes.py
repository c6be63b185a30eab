"""Which classes a network becomes, how they are called, and what names they avoid."""

import os
import re
from pathlib import Path
from random import Random

import pytest
from torch import nn

from specc.check import check
from specc.emit.names import OF_MODULES
from specc.source import Source

TRIED = int(os.environ.get("SPECC_FUZZ", "50"))
EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def example(name: str) -> str:
    return (EXAMPLES / f"{name}.cnn").read_text(encoding="utf-8")


def test_a_block_is_one_class_with_arguments(emitted):
    found = emitted(example("resnet50"))
    assert found.classes == ["Unit", "Bottleneck", "ResNet"]
    assert "def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:" in found.text
    assert "self.unit2 = Unit(c // 4, c // 4, kernel=3, stride=stride)" in found.text
    assert "self.bottleneck4 = Bottleneck(256, 512, stride=2)" in found.text


def test_a_part_that_some_calls_leave_out_is_a_condition(emitted):
    text = emitted(example("resnet20_cifar10")).text
    assert "self.projects = in_channels != c" in text
    assert "        if self.projects:\n            x = self.shortcut1(x)\n" in text


def test_a_block_that_calls_itself_is_a_class_that_does(emitted):
    found = emitted(example("unet"))
    assert found.classes == ["Double", "Level", "UNet"]
    assert "self.level1 = Level(c, 2 * c, depth=depth - 1)" in found.text


def test_many_calls_in_a_row_are_a_loop(emitted):
    text = emitted(example("densenet121")).text
    assert 'for i in range(7, 19):\n            self.add_module(f"layer{i}", Layer(128 + 32 * (i - 7)))' in text
    assert 'for i in range(7, 19):  # 512 x 28 x 28\n            x = self.get_submodule(f"layer{i}")(x)' in text
    assert len(text.splitlines()) < 90


def test_arguments_are_those_of_the_call(emitted):
    text = emitted(example("googlenet")).text
    assert "self.inception1 = Inception(192, 64, 96, 128, 16, 32, 32)" in text
    assert "return torch.cat([branch1, branch2, branch3, branch4], dim=1)" in text


def test_heads_in_training_only(emitted):
    found = emitted(example("googlenet"))
    assert "aux1 = self.aux1(x) if self.training else None" in found.text
    assert 'return x, {"aux1": aux1, "aux2": aux2}' in found.text


def test_structures_that_differ_are_classes_of_their_own(emitted):
    body = "block u(c, act) { conv(c) -> act }\nnetwork N { input(3, 8x8) -> u(4, relu) -> u(5, tanh) -> u(6, relu) }"
    found = emitted(body)
    assert found.classes == ["U1", "U2", "N"]
    found.computes_the_same()


def test_sizes_that_are_not_square(emitted):
    found = emitted(
        "block u(c, k) { conv(c, k) -> relu }\n"
        "network N { input(3, 9x8) -> u(4, 1x3) -> u(4, 3x1) -> u(6, 5x5) -> u(7, 1x7) }"
    )
    assert "kernel_size=k, padding=(k[0] // 2, k[1] // 2)" in found.text
    assert "u1 = U(3, 4, k=(1, 3))" in found.text
    found.computes_the_same()


def test_a_head_inside_a_block(emitted):
    found = emitted(
        "block u(c) { conv(c) -> relu -> head(early) { global_avg_pool -> dense(2) } -> conv(c) }\n"
        "block v(c) { u(c) -> relu }\n"
        "network N { input(3, 8x8) -> v(4) -> global_avg_pool -> dense(2) }"
    )
    assert "x, early = self.u1(x)" in found.text
    assert "-> tuple[Tensor, Tensor | None]:" in found.text
    found.has_the_same_keys()
    found.computes_the_same()


def test_a_block_that_reads_a_tensor_named_outside(emitted):
    found = emitted(
        "block down { conv(4, stride=2) -> relu -> up }\n"
        "block up { upsample -> concat { | identity | from(whole) } -> conv(3) }\n"
        "network N { input(3, 8x8) -> as(whole) -> conv(5) -> down -> conv(2) }"
    )
    assert "def forward(self, x: Tensor, skip: Tensor) -> Tensor:" in found.text
    found.has_the_same_keys()
    found.computes_the_same()


def test_frozen_layers_stay_frozen(emitted):
    found = emitted("network N { input(3, 8x8) -> conv(4, trainable=false) -> relu -> conv(2) }")
    assert "padding=1).requires_grad_(False)" in found.text
    found.has_the_same_keys()


def test_a_softmax_at_the_end_is_left_to_whoever_asks(emitted):
    found = emitted("block last { dense(3) -> softmax }\nnetwork N { input(4) -> dense(5) -> last }")
    assert "softmax" not in found.text.partition('"""\n')[2] and ".softmax(1)" in found.text
    found.computes_the_same()


@pytest.mark.parametrize("head", ["train", "forward", "class", "x", "self", "torch", "_modules", "half", "early"])
def test_names_of_heads_that_mean_something_else(emitted, head):
    found = emitted(
        f"network N {{ input(3, 8x8) -> conv(4) -> head({head}) {{ global_avg_pool -> dense(2) }}\n"
        "relu -> global_avg_pool -> dense(2) }"
    )
    found.has_the_same_keys()
    found.computes_the_same()


@pytest.mark.parametrize(
    "name", ["__hidden", "_1", "F", "tensor", "Tensor", "none", "N", "drop_path_", "DropPath", "bfloat1", "torch", "nn"]
)
def test_names_of_blocks_that_mean_something_else(emitted, name):
    calls = " -> ".join(f"{name}({c}, 1)" for c in (3, 4, 5, 6, 7, 7, 7, 7))
    found = emitted(
        f"block {name}(lambda, self) {{ conv(lambda) -> drop_path(10%) -> relu }}\n"
        f"network N {{ input(3, 8x8) -> {calls} }}"
    )
    found.has_the_same_keys()
    found.computes_the_same()


def test_parameters_that_mean_something_else(emitted):
    found = emitted(
        "block u(in_channels, F, nn=1) { conv(in_channels) -> conv(F) -> conv(nn * F, groups=nn) }\n"
        "network N { input(3, 8x8) -> u(2, 4) -> u(3, 6, 2) -> u(5, 9, 3) }"
    )
    found.has_the_same_keys()
    found.computes_the_same()


def test_names_of_every_module_are_known():
    assert {name for name in dir(nn.Module()) if not name.startswith("_")} == OF_MODULES


def test_long_lines_are_broken(emitted):
    name = "a_block_with_quite_a_long_name"
    branches = " ".join(f"| {name}({c}, 5)" for c in range(2, 14))
    found = emitted(
        f"block {name}(a_number_of_filters, another_number_of_filters) {{\n"
        "  conv(a_number_of_filters, 1x1) -> conv(another_number_of_filters) -> depthwise_conv(stride=2)\n"
        f"}}\nnetwork N {{ input(3, 8x8) -> concat {{ {branches} }} }}"
    )
    assert max(map(len, found.text.splitlines())) <= 120
    found.computes_the_same()


def test_the_docstring_says_where_it_comes_from(emitted):
    text = "network Net(c=4) { input(3, 8x8) -> conv(c) }\nvariant wide { network.c = 8 }"
    found = emitted(text, name='/home/somebody/secret/ne"t.cnn', variant="wide").text
    assert found.startswith('"""Net, written by `specc emit` from ne\'t.cnn, variant `wide`.\n\n224 parameters.\n')
    assert "somebody" not in found
    assert "13,824 multiply-accumulates for an image of 3 x 8 x 8." in found


UNET_PLUS_PLUS = """
block node(c) { conv(c) -> batch_norm -> relu }
network Net(depth=3, width=4) {
  input(3, 16x16)
  for i in range(depth) {
    if i > 0 { max_pool }
    node(width * 2 ** i) -> as(x[i][0])
  }
  for j in range(1, depth) {
    for i in range(depth - j) {
      concat { | for k in range(j) { | from(x[i][k]) } | from(x[i + 1][j - 1]) -> upsample }
      node(width * 2 ** i) -> as(x[i][j])
    }
  }
  conv(2, 1x1)
}
"""


def test_nested_skips_of_unet_plus_plus(emitted):
    found = emitted(UNET_PLUS_PLUS)
    assert [len(node.inputs) for node in found.graph.nodes if node.op.name == "concat"] == [2, 2, 3]
    assert "torch.cat([x, " in found.text
    assert "[0]" not in found.text
    found.has_the_same_keys()
    found.computes_the_same()


# ---- networks written at random

LAYERS = (
    *("conv(c)", "conv(c, 1x1)", "conv(c, 3x3, stride=s)", "conv(c, k)", "conv(c, 2x2, stride=s)", "batch_norm"),
    *("conv(in.channels, 3x3, groups=in.channels)", "conv(in.channels // 2 + 1, 1x1)", "conv(2 * c, 1x1) -> relu"),
    *("dropout(0.1 * s)", "drop_path(20%)", "max_pool(3, stride=s, padding=1)", "blur_pool", "layer_scale", "prelu"),
    *("channels(0, in.channels // 2 + 1)", "scale(s)", "leaky_relu(0.1 * s)", "group_norm(1)", "relu"),
    *("if s > 1 { conv(c, 2x2) }", "if in.channels != c { conv(c, 1x1) -> batch_norm }", "batch_norm(scale=false)"),
    *("residual { conv(in.channels) -> relu }", "concat { | identity | conv(c) -> relu }", "if wide { conv(c) }"),
    "multiply { | identity | global_avg_pool -> conv(in.channels, 1x1) -> sigmoid }",
    "add { | conv(c) | if in.channels == c { identity } else { conv(c, 1x1) } }",
    "if wide { residual { conv(in.channels) } } else { conv(in.channels) }",
    "as(t) -> conv(c) -> concat { | identity | from(t) }",
    "head(early) { global_avg_pool -> dense(3) }",
    "concat { | identity | for n in [1, 3] { | conv(c, n) -> relu } | if wide { | conv(2, 1x1) | relu } }",
    "for i in range(3) { conv(c + i, 1x1) -> as(x[i]) }\nconcat { for i in range(3) { | from(x[2 - i]) } }",
)
CALLS = ("{n}(c, s, k=k)", "{n}(2 * c, 1, wide=wide)", "repeat(2) {{ {n}(c) }}", "{n}(in.channels)")


def written(random: Random) -> str:
    """Blocks that call each other, and a network that calls them with all sorts of arguments."""
    names: list[str] = []
    text = ""
    for name in ("first", "second", "third")[: random.randrange(1, 4)]:
        layers = [*LAYERS, *(call.format(n=n) for n in names for call in CALLS)]
        body = " -> ".join(random.choice(layers) for _ in range(random.randrange(1, 6)))
        text += f"block {name}(c, s=1, k=3x3, wide=false) {{ {body} }}\n"
        names.append(name)
    body = "\n".join(_call(random, random.choice(names)) for _ in range(random.randrange(1, 7)))
    end = random.choice(("", "global_avg_pool -> dense(4)", "global_avg_pool -> dense(4) -> softmax"))
    return f"{text}network Net {{ input(3, 13x12)\n{body}\n{end}\n}}"


def _call(random: Random, name: str) -> str:
    calls = (
        f"{name}({random.randrange(2, 9)})",
        f"{name}({random.choice((4, 8))}, 2)",
        f"repeat({random.randrange(1, 6)}) {{ {name}(6) }}",
        f"{name}(4, wide=true)",
        f"{name}(5, k={random.choice(('1x1', '1x3', '5x5', '3x1'))})",
        f"for i in range({random.randrange(2, 6)}) {{ {name}(4 + 2 * i) }}",
        f"as(here) -> {name}(4) -> from(here) -> {name}(3)",
        "conv(8) -> batch_norm",
    )
    return random.choice(calls)


def test_networks_written_at_random(emitted):
    made = 0
    for seed in range(TRIED):
        text = written(Random(seed))  # noqa: S311
        checked = check(Source("net.cnn", text))
        if checked.errors or checked.graph is None or checked.graph.parameters > 100_000:
            continue
        made += 1
        found = emitted(text)
        assert max(map(len, found.text.splitlines())) <= 120
        assert len(re.findall(r"^class Net\b", found.text, re.MULTILINE)) == 1
        found.has_the_same_keys()
        found.computes_the_same()
    assert made > TRIED // 2


ENDS = {
    "labels=[sea, sun]": ("dense(2)", "`.sigmoid()` turns them into probabilities", "-> 2, logits."),
    "targets=[x, y]": ("dense(2)", "times `std`, plus `mean`, of `scale`", "-> 2, numbers."),
}


@pytest.mark.parametrize("learned", ENDS)
def test_docstring_says_what_the_network_of_a_task_gives(emitted, learned):
    end, note, shape = ENDS[learned]
    source = emitted(
        f'data {{ source = csv("t.csv", image=file, {learned}) }}\n'
        f"network N {{ input(3, 8x8); conv(4) -> global_avg_pool -> {end} }}\n"
    ).text
    assert note in source and shape in source
