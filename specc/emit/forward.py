"""The body of `forward`: steps as lines of source, with as few names as a hand would use."""

import keyword
from collections import Counter
from itertools import chain, count
from typing import NamedTuple

from specc.emit.arguments import TAKEN
from specc.emit.classes import Class, Part
from specc.emit.layers import function_text, is_function, is_infix, short_name, takes_operands
from specc.emit.names import attribute
from specc.emit.runs import Run
from specc.emit.scopes import Ref, Step, Way
from specc.emit.text import INDENT, WIDTH, Line
from specc.vocabulary.shape import Shape, size_text

MOST_NESTED = 3
NAMES = ("x", "y", "z", "u", "v", "w")


class Open(NamedTuple):
    """A value that is written but has no name yet: the next step may take it as it stands."""

    ref: Ref
    text: str
    calls: int
    has_main: bool
    is_infix: bool


class Forward:
    """Writes the steps of a class. The lines are in `lines`; `result` gives what it returns."""

    def __init__(self, made: Class, written: list[dict[str, str]], flags: list[str], runs: list[Run]) -> None:
        self.made, self.written = made, written
        self.parts = {part.start: (part, flag) for part, flag in zip(made.parts, flags, strict=True)}
        self.runs = {run.start: run for run in runs}
        self.functions = [is_written_as_function(made, index) for index in range(len(made.steps))]
        uses = [ref for step in made.steps for ref in step.inputs] + made.returns + [p.instead for p in made.parts]
        self.left = Counter(uses)
        self.readers: dict[Ref, list[int]] = {}
        for index, step in enumerate(made.steps):
            for ref in step.inputs:
                self.readers.setdefault(ref, []).append(index)
        self.inputs = ["x", *(f"skip{k if made.inputs > 2 else ''}" for k in range(1, made.inputs))]
        self.name_of: dict[Ref, str] = {}
        self.held: dict[str, set[Ref]] = {}  # by a name, one after the other
        for k, name in enumerate(self.inputs):
            self._hold((-1, k), name)
        self.branches: dict[Ref, str] = {}
        self.open: Open | None = None
        self.lines: list[Line] = []
        self.last_shape = size_text(made.members[0].input_shapes[0]) if len(made.members) == 1 else ""
        self._write(0, len(made.steps))

    def result(self) -> Line:
        """The line that returns the values."""
        comment = self._comment(self.made.returns[0]) if len(self.made.returns) == 1 else ""
        return Line(f"return {', '.join(self.values())}", comment)

    def values(self, flatten: bool = False) -> list[str]:
        """What is returned, as source. flatten: what is N x C x 1 x 1 becomes N x C."""
        if self.open and (self.open.ref != self.made.returns[0] or len(self.made.returns) > 1):
            self._close()
        texts = []
        for ref in self.made.returns:
            is_point = flatten and self.shape_at(ref)[1:] == (1, 1)
            texts.append(self._operand(ref, brackets=is_point) + ".flatten(1)" * is_point)
        return texts

    def shape_at(self, ref: Ref) -> Shape:
        """The shape of a value in the first call of the class."""
        if ref[0] < 0:
            return self.made.members[0].input_shapes[ref[1]]
        return self.made.steps[ref[0]].shapes[ref[1]]

    # ---- steps

    def _write(self, index: int, stop: int) -> None:
        while index < stop:
            if index in self.parts:
                index = self._part(*self.parts.pop(index))
            elif index in self.runs:
                index = self._run(self.runs[index])
            else:
                self._step(index, self.made.steps[index])
                index += 1

    def _step(self, index: int, step: Step) -> None:
        infix = step.target is not None and self.functions[index] and is_infix(step.target)
        if self.open and not self._may_nest(step):
            self._close()
        nested = self.open
        brackets = step.target is not None and takes_operands(step.target)
        x = [self._operand(ref, brackets) for ref in step.inputs]
        text = self._text(index, step, x)
        calls = (nested.calls if nested else 0) + (not infix)
        refs = [(index, k) for k in range(len(step.shapes))]
        if step.head or len(refs) > 1:
            self._assign_all(refs, step, text)
            return
        self.open = Open(refs[0], text, calls, step.is_main or bool(nested and nested.has_main), infix)
        if self.left[refs[0]] > 1:
            self._close()

    def _may_nest(self, step: Step) -> bool:
        assert self.open is not None
        if step.head or len(step.shapes) > 1 or list(step.inputs).count(self.open.ref) != 1:
            return False
        if self.left[self.open.ref] > 1 or len(step.inputs) > 2:
            return False
        if step.is_main and self.open.has_main and not self._branch(self.open.ref):
            return False
        return self.open.calls < MOST_NESTED and len(self.open.text) < WIDTH // 2

    def _text(self, index: int, step: Step, x: list[str]) -> str:
        if self.functions[index]:
            assert step.target is not None
            return function_text(step.target, x, self.written[index])
        if step.target is not None and short_name(step.target) == "FlatLinear":
            x = [f"{x[0]}.flatten(1)"]
        module = _reached(step.module) if step.module else attribute(step.name)
        return f"{module}({', '.join([*x, *map(_reached, step.modules)])})"

    def _assign_all(self, refs: list[Ref], step: Step, text: str) -> None:
        """A call whose results get names at once: several of them, or one in training only."""
        names = []
        heads = step.scope.result_heads if step.scope and len(refs) > 1 else [step.head]
        for ref, head in zip(refs, heads, strict=True):
            name = self._new_name(ref, step.inputs, head)
            self._hold(ref, name)
            names.append(name)
        nothing = "None" if len(refs) == 1 else f"({', '.join(['None'] * len(refs))})"
        guard = f" if self.training else {nothing}" if step.head else ""
        self.lines.append(Line(f"{', '.join(names)} = {text}{guard}"))

    def _run(self, run: Run) -> int:
        """Calls that differ in nothing but their number: a loop."""
        ref = self.made.steps[run.start].inputs[0]
        if self.open:
            self._close()
        before = self._operand(ref)
        name = before if self.left[ref] == 0 else self._new_name((run.stop - 1, 0), (ref,))
        if name != before:
            self.lines.append(Line(f"{name} = {before}"))
        last = (run.stop - 1, 0)
        self.lines.append(Line(f"for i in {run.numbers}:", self._comment(last)))
        self.lines.append(Line(f'{INDENT}{name} = self.get_submodule(f"{run.stem}{{i}}")({name})'))
        self._hold(last, name)
        return run.stop

    # ---- parts that are not always there

    def _part(self, part: Part, flag: str) -> int:
        """Steps under an `if`; without them their result is `instead`. Gives the step after them."""
        if self.open:
            self._close()
        before = self.name_of[part.instead]
        inside = sum(part.start <= reader < part.stop for reader in self.readers.get(part.instead, []))
        # Where nothing later needs `instead`, the result takes its name: no `else`.
        takes_name = self.left[part.instead] == inside + 1 and part.value[0] == part.stop - 1
        self.left[part.instead] -= takes_name
        outer, self.lines = self.lines, []
        self._write(part.start, part.stop)
        if takes_name:
            self._close(before)
            if self.name_of[part.value] != before:
                self.lines.append(Line(f"{before} = {self.name_of[part.value]}"))
                self._hold(part.value, before)
            self.lines = [*outer, *self._under(flag)]
            return part.stop
        if self.open and not self.lines:
            self.left[part.instead] -= 1
            self.open = self.open._replace(text=f"{self.open.text} if self.{flag} else {before}")
            self._close()
            self.lines = [*outer, *self.lines]
            return part.stop
        self._close()
        self.left[part.instead] -= 1
        self.lines = [*outer, Line(f"{self.name_of[part.value]} = {before}"), *self._under(flag)]
        return part.stop

    def _under(self, flag: str) -> list[Line]:
        return [Line(f"if self.{flag}:"), *(line.indented() for line in self.lines)]

    # ---- names

    def _operand(self, ref: Ref, brackets: bool = False) -> str:
        """A value as it stands in an expression; brackets: round what is no single name or call."""
        self.left[ref] -= 1
        if self.open and self.open.ref == ref:
            text, infix, self.open = self.open.text, self.open.is_infix, None
            return f"({text})" if infix and brackets else text
        return self.name_of[ref]

    def _close(self, name: str = "") -> None:
        """Give the open value a name, on a line of its own."""
        if self.open is None:
            return
        ref, text = self.open.ref, self.open.text
        self.open = None
        name = name or self._new_name(ref, self.made.steps[ref[0]].inputs)
        self._hold(ref, name)
        self.lines.append(Line(f"{name} = {text}", self._comment(ref)))

    def _hold(self, ref: Ref, name: str) -> None:
        self.name_of[ref] = name
        self.held[name] = {other for other in self.held.get(name, ()) if self.left[other] > 0} | {ref}

    def _new_name(self, ref: Ref, operands: tuple[Ref, ...], wanted: str = "") -> str:
        """`x` where that is free; a branch of several is numbered."""
        if wanted:
            taken = {*NAMES, *TAKEN, *self.made.borrowed}
            while wanted in taken or keyword.iskeyword(wanted) or not self._is_free(wanted):
                wanted += "_"
            return wanted
        branch = self._branch(ref)
        if branch and self._is_free(branch):
            return branch
        numbered = (f"y{n}" for n in count(2))
        dying = [self.name_of[i] for i in operands if i in self.name_of and not self.name_of[i].startswith("branch")]
        return next(name for name in chain(("x", *dying, *NAMES), numbered) if self._is_free(name))

    def _is_free(self, name: str) -> bool:
        return all(self.left[ref] <= 0 for ref in self.held.get(name, ()))

    def _branch(self, ref: Ref) -> str:
        """`branch3` for a value that goes, by itself, into the third place of a step that joins more than two."""
        branch, passed = "", []
        while ref not in self.branches:
            passed.append(ref)
            readers = self.readers.get(ref, [])
            step = self.made.steps[readers[0]] if len(readers) == 1 and ref not in self.made.returns else None
            if step is None or len(step.inputs) > 1 or len(step.shapes) > 1:
                joins_several = step is not None and len(step.inputs) > 2
                branch = f"branch{step.inputs.index(ref) + 1}" if step and joins_several else ""
                break
            ref = (readers[0], 0)
        branch = self.branches.get(ref, branch)
        self.branches.update(dict.fromkeys(passed, branch))
        return branch

    def _comment(self, ref: Ref) -> str:
        """The shape of a value, where it is the same in all calls of the class and was not said right before."""
        shapes = {step.shapes[ref[1]] for step in self.made.at(ref[0]) if step} if ref[0] >= 0 else set()
        before, self.last_shape = self.last_shape, size_text(shapes.pop()) if len(shapes) == 1 else ""
        return self.last_shape if self.last_shape != before else ""


def _reached(way: Way) -> str:
    """The module of shared layers that are used first elsewhere."""
    return attribute(*way[1:]) if way[0] == "self" else way[0]


def is_written_as_function(made: Class, index: int) -> bool:
    """Whether a step needs no module: a function whose arguments are the same in all calls of the class."""
    step = made.steps[index]
    if step.target is None or not is_function(step.target):
        return False
    first = step.target.kwargs
    return all(other.target.kwargs == first for other in made.at(index) if other and other.target)
