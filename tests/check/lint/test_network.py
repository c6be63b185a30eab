"""W504 to W514: layers that work against each other, or do nothing."""

import pytest

from specc.check import check
from specc.check.fixes import mend
from specc.source import Source
from tests.helpers.linting import codes, linted, net, trained

# ---- W504: a bias before a norm


def mended(text: str) -> str:
    return mend(Source("net.cnn", text), lambda source: check(source, everything=True).diagnostics).source.text


@pytest.mark.parametrize("norm", ["batch_norm", "instance_norm"])
@pytest.mark.parametrize("layer", ["conv(32, bias=true)", "depthwise_conv(bias=true)", "conv_transpose(8, bias=true)"])
def test_a_bias_before_a_norm(layer, norm):
    text = net(f"{layer} -> {norm} -> relu")
    assert codes(text) == ["W504"]
    assert mended(text) == text.replace(", bias=true", "").replace("bias=true", "")


def test_the_bias_of_dense_is_there_unless_it_is_left_out():
    text = net("flatten -> dense(64) -> batch_norm -> relu", end="dense(10)")
    assert codes(text) == ["W504"]
    assert mended(text) == text.replace("dense(64)", "dense(64, bias=false)")


def test_a_default_says_it_on_purpose():
    assert codes(net("default conv(bias=true)\nconv(32) -> batch_norm -> relu")) == []
    text = net("default conv(bias=true)\nconv(32, bias=true) -> batch_norm -> relu")
    [found] = linted(text)
    assert found.code == "W504" and found.fix is None  # without it, the default would hold


@pytest.mark.parametrize("body", ["conv(32, bias=true) -> group_norm(4)", "conv(32, bias=true) -> relu -> batch_norm"])
def test_where_the_bias_counts(body):
    assert codes(net(body)) == []


def test_a_block_that_needs_the_bias_elsewhere():
    block = "block unit(norm) { conv(32, bias=true) -> norm -> relu }\n"
    assert codes(block + net("unit(batch_norm)\nunit(identity)")) == []
    assert codes(block + net("unit(batch_norm)\nunit(instance_norm)")) == ["W504"]


def test_a_bias_that_another_branch_reads():
    assert codes(net("conv(32, bias=true)\nadd { | batch_norm | identity }")) == []


def test_a_variant_without_the_norm_keeps_its_bias():
    text = net("conv(32, bias=true) -> norm -> relu").replace("Net", "Net(norm=batch_norm)")
    text += "variant bare { network.norm = identity }\n"
    graph = check(Source("net.cnn", mended(text)), variant="bare").graph
    assert graph is not None and graph.nodes[1].args.bias is True


# ---- W505 to W507: what stands before the loss


@pytest.mark.parametrize("end", ["dense(10) -> softmax -> dense(10)", "dense(10) -> softmax -> scale(2)"])
def test_a_softmax_within_the_network(end):
    assert codes(net("conv(32) -> relu", end=f"flatten -> {end}")) == ["W505"]


@pytest.mark.parametrize(
    "text",
    [
        net("conv(32) -> relu", end="flatten -> dense(10) -> softmax"),
        net("multiply { | conv(16) | global_avg_pool -> conv(16, 1x1) -> softmax }"),  # attention
    ],
)
def test_where_a_softmax_belongs(text):
    assert codes(text) == []


@pytest.mark.parametrize("end", ["sigmoid", "tanh", "relu", "sigmoid -> softmax", "relu -> softmax"])
def test_an_activation_on_the_logits(end):
    assert codes(trained(end=f"flatten -> dense(10) -> {end}")) == ["W506"]


def test_activations_elsewhere_and_networks_that_are_not_trained():
    assert codes(net("conv(32) -> relu", end="conv(2, 1x1) -> sigmoid")) == []
    squeezed = "conv(10, 1x1) -> relu\nmax_pool(8)"  # as in SqueezeNet: what is averaged last may be a relu's
    assert codes(trained(end=squeezed)) == []


def test_an_activation_on_a_heads_logits():
    head = "head(early) { flatten -> dense(10) -> relu }"
    [found] = linted(trained(f"conv(32) -> relu\n{head}"))
    assert found.code == "W506"


@pytest.mark.parametrize("end", ["dropout(50%)", "dropout(50%) -> softmax", "gaussian_noise(0.1)"])
def test_dropout_on_the_logits(end):
    assert codes(net("conv(32) -> relu", end=f"flatten -> dense(10) -> {end}")) == ["W507"]


