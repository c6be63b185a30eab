"""`head` and `backbone`: between them all weights, in every network, and each one once."""

from pathlib import Path

import pytest

from specc.check import check
from specc.check.zoo import compiled
from specc.ir.graph import Graph
from specc.ir.weights import selected, weights_of
from specc.source import Source
from specc.zoo import families

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.cnn"))
BODY = "conv(4) -> batch_norm -> relu"
ENDS = {
    "dense": (f"{BODY} -> global_avg_pool -> dense(10)", "dense1.weight dense1.bias"),
    "two dense layers": (f"{BODY} -> flatten -> dense(8) -> relu -> dense(10)", "dense2.weight dense2.bias"),
    "C x 1 x 1": (f"{BODY} -> global_avg_pool -> conv(10, 1x1, bias=true)", "conv2.weight conv2.bias"),
    "pooled at the end": (f"{BODY} -> conv(10, 1x1) -> global_avg_pool", "conv2.weight conv2.bias"),
    "auxiliary": (
        f"{BODY}\nhead(early, weight=0.3) {{ conv(2) -> global_avg_pool -> dense(10) }}\nglobal_avg_pool -> dense(10)",
        "early.conv1.weight early.conv1.bias early.dense1.weight early.dense1.bias dense1.weight dense1.bias",
    ),
    "a map": (f"{BODY} -> conv(8) -> relu -> conv(3, 1x1)", "conv3.weight conv3.bias"),
    "an enlarged map": (f"{BODY} -> conv(3, 1x1) -> upsample(2)", "conv2.weight conv2.bias"),
}


def graph_of(text: str) -> Graph:
    checked = check(Source("net.cnn", text))
    assert checked.graph is not None, checked.errors
    return checked.graph


def picked(graph: Graph, selector: str) -> list[str]:
    return [weight.name for weight in selected([selector], weights_of(graph))]


def is_partition(graph: Graph) -> bool:
    head, backbone = picked(graph, "head"), picked(graph, "backbone")
    everything = [weight.name for weight in weights_of(graph)]
    return bool(head and backbone) and sorted(head + backbone) == sorted(everything)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_they_are_all_weights_of_an_example(path: Path) -> None:
    assert is_partition(graph_of(path.read_text()))


@pytest.mark.parametrize("family", families())
def test_they_are_all_weights_of_the_smallest_of_a_family_of_the_zoo(family: str) -> None:
    graphs = (compiled(model)[0] for model in families()[family].models)
    assert is_partition(min(graphs, key=lambda graph: graph.parameters))


@pytest.mark.parametrize("end", ENDS)
def test_the_head_is_what_answers(end: str) -> None:
    body, head = ENDS[end]
    graph = graph_of(f"network Net {{ input(3, 16x16)\n{body} }}")
    assert is_partition(graph) and picked(graph, "head") == head.split()


def test_a_block_takes_the_name_over() -> None:
    """And the other part keeps its own."""
    graph = graph_of(
        "block head { conv(4) -> relu }\nnetwork Net { input(3, 8x8); head -> conv(2) -> flatten -> dense(10) }"
    )
    assert picked(graph, "head") == ["head1.conv1.weight", "head1.conv1.bias"]
    assert picked(graph, "backbone") == ["head1.conv1.weight", "head1.conv1.bias", "conv1.weight", "conv1.bias"]


@pytest.mark.parametrize("end", ENDS)
def test_groups_and_freeze_take_them(end: str) -> None:
    """Discriminative rates, and a backbone that is frozen at first; nothing else is picked, and nothing twice."""
    train = "groups = [group(backbone, scale=0.1), group(head, lr=1)]; freeze = freeze(backbone, until=1)"
    text = f"network Net {{ input(3, 16x16)\n{ENDS[end][0]} }}\ntrain {{ {train} }}"
    checked = check(Source("net.cnn", text))
    assert not checked.errors
    again = check(Source("net.cnn", text), sets=["train.groups=[group(head, backbone), group(kernels)]"])
    assert [error.code for error in again.errors] == ["E225"]
