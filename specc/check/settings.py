"""The sections `data`, `train` and `export`: each setting of its kind, or its default."""

from specc.check.bind import Binder
from specc.check.scope import Scope
from specc.check.spec import Spec
from specc.diagnostics import nearest
from specc.ops.op import REQUIRED
from specc.tricks.sections import SECTIONS
from specc.values import UNKNOWN, Args


def file_scope(spec: Spec, binder: Binder) -> Scope:
    """The names that a file's own `let`s bind."""
    scope = Scope()
    for let in spec.lets.values():
        scope.names[let.name] = binder.evaluate(let.value, scope, None)
    return scope


def settings(spec: Spec, section: str, binder: Binder, scope: Scope) -> Args | None:
    """The settings of a section; None where a required one is missing or the section has errors."""
    params = {param.name: param for param in SECTIONS[section]}
    given = spec.sections.get(section, {})
    for name, setting in given.items():
        if name not in params:
            known = f"the settings of `{section}` are {', '.join(params)}"
            message = f"`{section}` has no setting `{name}`"
            binder.error("E210", message, setting.path_span, help=nearest(name, params) or known)
    values = {}
    for name, param in params.items():
        if name in given:
            setting = given[name]
            value = binder.evaluate(setting.value, scope, None)
            values[name] = binder.fit(value, param.kind, f"`{section}.{name}`", setting.value.span, scope)
        else:
            values[name] = param.default
    missing = [name for name, value in values.items() if value is REQUIRED]
    for name in missing:
        span = spec.section_spans[section]
        binder.error("E206", f"`{section}` needs `{name}`", span, help=f"`{name}` is {params[name].kind.needs}")
    return None if missing or UNKNOWN in values.values() else Args(**values)
