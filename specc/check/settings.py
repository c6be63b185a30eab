"""What a file says outside of its network: its `let`s, and the sections `data`, `train` and `export`."""

from typing import Any, TypeVar

from specc.check.calls.binder import Binder
from specc.check.expressions.scope import Scope, shorten
from specc.check.gather.spec import Spec
from specc.diagnostics import nearest
from specc.syntax import tree as t
from specc.tricks import COMPONENTS
from specc.tricks.sections import SECTIONS
from specc.values import UNKNOWN
from specc.vocabulary.kinds import Calls, Chain, Either, Kind, Maybe, One
from specc.vocabulary.param import REQUIRED
from specc.vocabulary.settings import Settings

S = TypeVar("S", bound=Settings)


class _Lets(Scope):
    """The file's own `let`s and `shared`s, in any order: each is evaluated when its name is first looked up."""

    __slots__ = ("binder", "open", "waiting")

    def __init__(self, lets: dict[str, t.Let | t.Shared], binder: Binder) -> None:
        super().__init__()
        self.binder = binder
        self.waiting = dict(lets)
        self.open: dict[str, t.Let | t.Shared] = {}  # those being evaluated

    def find(self, name: str) -> tuple[bool, Any]:
        if name in self.waiting:
            self.open[name] = self.waiting.pop(name)
            self.names[name] = self.binder.evaluator.bound(self.open[name], self, None)
            del self.open[name]
        elif name in self.open:
            if name == next(reversed(self.open)):
                return False, None  # `let relu = relu`: what the name means without it
            circle = list(self.open)[list(self.open).index(name) :]
            message = f"`{name}` is defined in terms of itself: {' -> '.join([*circle, name])}"
            self.binder.error("E221", shorten(message, 200), self.open[name].name_span)
            return True, UNKNOWN
        return super().find(name)


def file_scope(spec: Spec, binder: Binder) -> Scope:
    """The names that a file's own `let`s bind."""
    lets = _Lets(spec.lets, binder)
    for name in spec.lets:
        lets.find(name)
    return lets


def near_setting(section: str, name: str) -> str:
    """The help for a setting that a section does not have: the nearest one, or where it belongs."""
    params = {param.name: param for param in SECTIONS[section]}
    for other, others in SECTIONS.items():
        if any(param.name == name for param in others):
            return f"`{name}` is a setting of `{other}`"
    near = nearest(name, params)
    if near:
        return near
    for param in params.values():
        tricks = [trick for family in families(param.kind) for trick in COMPONENTS[family].values()]
        takers = [trick.name for trick in tricks if any(name == argument.name for argument in trick.params)]
        if takers:
            default = getattr(param.default, "name", "")
            call = default if default in takers else takers[0]
            return f"`{name}` is an argument of `{call}`: {param.name} = {call}({name}=…)"
    return f"the settings of `{section}` are {', '.join(params)}"


def families(kind: Kind) -> tuple[str, ...]:
    """The families of the vocabulary that a kind takes."""
    match kind:
        case One(family=family) | Chain(family=family) | Calls(family=family):
            return (family,)
        case Maybe(kind=inner):
            return families(inner)
        case Either(kinds=kinds):
            return tuple(family for inner in kinds for family in families(inner))
        case _:
            return ()


def settings(spec: Spec, section: str, kind: type[S], binder: Binder, scope: Scope) -> S | None:
    """The settings of a section; None where a required one is missing or the section has errors."""
    params = {param.name: param for param in kind.params}
    given = spec.sections.get(section, {})
    for name, setting in given.items():
        if name not in params:
            message = f"`{section}` has no setting `{name}`"
            free = [param for param in params if param not in given]
            binder.error("E210", message, setting.path_span, help=near_setting(section, name), known=free.copy)
    values = {}
    for name, param in params.items():
        if name in given:
            setting = given[name]
            value = binder.evaluator.evaluate(setting.value, scope, None)
            values[name] = binder.fit(value, param.kind, f"`{section}.{name}`", setting.value.span, scope)
        else:
            values[name] = param.default
    missing = [name for name, value in values.items() if value is REQUIRED]
    is_uncertain = spec.is_broken or any(name not in params for name in given)  # it may be there, but misspelled
    for name in () if is_uncertain else missing:
        span = spec.section_spans[section]
        help = f"`{name}` is {params[name].kind.needs}: {params[name].doc}"
        binder.error("E206", f"`{section}` needs `{name}`", span, help=help)
    return None if missing or UNKNOWN in values.values() else kind(**values)
