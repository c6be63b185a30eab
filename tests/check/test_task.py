"""Settings and the end of the network held against the task: sources of every task stand in for real ones."""

from collections.abc import Iterator
from typing import get_args

import pytest

from specc.check import Checked, check
from specc.check.verify.task import mismatches
from specc.source import Source as SpecSource
from specc.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION, TASKS
from specc.tricks import COMPONENTS
from specc.tricks.sections import BestFigure
from specc.vocabulary.family import Source
from specc.vocabulary.registry import register
from tests.helpers.checking import fine, only, spec, underlined

VECTOR = "flatten -> dense(3)"
MAP = "conv(4) -> conv(3, 1x1)"


def stand_in(name: str, **about: object) -> Source:
    return Source(name, "Stands in.", target="tests.nothing", example=name, shape=(1, 8, 8), channels=1, **about)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _sources() -> Iterator[None]:
    before = dict(COMPONENTS["source"])
    outputs = ("a", "b", "c")
    register(
        [
            stand_in("my_tags", task=lambda a: MULTILABEL, outputs=lambda a: outputs),
            stand_in("my_some_tags", task=lambda a: MULTILABEL),
            stand_in("my_numbers", task=lambda a: REGRESSION, outputs=lambda a: outputs),
            stand_in("my_number", task=lambda a: REGRESSION, outputs=lambda a: outputs[:1]),
            stand_in("my_masks", task=lambda a: SEGMENTATION, outputs=lambda a: outputs),
            stand_in("my_some_masks", task=lambda a: SEGMENTATION),
            stand_in("either", task=lambda a: None),
        ]
    )
    yield
    COMPONENTS["source"].clear()
    COMPONENTS["source"].update(before)


def checked(source: str, end: str, train: str = "", data: str = "", export: str = "") -> Checked:
    return spec(
        f"data {{ source = {source}; {data} }}\nnetwork N {{\n{end}\n}}\n"
        f"train {{ epochs = 2; {train} }}\nexport {{ {export} }}\n"
    )


FITS = [
    ("my_tags", VECTOR),
    ("my_numbers", VECTOR),
    ("my_number", "flatten -> dense(1)"),
    ("my_masks", MAP),
    ("either", VECTOR),
]


@pytest.mark.parametrize(("source", "end"), FITS)
def test_the_defaults_fit_every_task(source: str, end: str) -> None:
    fine(checked(source, end))


@pytest.mark.parametrize(
    ("source", "end", "train"),
    [
        ("my_tags", VECTOR, "loss = focal; best = micro_f1; target = 90%"),
        ("my_tags", VECTOR, "loss = binary_cross_entropy(weights=[1, 2, 3]); best = loss"),
        ("my_numbers", VECTOR, "loss = [huber(delta=2), mae(weight=0.1)]; best = rmse; target = 12.5"),
        ("my_numbers", VECTOR, "best = r2; target = -0.5"),
        ("my_masks", MAP, "loss = [cross_entropy(weights=[1, 2, 3]), dice]; best = dice; evaluate = tta(flip)"),
        ("my_masks", MAP, "best = last"),
        ("my_some_masks", "conv(7, 1x1)", ""),
        ("my_some_tags", "flatten -> dense(1)", ""),
        ("either", MAP, "loss = dice; best = mae"),  # only reading tells
    ],
)
def test_what_fits_a_task(source: str, end: str, train: str) -> None:
    fine(checked(source, end, train))


@pytest.mark.parametrize(
    ("source", "end", "loss", "help"),
    [
        ("digits", "flatten -> dense(10)", "mse", "loss = cross_entropy, focal or binary_cross_entropy"),
        ("digits", "flatten -> dense(10)", "dice", "loss = cross_entropy, focal or binary_cross_entropy"),
        ("my_tags", VECTOR, "cross_entropy(smoothing=0.1)", "loss = focal or binary_cross_entropy"),
        ("my_numbers", VECTOR, "cross_entropy(smoothing=0.1)", "loss = mse, mae or huber"),
        ("my_masks", MAP, "focal", "loss = cross_entropy or dice"),
    ],
)
def test_a_loss_of_another_task(source: str, end: str, loss: str, help: str) -> None:
    for text in (loss, f"[{loss}]"):
        result = checked(source, end, f"loss = {text}")
        problem = only(result)
        assert problem.code == "E317" and problem.help == help
        assert underlined(result) == loss
        assert [label.span.text for label in problem.labels] == [source]


@pytest.mark.parametrize(
    ("source", "end", "figure"),
    [
        ("digits", "flatten -> dense(10)", "mae"),
        ("my_tags", VECTOR, "accuracy"),
        ("my_numbers", VECTOR, "f1"),
        ("my_masks", MAP, "accuracy"),
    ],
)
def test_a_figure_of_another_task(source: str, end: str, figure: str) -> None:
    result = checked(source, end, f"best = {figure}")
    problem = only(result)
    assert problem.code == "E317" and f"`{figure}` is not a figure" in problem.message
    assert underlined(result) == figure
    assert problem.help and problem.help.startswith("best = ") and problem.help.endswith("loss or last")


def test_settings_are_held_against_the_task_where_the_network_has_errors() -> None:
    text = 'data { source = csv("a.csv", image=file, target=age) }\nnetwork N { conv(8) -> flatten -> dense(1) }\n'
    result = check(SpecSource("net.cnn", f"{text}train {{ loss = cross_entropy; best = accuracy }}"))
    assert [error.code for error in result.errors] == ["E308", "E317", "E317"]


