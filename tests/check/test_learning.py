"""What picks no weights is an error when a spec is checked, in every variant."""

import pytest

from specc.check import check
from specc.source import Source

NETWORK = """
block stem(c) { conv(c) -> batch_norm -> relu }
network Net { input(1, 8x8); stem(4) -> conv(4, trainable=false) -> flatten -> dense(10) }
"""


def problems(
    *settings: str, network: str = NETWORK, data: str = "data { source = digits }"
) -> list[tuple[str, str, str]]:
    text = "\n".join([data, network, "train {", *settings, "}"])
    return [(found.code, found.span.text, found.help) for found in check(Source("net.cnn", text)).errors]


@pytest.mark.parametrize(
    "settings",
    [
        "groups = [group(norms.bias, lr=0.05, weight_decay=0), group(stem, scale=0.1), group(kernels, lr=1)]",
        "groups = group(dense1, optimizer=sgd(lr=0.1), weight_decay=0.1, schedule=warmup(1) -> cosine, until=50%)",
        'groups = [group("stem1.conv1.weight", stem1.batch_norm1.bias, lr=1), group(biases)]',
        "freeze = [norms, stem.conv]",
        "freeze = [stem]; optimizer = muon(last=true)",
        "freeze = freeze(stem, dense1.bias)",
        "freeze = freeze(backbone, until=3); groups = [group(backbone, scale=0.1)]",
        "freeze = freeze(backbone, until=25%); optimizer = muon",
        "optimizer = muon(others=lamb(lr=1e-3))",
        "groups = [group(dense1, optimizer=muon(last=true))]",
    ],
)
def test_fine(settings: str) -> None:
    assert problems(settings) == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("freeze = [stm, norms]", [("E224", "stm", "did you mean `stem1`?")]),
        ('freeze = ["dense1.wieght"]', [("E224", '"dense1.wieght"', "did you mean `dense1.weight`?")]),
        ("groups = [group(norms.bais, norms, lr=1)]", [("E224", "norms.bais", "did you mean `norms`?")]),
        ("groups = [group(relu1, lr=1)]", [("E224", "relu1", "")]),
        ("groups = [group(stem, lr=1), group(norms, lr=2)]", [("E225", "norms", "")]),
        ("groups = [group(stem, kernels, norms, lr=1)]", []),
        ("groups = [group(conv1, lr=1)]", [("E225", "conv1", "")]),
        ("freeze = [norms]; groups = [group(norms.bias, lr=1)]", [("E225", "norms.bias", "")]),
        ("groups = [group(biases, optimizer=muon)]", [("E225", "muon", "")]),
        ("groups = [group(stem, lr=1)]; optimizer = muon", [("E225", "muon", "")]),
        ("freeze = freeze(stm, until=3)", [("E224", "stm", "did you mean `stem1`?")]),
        ("freeze = freeze(norms); groups = [group(norms.bias, lr=1)]", [("E225", "norms.bias", "")]),
        ("freeze = freeze(backbone, head, until=3)", [("E446", "freeze(backbone, head, until=3)", "freeze less")]),
        ("freeze = freeze(stem, until=0)", [("E207", "0", "")]),
        ("freeze = freeze(stem, until=0%)", [("E207", "0%", "")]),
        ("freeze = freeze()", [("E206", "freeze()", "")]),
        ("freeze = [stem, dense1]", [("E446", "[stem, dense1]", "freeze less")]),
        (
            "freeze = [kernels, biases, norms, nroms]",
            [("E446", "[kernels, biases, norms, nroms]", ""), ("E224", "nroms", "")],
        ),
        ("evaluate = tta(shift=8)", [("E303", "tta(shift=8)", "at most 7")]),
    ],
)
def test_what_picks_nothing(settings: str, expected: list[tuple[str, str, str]]) -> None:
    found = problems(settings)
    assert [(code, text) for code, text, _ in found] == [(code, text) for code, text, _ in expected]
    assert all(help in given for (_, _, given), (_, _, help) in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("schedule", "span", "says"),
    [
        ("restart -> cosine", "restart", "the first piece"),
        ("restart(epochs=4)", "restart(epochs=4)", "the first piece"),
        ("cosine(epochs=4) -> restart(epochs=4) -> restart(8)", "restart(8)", "a repetition itself"),
        ("step(3) -> restart", "restart", "`step`, which has no length"),
        ("multistep([3]) -> restart(4)", "restart(4)", "`multistep`, which has no length"),
        ("plateau -> restart(4)", "restart(4)", "`plateau`, which has no length"),
    ],
)
def test_nothing_to_repeat(schedule: str, span: str, says: str) -> None:
    for setting in (f"schedule = {schedule}", f"groups = [group(stem, schedule={schedule})]"):
        text = f"{NETWORK}\ntrain {{ epochs = 30; {setting} }}"
        (problem,) = check(Source("net.cnn", text)).errors
        assert (problem.code, problem.span.text) == ("E226", span)
        assert says in problem.message and problem.help


def test_what_is_repeated_may_have_a_name() -> None:
    text = f"let again = restart(factor=2)\n{NETWORK}\ntrain {{ schedule = cosine(epochs=4) -> again }}"
    assert not check(Source("net.cnn", text)).errors


def test_in_every_variant() -> None:
    text = f"{NETWORK}variant slow {{ train.groups = [group(stm, lr=1)] }}\n"
    (found,) = check(Source("net.cnn", text), everything=True).errors
    assert (found.code, found.span.text, found.notes) == ("E224", "stm", ("in variant slow",))


def test_nothing_has_to_learn_in_a_file_that_is_not_trained() -> None:
    frozen = "network Net { input(1, 8x8); flatten -> dense(10, trainable=false) }"
    assert problems(network=frozen, data="") == []
    assert [code for code, _, _ in problems(network=frozen)] == ["E446"]
    empty = "network Net { input(1, 8x8); flatten -> channels(0, 10) }"
    assert [(code, help) for code, _, help in problems(network=empty)] == [
        ("E446", "add a layer with weights, such as conv or dense")
    ]


@pytest.mark.parametrize(
    ("layers", "code"),
    [
        ("conv(8, 2x2, init=whiten)", None),
        ("as(x) -> conv(8, 2x2, stride=2, padding=0, bias=true, init=whiten(eps=0.1, samples=100))", None),
        ("conv(9, 2x2, init=whiten)", "E319"),
        ("conv(4) -> conv(32, 2x2, init=whiten)", "E319"),
        ("conv_transpose(8, 2x2, init=whiten)", "E319"),
        ("conv(8, 2x2) -> flatten -> dense(3, init=whiten)", "E319"),
    ],
)
def test_whiten_stands_at_the_first_layer(layers: str, code: str | None) -> None:
    text = f"network Net {{ input(1, 8x8); {layers} -> flatten -> dense(10) }}"
    if "dense(3" in layers:
        text = f"network Net {{ input(1, 8x8); {layers} }}"
    found = [found.code for found in check(Source("net.cnn", text)).errors]
    assert found == ([] if code is None else [code])
