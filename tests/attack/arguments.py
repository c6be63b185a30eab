"""Random arguments for a layer, as the kinds of its parameters allow: a layer that is added is tried at once."""

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from specc.ops.op import Op
from specc.tricks import COMPONENTS
from specc.values import UNKNOWN, Args, Size, show
from specc.vocabulary.family import Initializer
from specc.vocabulary.kinds import (
    Bool,
    Either,
    Float,
    Int,
    Kind,
    ListOf,
    Maybe,
    NewName,
    One,
    SizeOf,
    Symbols,
    TensorName,
    Unfit,
)
from specc.vocabulary.param import REQUIRED, Param
from specc.vocabulary.shape import Shape

FLOATS = (0.0, 1e-5, 0.01, 0.1, 0.5, 0.75, 1.0, 1.5, 3.0, -0.5)
INITS = [
    component.name
    for component in COMPONENTS["init"].values()
    if isinstance(component, Initializer)
    and component.fits is None
    and not component.from_images
    and all(param.default is not REQUIRED for param in component.params)
]
CALLS = {"init": INITS, "regularizer": ["l1(1e-4)", "l2(0.01)", "l1_l2(1e-4, 1e-3)"]}
GIVEN = 0.35  # how often a parameter with a default is given


class Drawn(NamedTuple):
    """A value, and how it is written. Of a call, whose value no shape depends on, the value is unknown."""

    value: Any
    text: str


def draw_arguments(
    random: Random, op: Op, x: Shape, names: dict[str, int], tensors: Sequence[str] = ()
) -> tuple[Args, str]:
    """Arguments of a layer whose input is `x`, converted, and how they are written.

    names: integers that have a name where the call stands. tensors: the names of tensors there.
    """
    values = {param.name: param.default for param in op.params}
    given: list[tuple[str, str]] = []
    positional = True
    for param in op.params:
        if param.default is not REQUIRED and random.random() > GIVEN:
            positional = False
            continue
        drawn = _draw(random, param.kind, x, names, tensors)
        values[param.name] = drawn.value
        positional = positional and (param.default is REQUIRED or random.random() < 0.5)
        given.append(("" if positional else f"{param.name}=", drawn.text))
    text = ", ".join(name + value for name, value in given)
    return Args(**values), f"({text})" if given else ""


def _draw(random: Random, kind: Kind, x: Shape, names: dict[str, int], tensors: Sequence[str] = ()) -> Drawn:
    """A value of a kind."""
    match kind:
        case Bool():
            value = random.random() < 0.5
            return Drawn(value, show(value))
        case Symbols(symbols=symbols):
            name = random.choice(symbols)
            return Drawn(name, name)
        case Int():
            return _integer(random, kind, x, names)
        case Float():
            fitting = [number for number in FLOATS if _fits(kind, number)]
            number = random.choice(fitting)
            text = f"{number:.0%}" if 0 < number < 1 and random.random() < 0.2 and number >= 0.01 else repr(number)
            return Drawn(float(text[:-1]) / 100 if text.endswith("%") else number, text)
        case SizeOf(low=low):
            size = Size(*(random.choice((low, 1, 1, 2, 2, 3, 4, 5)) for _ in range(2)))
            if random.random() < 0.5:
                return Drawn(Size(size.height, size.height), str(size.height))
            return Drawn(size, str(size) if random.random() < 0.8 else f"size({size.height}, {size.width})")
        case Either(kinds=kinds):
            return _draw(random, random.choice(kinds), x, names, tensors)
        case Maybe(kind=inner):
            return Drawn(None, "none") if random.random() < 0.3 else _draw(random, inner, x, names, tensors)
        case ListOf(item=item, length=length):
            items = [_draw(random, item, x, names) for _ in range(length or 2)]
            return Drawn(tuple(one.value for one in items), f"({', '.join(one.text for one in items)})")
        case NewName() | TensorName():
            name = random.choice(tensors)
            return Drawn(name, name)
        case One(family=family):
            return Drawn(UNKNOWN, random.choice(CALLS[family]))
    raise AssertionError(f"no value of {type(kind).__name__} is drawn here: add how")


def _integer(random: Random, kind: Int, x: Shape, names: dict[str, int]) -> Drawn:
    """An integer, and an expression for it: often one that has to do with the channels."""
    ways = [(value, str(value)) for value in (0, 1, 1, 2, 2, 3, 4, 6)]
    ways += [(x[0], "in.channels"), (2 * x[0], "2 * in.channels"), (max(1, x[0] // 2), "max(1, in.channels // 2)")]
    ways += [(x[0] - 1, "in.channels - 1"), (x[0] % 3 + 1, "mod(in.channels, 3) + 1")]
    ways += [(value, name) for name, value in names.items()]
    if len(x) == 3:
        ways.append((min(x[1:]), "min(in.height, in.width)"))
    value, text = random.choice([way for way in ways if _fits(kind, way[0])])
    return Drawn(value, text)


def _fits(kind: Kind, value: float) -> bool:
    try:
        kind.accept(value, _no_calls)
    except Unfit:
        return False
    return True


def _no_calls(family: str, value: Any) -> Any:
    raise AssertionError(f"a number is no {family}")


def takes_name(param: Param) -> bool:
    return isinstance(param.kind, NewName | TensorName)