def test_top5_of_few_classes() -> None:
    spec = checked("digits", "flatten -> dense(10)", "best = top5").trainable()
    given = (spec.graph, spec.data, spec.train, spec.export)
    assert not list(mismatches(CLASSIFICATION, tuple("0123456789"), *given))
    (found,) = (one for one in mismatches(CLASSIFICATION, ("a", "b", "c"), *given) if one.at == "train.best")
    assert found.code == "E317" and "3 classes" in found.message


@pytest.mark.parametrize(
    ("source", "end", "train"),
    [
        ("digits", "flatten -> dense(10)", "target = 90"),
        ("digits", "flatten -> dense(10)", "target = 0"),
        ("my_masks", MAP, "target = 2; best = dice"),
        ("my_numbers", VECTOR, "target = 0"),
        ("my_numbers", VECTOR, "target = -1; best = rmse"),
        ("digits", "flatten -> dense(10)", "target = 0; best = loss"),
    ],
)
def test_a_target_that_can_never_be_reached(source: str, end: str, train: str) -> None:
    result = checked(source, end, train)
    problem = only(result)
    assert problem.code == "E317" and "can never be reached" in problem.message
    assert underlined(result) == train.split("; ", maxsplit=1)[0].removeprefix("target = ")


@pytest.mark.parametrize(("source", "end"), [("my_numbers", VECTOR), ("my_masks", MAP)])
@pytest.mark.parametrize("trick", ["mixup(0.2)", "cutmix(1)", "maybe(0.3) { mixup(0.2) }"])
def test_what_cannot_be_mixed(source: str, end: str, trick: str) -> None:
    problem = only(checked(source, end, data=f"augment = {trick}"))
    assert problem.code == "E317" and "cannot be mixed" in problem.message


def test_tags_can_be_mixed() -> None:
    fine(checked("my_tags", VECTOR, data="augment = mixup(0.2)"))


def test_maps_in_shifted_views() -> None:
    result = checked("my_masks", MAP, "evaluate = tta(flip, shift=1)")
    assert only(result).code == "E317" and underlined(result) == "tta(flip, shift=1)"
    fine(checked("my_numbers", VECTOR, "evaluate = tta(flip, shift=1)"))


@pytest.mark.parametrize(
    ("source", "end", "fits"),
    [
        ("digits", "flatten -> dense(10)", ["probabilities", "logits"]),
        ("my_tags", VECTOR, ["probabilities", "logits"]),
        ("my_numbers", VECTOR, ["numbers"]),
        ("my_masks", MAP, ["probabilities", "logits", "classes"]),
    ],
)
def test_the_output_of_the_export(source: str, end: str, fits: list[str]) -> None:
    for output in ("auto", "probabilities", "logits", "classes", "numbers"):
        result = checked(source, end, export=f"output = {output}")
        if output in ("auto", *fits):
            fine(result)
        else:
            assert only(result).code == "E317" and underlined(result) == output


@pytest.mark.parametrize(("source", "end"), [("my_tags", VECTOR), ("my_numbers", VECTOR)])
def test_a_softmax_where_outputs_do_not_exclude_each_other(source: str, end: str) -> None:
    result = checked(source, f"{end} -> softmax")
    assert only(result).code == "E317" and underlined(result) == "softmax"


@pytest.mark.parametrize(
    ("source", "end", "message", "help"),
    [
        ("my_tags", "flatten -> dense(4)", "outputs 4 numbers, but `my_tags` has 3 tags", "end with dense(3)"),
        ("my_number", VECTOR, "outputs 3 numbers, but `my_number` has 1 number to predict", "end with dense(1)"),
        (
            "my_numbers",
            "flatten -> dense(1)",
            "outputs 1 number, but `my_numbers` has 3 numbers to predict",
            "dense(3)",
        ),
        ("my_numbers", "conv(3)", "outputs 3 x 8 x 8", "global_avg_pool"),
        ("my_masks", VECTOR, "the masks are 8x8, but the network ends in 3", "without flatten"),
        ("my_masks", "conv(3, stride=2)", "the network ends in 3 x 4 x 4", "add upsample(2)"),
        ("my_masks", "conv(3, 1x1) -> upsample(2)", "the network ends in 3 x 16 x 16", "add resize_to(8x8)"),
        ("my_masks", "conv(4, 1x1)", "ends in 4 channels, but `my_masks` has 3 classes", "end with conv(3, 1x1)"),
        ("my_some_masks", "conv(1, 1x1)", "1 channel, but masks have two classes or more", "conv(2, 1x1)"),
    ],
)
def test_an_end_of_another_size(source: str, end: str, message: str, help: str) -> None:
    problem = only(checked(source, end))
    assert problem.code == "E306" and message in problem.message, problem.message
    assert problem.help and help in problem.help, problem.help


def test_heads_end_as_the_network_does() -> None:
    fine(checked("my_masks", f"head(early) {{ conv(3, 1x1) }}\n{MAP}"))
    for source, head, end in (("my_masks", VECTOR, MAP), ("my_tags", "flatten -> dense(2)", VECTOR)):
        assert only(checked(source, f"head(early) {{ {head} }}\n{end}")).code == "E306"


def test_the_setting_best_knows_the_figures_of_all_tasks() -> None:
    names = {figure.name for task in TASKS.values() for figure in task.figures} | {"auto", "loss", "last"}
    assert names == set(get_args(BestFigure))
    for name in names:
        assert fine(checked("either", VECTOR, f"best = {name}")).train.best == name
