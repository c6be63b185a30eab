"""The numbers in which the calls of a class differ, written as expressions of the constructor's parameters.

Parameters are those of the block, and the channels that flow in. `conv(c // 4)` is recovered by comparing numbers:
an expression is used if it gives the right number for every call.
"""

import keyword
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from typing import Any, NamedTuple

from specc.emit.classes import Class
from specc.emit.layers import TORCH, default_of, in_order, module_of
from specc.values import Size

ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "absent"})()  # of a call that leaves the layer out
TAKEN = {"self", "super", "nn", "torch", "F", "Tensor", "range", "tuple", "int", "bool", "float", "str"}
LARGEST_FACTOR = 64
WIDTHS = {"in_channels", "out_channels", "in_features", "out_features", "num_features", "num_channels"}

Vector = Sequence[Any]  # one value for each member of a class


class Parameter(NamedTuple):
    """A parameter of a constructor. default: ABSENT where every call gives it."""

    name: str
    type: str
    default: Any


class Arguments:
    """The parameters of one class, and what each argument inside it is as an expression of them.

    written: for each step, its arguments as text. flags: the name and the condition of each part that may be left out.
    widths: the parameters that say how many channels or units there are.
    """

    def __init__(self, made: Class) -> None:
        self.made = made
        self.inflow = ""
        self.values: dict[str, list[Any]] = {}
        self.used: dict[str, None] = {}
        self.optional: set[str] = set()
        self.widths: set[str] = set()
        self.written: list[dict[str, str]] = []
        self.flags: list[tuple[str, str]] = []
        self._parameters: list[Parameter] = []
        self.index = {scope: place for place, scope in enumerate(made.members)}
        self._offer_inputs()
        self._offer_block()

    def _offer_inputs(self) -> None:
        """The number of channels that flow in, under the name that torch's layers have for it."""
        shapes = [scope.input_shapes[0] for scope in self.made.members if scope.input_shapes]
        if len(shapes) == len(self.made.members):
            name = "in_channels" if len(shapes[0]) == 3 else "in_features"
            self.values[name] = [shape[0] for shape in shapes]
            self.inflow = name

    def _offer_block(self) -> None:
        calls = [scope.call for scope in self.made.members]
        first = calls[0]
        for given in first.arguments if first else ():
            known = [call.arguments.get(given, ABSENT) if call else ABSENT for call in calls]
            if any(value is ABSENT for value in known):
                continue
            name = self._free(given)
            if all(isinstance(value, Size) for value in known):
                square = all(value.height == value.width for value in known)
                known = [value.height if square else tuple(value) for value in known]
            elif any(isinstance(value, Size) for value in known):
                continue
            self.values[name] = [float(value) if isinstance(value, float) else value for value in known]
            if self.values[name] == self.values.get(self.inflow):
                del self.values[self.inflow]
                self.inflow = ""
            if first and given in first.optional:
                self.optional.add(name)

    def _free(self, name: str) -> str:
        while name in self.values or name in TAKEN or keyword.iskeyword(name):
            name += "_"
        return name

    # ---- what is asked

    def parameters(self) -> list[Parameter]:
        """In the order of the constructor: without a default, then with one."""
        if len(self._parameters) == len(self.used):
            return self._parameters
        order = {name: place for place, name in enumerate(self.values)}
        found = [Parameter(name, _type_of(self.values[name]), self._default(name)) for name in self.used]
        self._parameters = sorted(found, key=lambda one: (one.default is not ABSENT, order[one.name]))
        return self._parameters

    def _default(self, name: str) -> Any:
        if name not in self.optional:
            return ABSENT
        return Counter(self.values[name]).most_common(1)[0][0]

    def given(self, scope: Any) -> dict[str, Any]:
        """What a call of the class gives its constructor."""
        index = self.index[scope]
        return {name: self.values[name][index] for name in self.used}

    # ---- working it out

    def work_out(self, all_arguments: dict[Class, "Arguments"], classes: dict[Any, Class]) -> bool:
        """Write every argument anew; whether that took a parameter which was not needed before."""
        before = len(self.used)
        self.flags = [(name, self._condition(name, truths)) for name, truths in self._parts()]
        self.written = []
        for index, step in enumerate(self.made.steps):
            if step.module:  # which is there already
                self.written.append({})
                continue
            vectors = self._of_call(index, all_arguments, classes) if step.scope else self._of_layer(index)
            whole = step.target is None or not step.target.path.startswith(TORCH)
            texts = {key: self._text(f"{step.name}_{key}", key, vector, whole) for key, vector in vectors.items()}
            self.written.append(texts)
            inner = all_arguments[classes[step.scope]].widths if step.scope else WIDTHS
            for key in texts.keys() & inner:
                self.widths.update(re.findall(r"\w+", texts[key]))
        return len(self.used) > before

    def _parts(self) -> list[tuple[str, list[bool]]]:
        """A name for each part that may be left out, unlike that of any module, and which calls have it."""
        taken = {step.name for step in self.made.steps}
        found = []
        for part in self.made.parts:
            name = name_of_part(self.made, part.start, part.stop)
            while name in taken:
                name += "_"
            taken.add(name)
            found.append((name, [step is not None for step in self.made.at(part.start)]))
        return found

    def _of_layer(self, index: int) -> dict[str, Vector]:
        found = [module_of(step.target)[1] if step and step.target else ABSENT for step in self.made.at(index)]
        keys = in_order(key for kwargs in found if kwargs is not ABSENT for key in kwargs)
        return {
            key: [
                ABSENT if kwargs is ABSENT else kwargs[key] if key in kwargs else default_of(key, kwargs)
                for kwargs in found
            ]
            for key in keys
        }

    def _of_call(
        self, index: int, all_arguments: dict[Class, "Arguments"], classes: dict[Any, Class]
    ) -> dict[str, Vector]:
        scopes = [step.scope if step else None for step in self.made.at(index)]
        called = all_arguments[classes[self.made.steps[index].scope]]
        given = [called.given(scope) if scope else None for scope in scopes]
        return {key: [ABSENT if values is None else values[key] for values in given] for key in called.used}

    def _use(self, name: str) -> str:
        self.used[name] = None
        return name

    def _order(self, key: str) -> list[str]:
        """Where to look first: an argument for what flows in is rather the number of channels that do."""
        names = list(self.values)
        return names if key.startswith("in_") or not self.inflow else [*names[1:], names[0]]

    def _text(self, long_key: str, key: str, vector: Vector, whole: bool) -> str:
        """An argument. whole: a pair is written as one even where both numbers are the same."""
        present = [value for value in vector if value is not ABSENT]
        if all(value == present[0] and type(value) is type(present[0]) for value in present):
            return literal(present[0], whole)
        found = self._expression(key, vector) or self._sides(key, vector, whole)
        return found or self._use(self._new(long_key, key, vector, whole))

    def _sides(self, key: str, vector: Vector, whole: bool) -> str:
        """A tuple, each side of which is an expression, or ""."""
        sides = {len(value) if isinstance(value, tuple) else 0 for value in vector if value is not ABSENT}
        if len(sides) > 1 or sides == {0}:
            return ""
        texts = []
        for side in range(sides.pop()):
            column = [value if value is ABSENT else value[side] for value in vector]
            present = {value for value in column if value is not ABSENT}
            texts.append(literal(present.pop()) if len(present) == 1 else self._expression(key, column))
        return _pair(texts, whole) if all(texts) else ""

    def _new(self, long_key: str, key: str, vector: Vector, whole: bool) -> str:
        """A parameter that the block does not have."""
        name = self._free(long_key if key in self.values or key.startswith("in_") else key)
        present = [value for value in vector if value is not ABSENT]
        if not whole and all(isinstance(value, tuple) and len(set(value)) == 1 for value in present):
            present, vector = [v[0] for v in present], [v if v is ABSENT else v[0] for v in vector]
        [(common, count)] = Counter(present).most_common(1)
        self.values[name] = [common if value is ABSENT else value for value in vector]
        if key not in WIDTHS and 2 * count > len(present):
            self.optional.add(name)
        return name

    def _expression(self, key: str, vector: Vector) -> str:
        """A parameter or a simple expression of one or two that has the right value for every call, or ""."""
        names = self._order(key)
        for name in names:
            if _agree(vector, self.values[name]):
                return self._use(name)
        names = [name for name in names if all(type(value) is int for value in self.values[name])]
        if any(type(value) is not int for value in vector if value is not ABSENT):
            return self._element(vector)
        for name in names:
            for text, found in _of_one(name, vector, self.values[name]):
                if _agree(vector, found):
                    self._use(name)
                    return text
        return self._of_two(names, vector) or self._element(vector)

    def _of_two(self, names: list[str], vector: Vector) -> str:
        for sign, function in _PAIRS.items():
            for a, b in permutations(names, 2):
                if _agree(vector, list(map(function, self.values[a], self.values[b]))):
                    return f"{self._use(a)} {sign} {self._use(b)}"
        return ""

    def _element(self, vector: Vector) -> str:
        """One side of a size, or half of it."""
        for name, known in self.values.items():
            if all(type(value) is tuple for value in known):
                for side in (0, 1):
                    if _agree(vector, [value[side] for value in known]):
                        return f"{self._use(name)}[{side}]"
                    if _agree(vector, [value[side] // 2 for value in known]):
                        return f"{self._use(name)}[{side}] // 2"
        return ""

    def _condition(self, flag: str, truths: list[bool]) -> str:
        """When a part is there, as a condition on the parameters; or a new parameter if there is no such condition."""
        for name, known in self.values.items():
            if all(type(value) is bool for value in known) and known == truths:
                return self._use(name)
        inflow = self.inflow
        numbers = [name for name, known in self.values.items() if all(type(value) is int for value in known)]
        for name in numbers:
            for sign in ("!=", "=="):
                if inflow in numbers and name != inflow:
                    pairs = zip(self.values[inflow], self.values[name], strict=True)
                    if [_TESTS[sign](a, b) for a, b in pairs] == truths:
                        return f"{self._use(inflow)} {sign} {self._use(name)}"
        for sign, bound in (("!=", 1), ("==", 1), (">", 0), (">", 1), ("==", 0)):
            for name in numbers:
                if name != inflow and [_TESTS[sign](value, bound) for value in self.values[name]] == truths:
                    return f"{self._use(name)} {sign} {bound}"
        name = self._free(flag)
        self.values[name] = list(truths)
        self.optional.add(name)
        return self._use(name)


def name_of_part(made: Class, start: int, stop: int) -> str:
    """What a hand would call a part of a block that is not always there."""
    steps = made.steps[start:stop]
    if len(steps) == 1 and steps[0].node and steps[0].node.op.name == "add":
        return "residual"
    readers = [step for step in made.steps[stop:] if any(start <= ref[0] < stop for ref in step.inputs)]
    if readers and all(step.node and step.node.op.name == "add" for step in readers):
        return "projects"
    blocks = [step.scope.block for step in steps if step.scope]
    return f"has_{blocks[0] if blocks else steps[0].name}"


def literal(value: Any, whole: bool = True) -> str:
    """A value as Python source. Unless it is `whole`, a pair of equal numbers is one, as torch's layers take it."""
    if isinstance(value, tuple):
        return _pair([literal(item) for item in value], whole)
    if isinstance(value, float):
        return repr(float(value))
    return '"' + value + '"' if isinstance(value, str) else repr(value)


def _pair(texts: list[str], whole: bool) -> str:
    if len(texts) == 2 and texts[0] == texts[1] and not whole:
        return texts[0]
    return f"({', '.join(texts)}{',' * (len(texts) == 1)})"


def _agree(vector: Vector, found: Vector) -> bool:
    """Whether the values are right, and of the right type, for each call that has one."""
    return all(
        value is ABSENT or (type(value) is type(other) and value == other)
        for value, other in zip(vector, found, strict=True)
    )


def _of_one(name: str, vector: Vector, known: Vector) -> Iterator[tuple[str, list[int]]]:
    """Expressions of one parameter that are right for the first call, and their values for each call."""
    value, of = next((v, w) for v, w in zip(vector, known, strict=True) if v is not ABSENT)
    if of > 0 and value % of == 0 and 2 <= value // of <= LARGEST_FACTOR:
        yield f"{value // of} * {name}", [w * (value // of) for w in known]
    for factor in range(2, LARGEST_FACTOR):
        if of // factor == value:
            yield f"{name} // {factor}", [w // factor for w in known]
    distance = value - of
    several = len({v for v in vector if v is not ABSENT}) > 2
    if distance and (several or abs(distance) <= 2):
        yield f"{name} {'+' if distance > 0 else '-'} {abs(distance)}", [w + distance for w in known]


def _type_of(known: Vector) -> str:
    found = {type(value) for value in known}
    if found == {int, float}:
        return "float"
    first = known[0]
    return (
        f"tuple[{', '.join(type(item).__name__ for item in first)}]" if type(first) is tuple else type(first).__name__
    )


_PAIRS: dict[str, Callable[[int, int], int]] = {
    "*": operator.mul,
    "+": operator.add,
    "-": operator.sub,
    "//": lambda a, b: a // b if b else -1,
}
_TESTS: dict[str, Callable[[int, int], bool]] = {"!=": operator.ne, "==": operator.eq, ">": operator.gt}
