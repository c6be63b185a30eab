"""Changing a spec by paths: the settings of a variant, a search or `--set` replace those of the file."""

from collections.abc import Sequence
from typing import Any

from specc.check.calls.families import article
from specc.check.gather.spec import Spec
from specc.check.problems import Problems
from specc.check.settings import families, near_setting
from specc.diagnostics import nearest
from specc.ops import OPS
from specc.source import Source, Span
from specc.syntax import tree as t
from specc.syntax.parse import parse_expression
from specc.tricks import COMPONENTS
from specc.tricks.sections import SECTIONS
from specc.values import Bound, show
from specc.vocabulary.family import Wrapper


def parse_set(text: str, problems: Problems) -> t.Setting | None:
    """The setting that `--set PATH=VALUE` gives; None where it cannot be read."""
    path, equals, value = text.partition("=")
    parts = tuple(part.strip() for part in path.split("."))
    source = Source(f"--set {path.strip()}", text)
    whole = Span(source, 0, len(text))
    if not equals or not value.strip() or not all(parts):
        problems.report("E107", "expected PATH=VALUE", whole, help="for example --set train.epochs=3")
        return None
    expression, diagnostics = parse_expression(Source(f"--set {path.strip()}", value.strip()))
    for diagnostic in diagnostics:
        problems.add(diagnostic)
    return None if expression is None else t.Setting(parts, expression, whole, Span(source, 0, len(path)))


def override(base: Spec, settings: Sequence[t.Setting], problems: Problems) -> Spec:
    """The spec with these settings applied; a path that leads nowhere is reported with the nearest name."""
    spec = base.copy()
    for setting in settings:
        root = setting.path[0]
        change = Change(spec, setting, problems)
        if root not in ("network", *SECTIONS):
            change.lost(
                f"unknown path `{'.'.join(setting.path)}`: there is no section called `{root}`", change.near_root()
            )
        elif len(setting.path) == 1:
            change.lost(f"`{root}` is not a setting", f"name a setting inside it: {root}.NAME")
        elif root == "network":
            change.network()
        else:
            change.section()
    return spec


