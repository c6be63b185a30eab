"""Which options a command line gives, and which of them exclude each other: nothing that is asked for is ignored.

Options are called what the user writes (`--set`), arguments what the help calls them (`FILE`).
"""

from collections.abc import Collection, Sequence
from copy import copy
from typing import Any, NamedTuple

import typer

from specc.errors import SpeccError, clean


class Mode(NamedTuple):
    """One of several things that a command does.

    option: what asks for it; "" for the one that no option asks for. does: in words, for messages, to follow "which".
    honors: all that it takes note of; whatever else is given with it is refused.
    """

    option: str
    does: str
    honors: frozenset[str]


def given(context: typer.Context) -> list[str]:
    """What the command line gives, in the order of the help."""
    names = []
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            names.append(written(parameter))
    return names


def written(parameter: Any) -> str:
    """What a user calls a parameter: `--device`, or `FILE`."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    return str(max(parameter.opts, key=len))  # `--quiet`, not `-q`


def refuse_repeated(context: typer.Context, arguments: Sequence[str]) -> None:
    """Raise SpeccError E475 where an option that holds one value is given several: all but the last would be ignored.

    arguments: the command line, which has been parsed once without an error.
    """
    parser = type(context.command.make_parser(context))(context)
    single: list[Any] = []
    parameter: Any
    for parameter in context.command.get_params(context):
        if parameter.param_type_name == "option" and not parameter.is_flag and not parameter.multiple:
            single.append(parameter)
            parameter = copy(parameter)
            parameter.multiple = True
        parameter.add_to_parser(parser, context)
    values, _, _ = parser.parse_args(args=list(arguments))
    for parameter in single:
        several = values.get(parameter.name, ())
        if len(several) > 1:
            message = f"{written(parameter)} is given more than once: {', '.join(several[:-1])} and {several[-1]}"
            raise SpeccError("E475", clean(message), help="give only one of them")


def mode_of(names: Sequence[str], modes: Sequence[Mode], default: Mode) -> Mode:
    """The one mode that is asked for.

    Raises SpeccError E475 where there are two, or where an option is given that the mode takes no note of.
    """
    asked = [mode for mode in modes if mode.option in names]
    if len(asked) > 1:
        one, other = asked[:2]
        message = (
            f"{one.option} cannot be combined with {other.option}: {one.option} {one.does}; {other.option} {other.does}"
        )
        raise SpeccError("E475", message, help="remove one of them")
    mode = asked[0] if asked else default
    for name in names:
        if name not in mode.honors and name != mode.option:
            raise SpeccError(
                "E475", f"{name} cannot be combined with {mode.option}, which {mode.does}", help=_advice(name)
            )
    return mode


def _advice(name: str) -> str:
    return "remove one of them" if name.startswith("--") else f"remove {name}"


def only_one(names: Collection[str], options: Sequence[str], because: str) -> None:
    """Raise SpeccError E475 where two of several options are given."""
    asked = [option for option in options if option in names]
    if len(asked) > 1:
        raise SpeccError(
            "E475", f"{asked[0]} cannot be combined with {asked[1]}: {because}", help="give only one of them"
        )


def refuse_with(names: Collection[str], option: str, ignored: Sequence[str], because: str) -> None:
    """Raise SpeccError E475 where one of the options in `ignored` is given together with `option`."""
    other = next((name for name in ignored if name in names), None)
    if option in names and other is not None:
        raise SpeccError("E475", f"{other} cannot be combined with {option}, which {because}", help=_advice(other))


def settings(sets: Sequence[str] | None, **shortcuts: float | None) -> list[str]:
    """What `--set` gives, and what stands for `--set`: `seed=3`, for `--seed 3`, is `train.seed=3`.

    Raises SpeccError E475 where one setting is given twice: one of the two would be ignored.
    """
    places: dict[str, str] = {}
    for text in sets or ():
        path = "".join(text.partition("=")[0].split())
        if path in places:
            raise SpeccError("E475", f"--set {text} conflicts with --set {places[path]}", help="give only one of them")
        places[path] = text
    result = [*(sets or ())]
    for name, value in shortcuts.items():
        if value is not None:
            same = places.get(f"train.{name}")
            if same is not None:
                message = f"--{name} conflicts with --set {same}: both set train.{name}"
                raise SpeccError("E475", message, help="give only one of them")
            result.append(f"train.{name}={value!r}")
    return result
