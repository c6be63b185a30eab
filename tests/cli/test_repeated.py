"""An option that holds one value is given once, whatever the command; nothing runs that is given two."""

from collections.abc import Callable
from typing import Any

import pytest

from specc.cli import app
from specc.cli.options import written
from specc.errors import SpeccError

OPTIONS = [
    (name, parameter)
    for name in app.COMMANDS
    for parameter in app.load(name).params
    if parameter.param_type_name == "option"
]


def values(parameter: Any) -> tuple[str, str]:
    """Two values that the option takes."""
    choices = getattr(parameter.type, "choices", None)
    if choices:
        return tuple(str(getattr(choice, "value", choice)) for choice in (*choices, *choices))[:2]  # type: ignore[return-value]
    if parameter.type.name.startswith("float"):
        low = int(getattr(parameter.type, "min", None) or 0)
        return f"{low}.25", f"{low}.75"
    return ("3", "4") if parameter.type.name.startswith("int") else ("one", "other")


def parse(command: str, *options: str) -> Any:
    """What a command line with all arguments, these options and those that must be there gives to the command."""
    loaded = app.load(command)
    arguments = ["some" for one in loaded.params if one.param_type_name == "argument"]
    needed = [
        one for one in loaded.params if one.required and one.opts[0].startswith("-") and written(one) not in options
    ]
    arguments += [text for one in needed for text in (written(one), values(one)[0])]
    return loaded.make_context(command, [*arguments, *options]).params


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=lambda one: one if isinstance(one, str) else written(one))
def test_an_option_given_twice(command: str, option: Any) -> None:
    if option.is_flag:
        assert parse(command, *option.opts, *option.opts)[option.name] is True
        return
    first, second = values(option)
    twice = [written(option), first, f"{written(option)}={second}"]
    if option.multiple:
        assert len(parse(command, *twice)[option.name]) == 2
        return
    parse(command, *twice[:2])
    with pytest.raises(SpeccError, match=f"^{written(option)} is given more than once: {first} and {second}$") as error:
        parse(command, *twice)
    assert (error.value.code, error.value.status) == ("E475", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--device", "cpu", "--quiet", "--device", "cpu"), "cpu and cpu"),
        (("--device=a", "--device=b", "--device=c"), "a, b and c"),
        (("--device", "cpu", "--device", "--device"), "cpu and --device"),
        (("--device", "cpu", "--device", "a\x1b[31m"), "cpu and a"),
    ],
)
def test_what_is_said(specc: Callable[..., Any], arguments: tuple[str, ...], message: str) -> None:
    answer = specc("train", "net.cnn", *arguments)
    assert answer.status == 2 and f"error[E475]: --device is given more than once: {message}" in answer.err
    assert "\x1b[31m" not in answer.err


def test_help_and_what_cannot_be_read_come_first(specc: Callable[..., Any]) -> None:
    assert specc("train", "--device", "a", "--device", "b", "--help").status == 0
    assert "error[E483]" in specc("train", "net.cnn", "--device", "a", "--device").err


def test_behind_two_dashes_there_are_no_options() -> None:
    assert len(parse("check", "--", "--device", "--device")["files"]) == 3