class Change:
    """One setting on its way to its place in a spec."""

    def __init__(self, spec: Spec, setting: t.Setting, problems: Problems) -> None:
        self.spec, self.setting, self.problems = spec, setting, problems

    def lost(self, message: str, help: str = "", code: str = "E217") -> None:
        """Report a path that names nothing."""
        self.problems.report(code, message, self.setting.path_span, help=help)

    def near_root(self) -> str:
        """The help for a path that begins wrongly."""
        root = self.setting.path[0]
        known = {param.name: f"{section}.{param.name}" for section, params in SECTIONS.items() for param in params}
        known |= {parameter.name: f"network.{parameter.name}" for parameter in self._parameters()}
        if root in known:
            return f"did you mean `{known[root]}`?"
        roots = ["network", *SECTIONS]
        return nearest(root, roots) or f"a path starts with {', '.join(roots[:-1])} or {roots[-1]}"

    def _parameters(self) -> tuple[t.Parameter, ...]:
        return self.spec.network.parameters if self.spec.network else ()

    def network(self) -> None:
        """Change the default of a parameter of the network."""
        network, name = self.spec.network, self.setting.path[1]
        if network is None and self.spec.is_broken:
            return
        if network is None:
            self.lost("this file has no network to change")
            return
        names = [parameter.name for parameter in network.parameters]
        if name not in names:
            known = f"its parameters are {', '.join(names)}" if names else "it has no parameters"
            self.lost(f"network `{network.name}` has no parameter `{name}`", nearest(name, names) or known)
            return
        parameters, position = list(network.parameters), names.index(name)
        value = self._in(parameters[position].default, self.setting.path[2:], ())
        if value is not None:
            parameters[position] = parameters[position]._replace(default=value)
            self.spec.network = network._replace(parameters=tuple(parameters))

    def section(self) -> None:
        """Change a setting of a section."""
        section, name, *rest = self.setting.path
        params = {param.name: param for param in SECTIONS[section]}
        if name not in params:
            self.lost(f"`{section}` has no setting `{name}`", near_setting(section, name), "E210")
            return
        settings = self.spec.sections.setdefault(section, {})
        self.spec.section_spans.setdefault(section, self.setting.path_span)
        current = settings[name].value if name in settings else _written(params[name].default) if rest else None
        value = self._in(current, rest, families(params[name].kind))
        if value is not None:
            settings[name] = t.Setting((name,), value, self.setting.span, self.setting.path_span)

    def _in(self, current: Any, path: Sequence[str], families: Sequence[str]) -> Any:
        """`current` with the argument at `path` replaced by the setting's value; None where the path leads nowhere.

        families: those of the vocabulary that may stand there; none where everything may.
        """
        if not path:
            return self.setting.value
        match current:
            case t.Group(value=inner):
                return self._in(inner, path, families)
            case t.Name(name=name) if name in self.spec.lets:
                return self._in(self.spec.lets[name].value, path, families)
            case t.Name(name=name, span=span):
                return self._in_call(t.Call(name, (), None, span, span), path, families)
            case t.Call():
                return self._in_call(current, path, families)
            case t.Pipe(stages=stages):
                return self._in_pipe(current, stages, path, families)
        written = ".".join(self._before(path))
        self.lost(f"`{written}` is not a call, so it has no argument `{path[0]}`", f"set `{written}` as a whole")
        return None

    def _in_call(self, call: t.Call, path: Sequence[str], families: Sequence[str]) -> Any:
        names, what = self._signature(call.name, families)
        if names is not None and path[0] not in names:
            if path[0] == call.name and len(path) > 1:  # the name of the only stage of a pipeline
                return self._in_call(call, path[1:], families)
            known = f"it takes {', '.join(names)}" if names else "it takes no arguments"
            word = COMPONENTS["optimizer"].get(call.name)
            if isinstance(word, Wrapper):
                known += f"; arguments of what it wraps are at `{'.'.join(self._before(path))}.{word.wraps}`"
            self.lost(f"`{call.name}` ({what}) has no argument `{path[0]}`", nearest(path[0], names) or known)
            return None
        arguments = list(call.arguments)
        place = dict(enumerate(names or ()))
        position = next((i for i, a in enumerate(arguments) if (a.name or place.get(i)) == path[0]), None)
        current = self._default(call.name, path[0], families) if position is None else arguments[position].value
        value = self._in(current, path[1:], ())
        if value is None:
            return None
        if position is None:
            arguments.append(t.Argument(path[0], value, self.setting.path_span))
        else:
            arguments[position] = arguments[position]._replace(value=value)
        return call._replace(arguments=tuple(arguments), parens=True)

    def _before(self, path: Sequence[str]) -> tuple[str, ...]:
        """The setting's path up to what is left of it."""
        return self.setting.path[: len(self.setting.path) - len(path)]

    def _signature(self, name: str, families: Sequence[str]) -> tuple[list[str] | None, str]:
        """The parameters of a call and what it is; None where the name is not known."""
        if not families and name in self.spec.blocks:
            return [parameter.name for parameter in self.spec.blocks[name].parameters], "a block"
        if not families and name in OPS:
            return [param.name for param in OPS[name].params], "a layer"
        for family in families or COMPONENTS:
            if name in COMPONENTS[family]:
                return [param.name for param in COMPONENTS[family][name].params], article(family)
        return None, ""

    def _default(self, call: str, name: str, families: Sequence[str]) -> Any:
        """The default of an argument of a trick, as an expression; None where that is no call."""
        tricks = [COMPONENTS[family][call] for family in families if call in COMPONENTS[family]]
        return next((_written(param.default) for trick in tricks for param in trick.params if param.name == name), None)

    def _in_pipe(self, pipe: t.Pipe, stages: Sequence[Any], path: Sequence[str], families: Sequence[str]) -> Any:
        names = [stage.name if isinstance(stage, t.Name | t.Call) else "" for stage in stages]
        if path[0] not in names or len(path) < 2:
            if path[0] in names:
                self.lost(
                    f"this path does not name an argument of `{path[0]}`",
                    f"name one: {'.'.join(self.setting.path)}.NAME",
                )
            else:
                known = f"its stages are {', '.join(name for name in names if name)}"
                self.lost(f"the pipeline has no stage `{path[0]}`", nearest(path[0], names) or known)
            return None
        position = names.index(path[0])
        value = self._in(stages[position], path[1:], families)
        return None if value is None else pipe._replace(stages=(*stages[:position], value, *stages[position + 1 :]))


def _written(default: Any) -> Any:
    """The expression of a default that is a call or a pipeline of calls; None for any other."""
    calls = default if isinstance(default, tuple) and not isinstance(default, Bound) else (default,)
    if not calls or not all(isinstance(call, Bound) for call in calls):
        return None
    expression, _ = parse_expression(Source("default", show(default)))
    return expression
