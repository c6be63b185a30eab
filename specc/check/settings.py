"""The sections `data`, `train` and `export`: each setting of its kind, or its default."""

from specc.check.bind import Binder
from specc.check.scope import Scope
from specc.check.spec import Spec
from specc.diagnostics import nearest
from specc.kinds import Chain, Either, Kind, Maybe, One
from specc.ops.op import REQUIRED
from specc.tricks import TRICKS
from specc.tricks.sections import SECTIONS
from specc.values import UNKNOWN, Args


def file_scope(spec: Spec, binder: Binder) -> Scope:
    """The names that a file's own `let`s bind."""
    scope = Scope()
    for let in spec.lets.values():
        scope.names[let.name] = binder.evaluate(let.value, scope, None)
    return scope


def near_setting(section: str, name: str) -> str:
    """The help for a setting that a section does not have: the nearest one, or where such a thing is said."""
    params = {param.name: param for param in SECTIONS[section]}
    for other, others in SECTIONS.items():
        if any(param.name == name for param in others):
            return f"`{name}` is a setting of `{other}`"
    near = nearest(name, params)
    if near:
        return near
    for param in params.values():
        tricks = [trick for family in families(param.kind) for trick in TRICKS[family].values()]
        takers = [trick.name for trick in tricks if any(name == argument.name for argument in trick.params)]
        if takers:
            default = getattr(param.default, "name", "")
            call = default if default in takers else takers[0]
            return f"`{name}` is an argument within `{param.name}`: {param.name} = {call}({name}=…)"
    return f"the settings of `{section}` are {', '.join(params)}"


def families(kind: Kind) -> tuple[str, ...]:
    """The families of the vocabulary that a kind takes."""
    match kind:
        case One(family=family) | Chain(family=family):
            return (family,)
        case Maybe(kind=inner):
            return families(inner)
        case Either(kinds=kinds):
            return tuple(family for inner in kinds for family in families(inner))
        case _:
            return ()


def settings(spec: Spec, section: str, binder: Binder, scope: Scope) -> Args | None:
    """The settings of a section; None where a required one is missing or the section has errors."""
    params = {param.name: param for param in SECTIONS[section]}
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
            value = binder.evaluate(setting.value, scope, None)
            values[name] = binder.fit(value, param.kind, f"`{section}.{name}`", setting.value.span, scope)
        else:
            values[name] = param.default
    missing = [name for name, value in values.items() if value is REQUIRED]
    muddled = spec.is_broken or any(name not in params for name in given)  # it may be there, but misspelt
    for name in () if muddled else missing:
        span = spec.section_spans[section]
        help = f"`{name}` is {params[name].kind.needs}: {params[name].doc}"
        binder.error("E206", f"`{section}` needs `{name}`", span, help=help)
    return None if missing or UNKNOWN in values.values() else Args(**values)
