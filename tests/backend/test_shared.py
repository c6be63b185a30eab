"""`shared` in the back end: one module for all uses, from the first draw of its weights to the exported file."""

import copy
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, numpy_helper
from safetensors.torch import load_file
from torch import nn

from specc.backend.build import Net, build
from specc.backend.evaluation.not_finite import Watch
from specc.backend.initialize import initialize
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.export import export_run
from specc.backend.onnx.first_divergence import find_parting
from specc.backend.onnx.lower import lower
from specc.backend.onnx.verify import verify
from specc.backend.onnx.write import Written
from specc.backend.probe import probe
from specc.check import check
from specc.ir.signal import predict
from specc.ops.signal import Moments
from specc.source import Source
from tests.helpers.checking import fine, net
from tests.helpers.small_run import begin, same_weights

CBAM = """
data { source = digits; augment = shift(1) }

block cbam(c) {
  shared mlp = conv(c // 2, 1x1) -> relu -> conv(c, 1x1)
  multiply {
    | identity
    | add { | global_avg_pool -> mlp | global_max_pool -> mlp } -> sigmoid
  }
}

shared unit = conv(8) -> batch_norm -> relu

network Recurrent {
  conv(8) -> batch_norm -> relu
  repeat(2) { unit -> dropout(10%) }
  cbam(8)
  max_pool(2) -> unit
  global_avg_pool -> dense(10, init=he_normal)
}

train {
  epochs     = 2
  batch      = 64
  optimizer  = adam(lr=1e-2)
  regularize = l2(1e-4)
  ema        = 0.9
  seed       = 3
}
"""
KEYS = {"unit1.conv1.weight", "cbam1.mlp1.conv1.weight", "cbam1.mlp1.conv2.bias", "unit1.batch_norm1.running_mean"}


def conv_of(model: Net, name: str) -> nn.Conv2d:
    layer = model.layers[name]
    assert isinstance(layer, nn.Conv2d)
    return layer


def built(body: str, before: str = "") -> Net:
    net_ = build(fine(net(body, before)).graph)
    initialize(net_, seed=1)
    return net_


def test_one_module_is_called_at_each_use():
    model = built("m -> relu -> m", "shared m = conv(8, bias=true)")
    assert list(model.state_dict()) == ["m1.conv1.weight", "m1.conv1.bias"]
    assert len(list(model.parameters())) == 2
    assert model.layers["m1.conv1"] is model.layers["m2.conv1"]
    x = torch.randn(2, 8, 16, 16, requires_grad=True)
    conv = conv_of(model, "m1.conv1")
    weight, bias = conv.weight.detach().clone().requires_grad_(), conv.bias
    expected = F.conv2d(F.relu(F.conv2d(x, weight, bias, padding=1)), weight, bias, padding=1)
    given = model(x)
    assert torch.equal(given, expected)
    given.square().sum().backward()
    expected.square().sum().backward()
    assert conv.weight.grad is not None
    assert weight.grad is not None
    assert torch.allclose(conv.weight.grad, weight.grad, rtol=1e-5)
    twin = copy.deepcopy(model)
    assert twin.layers["m1.conv1"] is twin.layers["m2.conv1"]


def test_weights_are_drawn_once_and_as_the_first_use_alone_would_be():
    before = "shared m = conv(8, init=he_normal)"  # what `auto` chooses depends on all uses
    once, twice = built("m", before), built("m -> m", before)
    assert torch.equal(once.state_dict()["m1.conv1.weight"], twice.state_dict()["m1.conv1.weight"])


def test_statistics_are_updated_at_each_use():
    model = built("m -> scale(3) -> m", "shared m = batch_norm(momentum=0.5)")
    x = torch.randn(4, 8, 16, 16) + 1
    model(x)
    mean = model.state_dict()["m1.batch_norm1.running_mean"]
    first = 0.5 * x.mean(dim=(0, 2, 3))
    assert torch.allclose(mean, 0.5 * first, atol=1e-5), "the second use sees a mean of 0"


def test_dropout_draws_differ_by_use():
    model = built("concat { | m | m }", "shared m = dropout(50%)")
    torch.manual_seed(0)
    one, two = model(torch.ones(1, 8, 16, 16)).chunk(2, dim=1)
    assert not torch.equal(one, two)


