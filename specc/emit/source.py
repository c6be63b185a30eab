"""The emitted file: its docstring, preprocessing, our own modules where they are used, a class for each block."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from specc.check import Checked
from specc.check.verify.task import task_of
from specc.emit.arguments import ABSENT, Arguments, Parameter, literal
from specc.emit.classes import Class, classes_of
from specc.emit.forward import Forward, is_written_as_function
from specc.emit.layers import OURS, POSITIONAL, arguments_text, helpers, is_of_package, module_of
from specc.emit.names import attribute, name_classes
from specc.emit.preprocess import preprocessing
from specc.emit.runs import Run, runs_of
from specc.emit.scopes import Scope, Step, scopes_of
from specc.emit.text import INDENT, Line
from specc.ir.graph import Graph
from specc.tasks import MULTILABEL, REGRESSION, SEGMENTATION
from specc.vocabulary.shape import size_text
from specc.vocabulary.target import Target


def emit(checked: Checked, graph: Graph, sets: Sequence[str] = ()) -> str:
    """The source of a network. sets: what `--set` changed first, for the docstring.

    Its state dict has the keys and shapes of the network that `specc train` trains. Like that one it gives logits, or
    standardized numbers, and in training, where there are auxiliary classifiers, a pair of them and of a dictionary of
    theirs.
    """
    program = Program(graph, "numbers" if task_of(checked.data) == REGRESSION else "logits")
    body, modules = program.text(), program.modules
    if checked.data is not None and len(graph.input) == 3:
        preprocess = preprocessing(checked.data, graph.input)
        body = "\n".join(preprocess.lines) + "\n\n\n" + body
        modules = modules | preprocess.modules
    parts = [f'"""{_docstring(checked, graph, sets, sorted(modules))}"""', ""]
    gap = [""] if body.startswith(("class", "def")) else []
    return "\n".join([*parts, *_imports(body, sorted(modules)), *gap, body])


def _docstring(checked: Checked, graph: Graph, sets: Sequence[str], modules: Sequence[str]) -> str:
    origin = _quoted(PurePath(checked.source.path).name)
    variant = f", variant `{checked.variant}`" if checked.variant else ""
    heads = f" ({graph.parameters_exported:,} without its auxiliary classifiers)" if graph.heads else ""
    lines = [
        f"{graph.name}, written by `specc emit` from {origin}{variant}.",
        *(f"Overridden: {_quoted(text)}" for text in sets),
        "",
        f"{graph.parameters:,} parameters{heads}.",
        f"{graph.total_macs:,} multiply-accumulates for an image of {size_text(graph.input)}.",
        "Its state dict has the same keys as the network that `specc train` trains. Shapes omit the batch dimension.",
        "Fresh weights are PyTorch's; `specc show --init` prints how `specc train` starts them.",
    ]
    if modules:
        lines += ["", f"It needs packages that are installed beside specc: {', '.join(modules)}."]
    note = _about_output(checked, graph)
    return "\n".join([*lines, *(["", note] if note else []), ""])


def _about_output(checked: Checked, graph: Graph) -> str:
    """What the network gives, where the drawing or the task says that an exported file gives something else."""
    task = task_of(checked.data)
    if graph.ends_in_softmax or task == SEGMENTATION:
        return "It returns logits, which its loss expects; `.softmax(1)` turns them into probabilities."
    if task == MULTILABEL:
        return "It returns logits, which its loss expects; `.sigmoid()` turns them into probabilities."
    if task == REGRESSION and checked.data is not None and checked.data.targets == "standard":
        return (
            "It returns standardized numbers: times `std`, plus `mean`, of `scale` in a run's `run.json`, they are in\n"
            "the units of the data."
        )
    return ""


def _quoted(text: str) -> str:
    """What a user wrote, as it may stand in a docstring."""
    return " ".join(text.split()).replace("\\", "/").replace('"', "'")


def _imports(body: str, modules: Sequence[str]) -> list[str]:
    """Only what the source uses. modules: of packages."""
    lines = ["from collections.abc import Sequence"] if "Sequence[" in body else []
    lines += ["from types import SimpleNamespace"] if "SimpleNamespace(" in body else []
    lines += [""] if lines else []
    lines += [f"import {module}" for module in modules]
    if "torch." in body.replace("torch.nn", ""):
        lines.append("import torch")
    if "F." in body:
        lines.append("import torch.nn.functional as F")
    return [*lines, "from torch import Tensor, nn", ""]


class Program:
    """The classes of a network, each with its arguments and loops. gives: what it returns, in words."""

    def __init__(self, graph: Graph, gives: str = "logits") -> None:
        self.graph, self.gives = graph, gives
        self.root_scope = scopes_of(graph)
        self.classes = classes_of(self.root_scope)
        self.root = self.classes[self.root_scope]
        self.arguments = {made: Arguments(made) for made in dict.fromkeys(self.classes.values())}
        while sum(one.work_out(self.arguments, self.classes) for one in self.arguments.values()):
            pass
        self.order = self._callees_first()
        targets = self._targets()
        ours = {module_of(target)[0] for target in targets if target.path.startswith(OURS)}
        self.helpers = {name for name in ours if not name.startswith("nn.")}
        self.modules = {target.path.rpartition(".")[0] for target in targets if is_of_package(target)}
        taken = self.helpers | {module.partition(".")[0] for module in self.modules}
        name_classes(graph.name, self.root, self.order[:-1], taken)

    def _callees_first(self) -> list[Class]:
        """A class after those that it calls, the network last."""
        order: dict[Class, None] = {}
        visited: set[Class] = set()

        def visit(made: Class) -> None:
            if made in visited:
                return
            visited.add(made)
            for scope in made.members:
                for child in scope.children:
                    if isinstance(child, Scope) and child.first is None:
                        visit(self.classes[child])
            order[made] = None

        visit(self.root)
        return list(order)

    def _targets(self) -> list[Target]:
        """The layers that are written as modules."""
        return [
            step.target
            for made in self.arguments
            for index, step in enumerate(made.steps)
            if step.target and not is_written_as_function(made, index)
        ]

    def text(self) -> str:
        parts = helpers(self.helpers)
        parts += ["\n".join(map(str, self._class(made))) for made in self.order]
        return "\n\n\n".join(parts) + "\n"

    # ---- one class

    def _class(self, made: Class) -> Iterator[Line]:
        arguments = self.arguments[made]
        runs = runs_of(made, arguments.written, self.classes)
        forward = Forward(made, arguments.written, [name for name, _ in arguments.flags], runs)
        yield Line(f"class {made.name}(nn.Module):")
        yield Line(f'{INDENT}"""{self._about(made)}"""')
        yield Line("")
        body = list(self._modules(made, runs))
        if body:
            yield Line(f"{INDENT}def __init__({', '.join(['self', *map(_declared, arguments.parameters())])}) -> None:")
            yield Line(f"{INDENT * 2}super().__init__()")
            yield from (line.indented(INDENT * 2) for line in body)
            yield Line("")
        given = [f"{name}: Tensor" for name in forward.inputs] + [f"{name}: nn.Module" for name in made.borrowed]
        inputs = ", ".join(given)
        yield Line(f"{INDENT}def forward(self, {inputs}) -> {self._returned(made)}:")
        ending = self._root_ending(forward) if made is self.root else [forward.result()]
        yield from (line.indented(INDENT * 2) for line in (*forward.lines, *ending))

    def _about(self, made: Class) -> str:
        if made is self.root:
            return f"{size_text(self.graph.input)} -> {size_text(self.graph.output_shape)}, {self.gives}."
        first = made.members[0]
        what = f"Block `{made.block}`" if first.call else "An auxiliary classifier, for training only"
        if first.call and first.call.sharing:
            what = f"Layers `{made.block}`, whose weights all uses share"
        shapes = f"{size_text(first.input_shapes[0])} -> {size_text(_first_shape(first))}"
        count = len(made.members)
        return f"{what}, {count} times; the first is {shapes}." if count > 1 else f"{what}: {shapes}."

    def _root_ending(self, forward: Forward) -> list[Line]:
        logits, *heads = forward.values(flatten=True)
        if not heads:
            return [Line(f"return {logits}", size_text(self.graph.output_shape))]
        given = ", ".join(f'"{head.name}": {value}' for head, value in zip(self.graph.heads, heads, strict=True))
        return [
            Line("if self.training:"),
            Line(f"{INDENT}return {logits}, {{{given}}}"),
            Line(f"return {logits}"),
        ]

    def _returned(self, made: Class) -> str:
        if made is self.root:
            return "Tensor | tuple[Tensor, dict[str, Tensor]]" if self.graph.heads else "Tensor"
        first = made.members[0]
        kinds = ["Tensor" if head == first.head else "Tensor | None" for head in first.result_heads]
        return kinds[0] if len(kinds) == 1 else f"tuple[{', '.join(kinds)}]"

    def _modules(self, made: Class, runs: list[Run]) -> Iterator[Line]:
        """The body of the constructor."""
        arguments = self.arguments[made]
        loops = {run.start: run for run in runs}
        inside = {index: run for run in runs for index in range(run.start, run.stop)}
        parts = {index: part for part in made.parts for index in range(part.start, part.stop)}
        for flag, condition in arguments.flags:
            yield Line(f"self.{flag} = {condition}")
        flags = {part: flag for part, (flag, _) in zip(made.parts, arguments.flags, strict=True)}
        current = None
        for index, step in enumerate(made.steps):
            if is_written_as_function(made, index) or step.module:
                continue
            part = parts.get(index)
            if part is not None and part is not current:
                yield Line(f"if self.{flags[part]}:")
            current = part
            indent = INDENT if part else ""
            if index in loops:
                run = loops[index]
                called = self._made(made, index, run.arguments(arguments.written[index]))
                yield Line(f"{indent}for i in {run.numbers}:")
                yield Line(f'{indent}{INDENT}self.add_module(f"{run.stem}{{i}}", {called})')
            elif index not in inside:
                text = f"{attribute(step.name)} = {self._made(made, index, arguments.written[index])}"
                yield Line(indent + text + ("" if step.is_trainable else ".requires_grad_(False)"))

    def _made(self, made: Class, index: int, written: dict[str, str]) -> str:
        """The call that makes a module."""
        step: Step = made.steps[index]
        if step.scope is None:
            assert step.target is not None
            return f"{module_of(step.target)[0]}({', '.join(arguments_text(written, POSITIONAL))})"
        called = self.classes[step.scope]
        parameters = self.arguments[called].parameters()
        given = {
            p.name: written[p.name] for p in parameters if p.default is ABSENT or written[p.name] != literal(p.default)
        }
        widths = {p.name for p in parameters if p.default is ABSENT} & self.arguments[called].widths
        return f"{called.name}({', '.join(arguments_text(given, widths))})"


def _declared(parameter: Parameter) -> str:
    default = "" if parameter.default is ABSENT else f" = {literal(parameter.default)}"
    return f"{parameter.name}: {parameter.type}{default}"


def _first_shape(scope: Scope) -> tuple[int, ...]:
    index, which = scope.returns[0]
    return scope.steps[index].shapes[which]
