"""Every entry of the training vocabulary: its example checks, its defaults are of their kinds."""

import pytest

from specc.check import check
from specc.diagnostics import Diagnostic
from specc.source import Source
from specc.tricks import COMPONENTS
from specc.tricks.regularizer import strengths
from specc.tricks.sections import SECTIONS, TrainSettings
from specc.values import Args, Bound, show
from specc.vocabulary.component import Component
from specc.vocabulary.param import REQUIRED, Param

SETTING = {
    "optimizer": "optimizer",
    "group": "groups",
    "lookahead": "lookahead",
    "average": "average",
    "schedule": "schedule",
    "loss": "loss",
    "regularizer": "regularize",
    "evaluate": "evaluate",
}
MINE = [trick for family in SETTING for trick in COMPONENTS[family].values()]
NETWORK = "network Net { input(1, 8x8); conv(4) -> batch_norm; global_avg_pool -> dense(10) }\n"


def errors(section: str, *settings: str) -> list[Diagnostic]:
    return check(Source("net.cnn", f"{NETWORK}{section} {{ {'; '.join(settings)} }}\n")).errors


def train(*settings: str) -> TrainSettings:
    checked = check(Source("net.cnn", f"{NETWORK}train {{ {'; '.join(settings)} }}\n"))
    assert not checked.errors and checked.train, checked.errors
    return checked.train


@pytest.mark.parametrize("trick", MINE, ids=lambda trick: trick.name)
def test_the_example_checks(trick: Component) -> None:
    value = getattr(train(f"{SETTING[trick.family]} = {trick.example}"), SETTING[trick.family])
    calls = [value] if isinstance(value, Bound) else value
    named = next(call for call in calls if call.name == trick.name)
    assert set(named.args.as_dict()) == {param.name.lstrip("*") for param in trick.params}


@pytest.mark.parametrize("trick", MINE, ids=lambda trick: trick.name)
def test_is_documented(trick: Component) -> None:
    assert trick.doc.endswith(".") and trick.example
    assert all(param.doc for param in trick.params)


SETTINGS = [(name, param) for name, params in SECTIONS.items() for param in params if param.default is not REQUIRED]


@pytest.mark.parametrize(("section", "param"), SETTINGS, ids=lambda value: getattr(value, "name", value))
def test_a_default_is_what_its_text_gives(section: str, param: Param) -> None:
    """`specc show --defaults` prints the default's text; writing it into the spec changes nothing."""
    written = "none" if param.default == () else show(param.default)
    source = "source = digits; " if section == "data" else ""
    network = "network Net { input(1, 8x8); flatten -> dense(10) }\n"
    checked = check(Source("net.cnn", f"{network}{section} {{ {source}{param.name} = {written} }}\n"))
    assert not checked.errors, checked.errors
    value = getattr(getattr(checked, section), param.name)
    assert show(value) == show(param.default)
    assert type(value) is type(param.default)


@pytest.mark.parametrize(
    "settings",
    [
        "epochs = 0",
        "epochs = -1",
        "batch = 0",
        "batch = 2.5",
        "optimizer = adam(lr=0)",
        "optimizer = adam(betas=[0.9])",
        "optimizer = adam(betas=[0.9, 1])",
        "optimizer = sgd(lr=0.1, momentum=1)",
        "optimizer = cosine",
        "schedule = adam",
        "schedule = warmup",
        "schedule = multistep(80)",
        "schedule = plateau(patience=-1)",
        "loss = cross_entropy(smoothing=1)",
        "loss = cross_entropy(weights=[1, 0])",
        "regularize = l2",
        "regularize = l2(-1)",
        "precision = fp64",
        "ema = 1",
        "clip = 0",
        "early_stop = 0",
        "target = high",
        "best = map50",
        "loss = []",
        "loss = [mse, cross]",
        "accumulate = 0",
        "lookahead = ema",
        "lookahead = lookahead(steps=0)",
        "lookahead = lookahead(alpha=0)",
        "average = ema(0.9)",
        "average = swa(start=-1)",
        "evaluate = tta",
        "evaluate = tta(flip, weight=2)",
        "groups = [group]",
        "groups = [group(3, lr=1)]",
        "groups = [group(kernels, lr=0)]",
        "groups = [group(kernels, lr=1, scale=2)]",
        "groups = [group(kernels, optimizer=muon, lr=1)]",
        "groups = [group(kernels, optimizer=cosine)]",
        "groups = [group(kernels, until=0)]",
        "groups = [adam]",
        "optimizer = muon(momentum=0)",
        "optimizer = muon(others=muon)",
        "optimizer = muon(others=sam(adamw))",
        "optimizer = sam",
        "optimizer = sam(0.1)",
        "optimizer = sam(sgd(lr=0.1), rho=0)",
        "optimizer = sam(sam(sgd(lr=0.1)))",
        "optimizer = sam(muon(others=muon))",
        "optimizer = schedule_free",
        "optimizer = schedule_free(adam)",
        "optimizer = schedule_free(sgd(lr=1))",
        "optimizer = schedule_free(sgd(lr=1, momentum=0.9, nesterov=true))",
        "optimizer = schedule_free(adamw(betas=(0, 0.9)))",
        "optimizer = schedule_free(adamw(amsgrad=true))",
        "optimizer = schedule_free(sam(adamw))",
        "optimizer = muon(others=schedule_free(adamw))",
        "groups = [group(kernels, optimizer=sam(sgd(lr=0.1)))]",
        "loss = cross_entropy(reduction=none)",
        "seed = -1",
        "rate = 0.1",
    ],
)
def test_wrong_values_are_errors(settings: str) -> None:
    assert len(errors("train", settings)) == 1


@pytest.mark.parametrize("settings", ["opset = 17", "opset = 23", "output = masks", "tolerance = 0"])
def test_wrong_export_settings_are_errors(settings: str) -> None:
    assert len(errors("export", settings)) == 1


def test_nesterov_needs_momentum() -> None:
    (error,) = errors("train", "optimizer = sgd(lr=0.1, nesterov=true)")
    assert "momentum" in error.message
    assert error.span.text == "true"


def test_percent_is_kept_and_values_become_plain() -> None:
    values = train("schedule = warmup(23%, from=0.2) -> linear(to=0.07)", 'freeze = [dense1, "dense1"]', "epochs = 5")
    assert show(values.schedule[0].args.epochs) == "23%"
    assert values.freeze == ("dense1", "dense1")
    assert type(values.epochs) is float


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        (None, (0.0, 0.0)),
        (Bound("l1", Args(strength=0.1)), (0.1, 0.0)),
        (Bound("l2", Args(strength=0.1)), (0.0, 0.1)),
        (Bound("l1_l2", Args(l1=0.1, l2=0.2)), (0.1, 0.2)),
    ],
)
def test_strengths_of_regularizers(bound: Bound | None, expected: tuple[float, float]) -> None:
    assert strengths(bound) == expected


def test_a_path_reaches_what_an_optimizer_wraps() -> None:
    spec = Source("net.cnn", f"{NETWORK}train {{ optimizer = sam(schedule_free(adamw)) }}\n")
    found = check(spec, sets=["train.optimizer.base.base.lr=0.5", "train.optimizer.rho=0.1"])
    assert not found.errors and found.train and found.train.mover.args.lr == 0.5
    (error,) = check(spec, sets=["train.optimizer.lr=0.5"]).errors
    assert "arguments of what it wraps are at `train.optimizer.base`" in error.help