def test_frozen_shared_norms_rest_at_each_use():
    model = built("m -> m", "shared m = conv(8) -> batch_norm")
    model.rest(["m1.batch_norm1"])
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.train()(torch.randn(4, 8, 16, 16))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_hooks_know_which_use_runs():
    model = built("m -> m -> m", "shared m = conv(8) -> relu")
    seen: list[str] = []
    model.hook_uses(lambda name: lambda module, given, out: seen.append(name))
    for _ in range(2):
        model(torch.randn(2, 8, 16, 16))
    assert seen == ["m1.conv1", "m1.relu1", "m2.conv1", "m2.relu1", "m3.conv1", "m3.relu1"] * 2


def test_the_use_at_which_numbers_end_is_named():
    model = built("m -> m -> m", "shared m = conv(8)")
    with torch.no_grad():
        conv_of(model, "m1.conv1").weight.fill_(1e25)
    watch = Watch(model, gradients=False)
    with watch.hooked():
        model(torch.ones(1, 8, 16, 16))
    assert "`m2.conv1`" in watch.first


def test_the_gradient_of_a_shared_kernel_is_predicted_as_a_sum():
    graph = fine(net("conv(8) -> m -> m -> conv(8)", "shared m = conv(8)")).graph
    plain = fine(net("conv(8) -> m -> m -> conv(8)", "let m = conv(8)")).graph
    images = Moments(0.0, 1.0, 0.1, 0.0)
    shared, apart = predict(graph, images).kernels, predict(plain, images).kernels
    assert list(shared) == [1, 2, 4]
    assert shared[1] == pytest.approx(apart[1])
    assert shared[2] == pytest.approx((apart[2] ** 2 + apart[3] ** 2) ** 0.5)


def test_probe_measures_each_use_and_each_kernel_once():
    checked = check(Source("net.cnn", CBAM))
    layers = {layer.name: layer for layer in probe(checked, device="cpu").layers}
    assert layers["unit1.conv1"].rms and layers["unit1.conv1"].predicted
    assert layers["unit2.conv1"].rms is None
    assert layers["unit2.conv1"].gives != layers["unit1.conv1"].gives
    assert layers["unit3.conv1"].flow


@pytest.mark.parametrize("use", ["m1.conv1", "m2.conv1", "m3.conv1"])
def test_the_use_at_which_an_exported_file_parts_is_named(use):
    model = built("m -> m -> m", "shared m = conv(8, bias=false) -> relu").eval()
    g = Builder(20)
    images = g.input("images", TensorProto.FLOAT, ["N", 8, 16, 16])
    state = {key: value.numpy() for key, value in model.state_dict().items()}
    lowered = lower(model.graph, state, g, images)
    g.output(g.node("Identity", [lowered.logits], name="logits"), ["N", 8, 16, 16])
    file = g.model("Net")
    written = Written(file, lowered.values, lowered.folded, {})
    pixels = np.ones((1, 8, 16, 16), np.float32)
    assert find_parting(written, model, nn.Identity(), pixels, 1e-5) is None
    [node] = [node for node in file.graph.node if node.name == use]
    file.graph.initializer.append(numpy_helper.from_array(2 * state["m1.conv1.weight"], "other"))
    node.input[1] = "other"
    parting = find_parting(written, model, nn.Identity(), pixels, 1e-5)
    assert parting is not None
    assert parting.node is not None
    assert parting.node.name == use


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    return begin(text=CBAM, out=folder / "run", device="cpu").path


def test_a_training_with_shared_layers(run, tmp_path):
    weights = load_file(run / "best.safetensors")
    assert weights.keys() >= KEYS
    assert not any(key.startswith(("unit2", "unit3", "cbam1.mlp2")) for key in weights)
    again = begin(text=CBAM, out=tmp_path / "run", device="cpu").path
    assert same_weights(run, again)


def test_the_exported_files_have_the_weights_once(run):
    made = export_run(run, device="cpu", precisions=["fp16", "int8"])
    assert len(made) == 3
    model = onnx.load(run / "model.onnx")
    kernels = [tensor for tensor in model.graph.initializer if tensor.name == "unit1.conv1.weight"]
    assert len(kernels) == 1
    users = [node for node in model.graph.node if "unit1.conv1.weight" in node.input]
    assert [node.name for node in users] == ["unit1.conv1", "unit2.conv1", "unit3.conv1"]
    assert sum(np.prod(tensor.dims) == 8 * 8 * 3 * 3 for tensor in model.graph.initializer) == 1
    for one in made:
        assert verify(one.path, device=torch.device("cpu")).passed
