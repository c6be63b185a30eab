"""Changing a spec by paths: what a variant, a search or `--set` says replaces what the file says."""

from collections.abc import Sequence
from typing import Any

from specc.check.bind import article
from specc.check.problems import Problems
from specc.check.spec import Spec
from specc.diagnostics import nearest
from specc.source import Source, Span
from specc.syntax import tree as t
from specc.syntax.parse import parse_expression
from specc.tricks import TRICKS
from specc.tricks.sections import SECTIONS
from specc.values import show


def parse_set(text: str, problems: Problems) -> t.Setting | None:
    """The setting that `--set PATH=VALUE` gives; None where it cannot be read."""
    path, equals, value = text.partition("=")
    source = Source(f"--set {path.strip()}", text)
    whole = Span(source, 0, len(text))
    if not equals or not value.strip() or not path.strip():
        problems.report("E217", "a setting is given as PATH=VALUE", whole, help="for example --set train.epochs=3")
        return None
    expression, diagnostics = parse_expression(Source(f"--set {path.strip()}", value.strip()))
    for diagnostic in diagnostics:
        problems.add(diagnostic)
    if expression is None:
        return None
    return t.Setting(tuple(path.strip().split(".")), expression, whole, Span(source, 0, len(path)))


def override(spec: Spec, settings: Sequence[t.Setting], problems: Problems) -> None:
    """Apply settings to a spec in place; a path that leads nowhere is reported with the nearest name."""
    for setting in settings:
        root = setting.path[0]
        if root == "network":
            _override_network(spec, setting, problems)
        elif root in SECTIONS:
            _override_section(spec, setting, problems)
        else:
            roots = ["network", *SECTIONS]
            known = f"a path begins with {', '.join(roots[:-1])} or {roots[-1]}"
            message = f"`{'.'.join(setting.path)}` leads nowhere: there is no `{root}`"
            problems.report("E217", message, setting.path_span, help=nearest(root, roots) or known)


def _override_network(spec: Spec, setting: t.Setting, problems: Problems) -> None:
    if spec.network is None:
        problems.report("E217", "this file has no network to change", setting.path_span)
        return
    name = setting.path[1] if len(setting.path) > 1 else ""
    parameters = list(spec.network.parameters)
    names = [parameter.name for parameter in parameters]
    if name not in names:
        known = f"its parameters are {', '.join(names)}" if names else "it has no parameters"
        message = f"network `{spec.network.name}` has no parameter `{name}`"
        problems.report("E217", message, setting.path_span, help=nearest(name, names) or known)
        return
    position = names.index(name)
    current = parameters[position].default
    value = _descend(current, setting.path[2:], setting, problems)
    if value is not None:
        parameters[position] = parameters[position]._replace(default=value)
        spec.network = spec.network._replace(parameters=tuple(parameters))


def _override_section(spec: Spec, setting: t.Setting, problems: Problems) -> None:
    section = setting.path[0]
    params = {param.name: param for param in SECTIONS[section]}
    name = setting.path[1] if len(setting.path) > 1 else ""
    if name not in params:
        known = f"the settings of `{section}` are {', '.join(params)}"
        message = f"`{section}` has no setting `{name}`"
        problems.report("E210", message, setting.path_span, help=nearest(name, params) or known)
        return
    settings = spec.sections.setdefault(section, {})
    spec.section_spans.setdefault(section, setting.path_span)
    current = settings[name].value if name in settings else None
    if current is None and len(setting.path) > 2:
        current, _ = parse_expression(Source("default", show(params[name].default)))
    value = _descend(current, setting.path[2:], setting, problems)
    if value is not None:
        settings[name] = t.Setting((name,), value, setting.span, setting.path_span)


def _descend(current: Any, path: Sequence[str], setting: t.Setting, problems: Problems) -> Any:
    """`current` with the argument at `path` replaced by the setting's value; None where the path leads nowhere."""
    if not path:
        return setting.value
    match current:
        case t.Group(value=inner):
            return _descend(inner, path, setting, problems)
        case t.Name(name=name, span=span):
            return _descend(t.Call(name, (), None, span, span), path, setting, problems)
        case t.Call():
            return _in_call(current, path, setting, problems)
        case t.Pipe(stages=stages):
            return _in_pipe(current, stages, path, setting, problems)
    written = ".".join(setting.path[: len(setting.path) - len(path)])
    message = f"`{written}` is no call, so it has no argument `{path[0]}`"
    problems.report("E217", message, setting.path_span, help=f"set `{written}` as a whole")
    return None


def _in_call(call: t.Call, path: Sequence[str], setting: t.Setting, problems: Problems) -> Any:
    trick = next((tricks[call.name] for tricks in TRICKS.values() if call.name in tricks), None)
    names = [param.name for param in trick.params] if trick else []
    if trick is not None and path[0] not in names:
        known = f"it takes {', '.join(names)}" if names else "it takes no arguments"
        message = f"`{call.name}` ({article(trick.family)}) has no argument `{path[0]}`"
        problems.report("E217", message, setting.path_span, help=nearest(path[0], names) or known)
        return None
    arguments = list(call.arguments)
    for position, argument in enumerate(arguments):
        if (argument.name or (names[position] if position < len(names) else "")) == path[0]:
            value = _descend(argument.value, path[1:], setting, problems)
            arguments[position] = argument._replace(value=value)
            return None if value is None else call._replace(arguments=tuple(arguments))
    value = _descend(None, path[1:], setting, problems)
    if value is None:
        return None
    arguments.append(t.Argument(path[0], value, setting.path_span))
    return call._replace(arguments=tuple(arguments), parens=True)


def _in_pipe(pipe: t.Pipe, stages: Sequence[Any], path: Sequence[str], setting: t.Setting, problems: Problems) -> Any:
    names = [stage.name if isinstance(stage, t.Name | t.Call) else "" for stage in stages]
    if path[0] not in names or len(path) < 2:
        message = f"the pipeline has no `{path[0]}`" if path[0] not in names else f"say which argument of `{path[0]}`"
        known = ", ".join(name for name in names if name)
        problems.report("E217", message, setting.path_span, help=nearest(path[0], names) or f"its stages are {known}")
        return None
    position = names.index(path[0])
    value = _descend(stages[position], path[1:], setting, problems)
    return None if value is None else pipe._replace(stages=(*stages[:position], value, *stages[position + 1 :]))