def test_dropout_behind_the_last_pool():
    assert codes(net("conv(10, 33x33) -> relu", end="conv(10) -> global_avg_pool -> dropout")) == ["W507"]
    assert codes(net("conv(10, 33x33) -> relu", end="global_avg_pool -> dropout -> dense(10)")) == []


# ---- W508 to W510: norms


@pytest.mark.parametrize("path", ["dropout", "spatial_dropout", "dropout -> relu", "dropout -> max_pool(2)"])
def test_dropout_before_batch_norm(path):
    assert codes(net(f"conv(32) -> {path} -> batch_norm -> relu")) == ["W508"]


@pytest.mark.parametrize(
    "path", ["dropout -> conv(32) -> batch_norm", "dropout -> layer_norm", "batch_norm -> dropout"]
)
def test_dropout_that_no_batch_norm_measures(path):
    assert codes(net(f"conv(32) -> relu -> {path}")) == []


@pytest.mark.parametrize(("batch", "expected"), [(1, ["W509"]), (7, ["W509"]), (8, [])])
def test_batch_norm_with_few_images(batch, expected):
    found = linted(trained("conv(32) -> batch_norm -> relu", train=f"batch = {batch}"))
    assert [d.code for d in found] == expected
    assert all(d.span.text == str(batch) for d in found)
    assert codes(trained("conv(32) -> layer_norm -> relu", train=f"batch = {batch}")) == []
    assert codes(trained("conv(32) -> batch_norm -> relu", train=f"batch = {batch}; freeze = [norms]")) == []


@pytest.mark.parametrize(("groups", "expected"), [(32, ["W510"]), (16, []), (1, [])])
def test_groups_of_one_channel(groups, expected):
    assert codes(net(f"conv(32) -> group_norm({groups}) -> relu")) == expected


def test_one_channel_is_no_group_too_few():
    assert codes(net("group_norm(1) -> conv(32) -> relu", input="input(1, 28x28)")) == []


# ---- W511 to W514: shapes and ways


@pytest.mark.parametrize("body", ["conv(1) -> relu -> conv(8)", "flatten -> dense(1) -> relu -> dense(8)"])
def test_a_bottleneck_of_one_number(body):
    assert codes(net(body)) == ["W511"]


def test_one_number_at_the_end_or_in_a_branch():
    assert codes(net("conv(8) -> relu", end="flatten -> dense(1)")) == []
    assert codes(net("concat { | conv(8) | conv(1) }\nconv(8)")) == []
    assert codes(net("conv(8)", input="input(1, 28x28)")) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("conv(32, 3x3)", ["W512"]),
        ("conv(32, 31x31)", ["W512"]),
        ("conv(32, 33x33)", []),
        ("conv(32, 32x1)", ["W512"]),
        ("flatten -> dense(32)\ndense(8)", []),
    ],
)
def test_a_receptive_field_smaller_than_the_image(body, expected):
    end = "dense(10)" if "flatten" in body else "global_avg_pool -> dense(10)"
    assert codes(net(body, end=end)) == expected


def test_the_pool_of_a_gate_may_see_little():
    gate = "multiply { | identity | global_avg_pool -> conv(8, 1x1) -> sigmoid }"
    assert codes(net(f"conv(8) -> relu\n{gate}")) == []


def test_drop_path_needs_a_way_around():
    assert codes(net("residual { conv(3) -> drop_path(10%) }\nconv(8)")) == []
    assert codes(net("add { | conv(8) -> drop_path(10%) | conv(8, 1x1) }")) == []
    assert codes(net("conv(8) -> drop_path(10%) -> relu")) == ["W513"]
    assert codes(net("residual { conv(3) } -> drop_path(10%) -> relu")) == ["W513"]


def test_each_dead_end_is_one_message():
    [found] = linted(net("conv(8) -> as(a)\nconv(16) -> relu -> conv(4)\nfrom(a) -> relu"))
    assert found.code == "W514" and "2 layers before it" in found.message
    assert found.span.text == "conv(4)"
    two = "conv(8) -> as(a)\nconv(16) -> relu\nfrom(a) -> conv(4)\nfrom(a) -> relu"
    assert codes(net(two)) == ["W514", "W514"]


def test_a_place_in_a_block_tells_how_one_came_there():
    text = "block unit(c) { conv(c, bias=true) -> batch_norm -> relu }\n" + net("repeat(2) { unit(8) }")
    [found] = linted(text)
    assert found.notes == ("in unit(8), called at net.cnn:4:13", "in iteration 1 of `repeat` on line 4")
