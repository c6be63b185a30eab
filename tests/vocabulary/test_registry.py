"""What every word of data and training must keep to be let into the vocabulary."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from specc.tricks import COMPONENTS
from specc.tricks.optimizer import ADAM
from specc.tricks.sections import SECTIONS
from specc.values import show
from specc.vocabulary.component import Component
from specc.vocabulary.family import (
    FAMILIES,
    Augmentation,
    Division,
    Initializer,
    Loss,
    Optimizer,
    Regularizer,
    Schedule,
    Search,
    Source,
)
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE
from specc.vocabulary.param import Param
from specc.vocabulary.registry import BrokenPromise, component, register

LR = Param("lr", POSITIVE, 0.1, "learning rate")
DECAY = Param("weight_decay", NOT_NEGATIVE, 0.0, "decay")


@pytest.fixture(autouse=True)
def _kept() -> Iterator[None]:
    before = {family: dict(words) for family, words in COMPONENTS.items()}
    yield
    for family, words in before.items():
        COMPONENTS[family].clear()
        COMPONENTS[family].update(words)


def loss(**changes: Any) -> Loss:
    fields: dict[str, Any] = {"name": "mine", "doc": "Mine.", "example": "mine", "target": "mine.losses.mine"}
    return Loss(**(fields | changes))


def optimizer(*params: Param, **changes: Any) -> Optimizer:
    fields: dict[str, Any] = {"name": "mine", "doc": "Mine.", "example": "mine", "target": "mine.Mine"}
    return Optimizer(**(fields | {"params": params} | changes))


def test_a_word_that_keeps_its_promises_is_let_in() -> None:
    word = loss(params=(Param("*weights", POSITIVE, doc="some"),))
    register([word])
    assert component(Loss, "mine") is component(Loss, word.call()) is COMPONENTS["loss"]["mine"] is word


class Other(Component):
    family = "loss"


BROKEN: dict[str, Callable[[], Component]] = {
    "the loss `cross_entropy` has a name that is taken": lambda: loss(name="cross_entropy", example="cross_entropy"),
    "the loss `Mine` has a name that a spec cannot write": lambda: loss(name="Mine"),
    "the loss `in` has a name that a spec cannot write": lambda: loss(name="in"),
    "has no `doc`": lambda: loss(doc=""),
    "has no `example`": lambda: loss(example=""),
    "has no `example` that": lambda: loss(example="cross_entropy"),
    "has `` as its `target`": lambda: loss(target=""),
    "has `mine` as its `target`": lambda: loss(target="mine"),
    "has None as its `target`": lambda: loss(target=None),
    "has 'yes' as its `per_class`": lambda: loss(per_class="yes"),
    "has 1 as its `check`": lambda: loss(check=1),
    "`params` that are no tuple": lambda: loss(params=[LR]),
    "a parameter `lr` without a doc": lambda: loss(params=(LR._replace(doc=""),)),
    "a parameter `lr` without a kind": lambda: loss(params=(Param("lr", None, doc="rate"),)),  # type: ignore[arg-type]
    "a parameter `l-r`, which": lambda: loss(params=(LR._replace(name="l-r"),)),
    "two parameters `lr`": lambda: loss(params=(LR, LR)),
    "has no parameter `lr`": lambda: optimizer(DECAY),
    "has no parameter `weight_decay`": lambda: optimizer(LR),
    "has no parameter `eps`": lambda: optimizer(LR, DECAY, tunable=("eps",)),
    "has no parameter `rest`": lambda: optimizer(LR, DECAY, division=Division(("kernel",), "rest")),
    "not all kinds of weights": lambda: optimizer(LR, DECAY, division=Division(("conv",), "lr")),  # type: ignore[arg-type]
    "has no parameter `epochs`": lambda: Schedule(
        "mine", "Mine.", example="mine", factor=lambda a, at: 1.0, length="epochs"
    ),
    "has None as its `factor`": lambda: Schedule("mine", "Mine.", example="mine", factor=None),  # type: ignore[arg-type]
    "has None as its `strengths`": lambda: Regularizer("mine", "Mine.", example="mine", strengths=None),  # type: ignore[arg-type]
    "has no parameter `values`": lambda: Search("mine", "Mine.", example="mine", number=None),
    "has no parameter `samples`": lambda: Initializer(
        "mine", "Mine.", example="mine", target="a.b", variance=None, from_images=True
    ),
    "is made for `relu`": lambda: Initializer(
        "mine", "Mine.", example="mine", target="a.b", variance=None, made_for="relu"
    ),
    "has no body to skip": lambda: Augmentation("mine", "Mine.", example="mine", target="a.b", skips=True),
    "mixes images, and so": lambda: Augmentation("mine", "Mine.", example="mine", target="a.b", mixes=True, moves=True),
    "has a `shape` and other": lambda: Source("mine", "Mine.", example="mine", target="a.b", shape=(3, 8, 8)),
    "which is no family of the vocabulary": lambda: Other("mine", "Mine.", example="mine"),
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_word_that_breaks_a_promise_stays_out_and_is_named(message: str) -> None:
    word, before = BROKEN[message](), dict(COMPONENTS["loss"])
    with pytest.raises(BrokenPromise) as caught:
        register([word])
    assert message in str(caught.value) and f"`{word.name}`" in str(caught.value)
    assert COMPONENTS["loss"] == before
    assert word is not COMPONENTS[word.family].get(word.name)


def test_a_word_cannot_be_written_without_what_its_family_needs() -> None:
    for family in FAMILIES:
        with pytest.raises(TypeError, match="missing"):
            family(name="mine", doc="Mine.")  # type: ignore[call-arg]


def test_the_default_of_a_section_is_the_word_with_its_own_defaults() -> None:
    default = next(param.default for param in SECTIONS["train"] if param.name == "optimizer")
    assert show(default) == "adam(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0, amsgrad=false)"
    assert default == ADAM.call()
