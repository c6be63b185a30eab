"""A variant's settings, after those of the variants that it extends."""

from functools import partial

from specc.check.context import Context
from specc.check.expressions.scope import shorten
from specc.check.gather.spec import Spec
from specc.diagnostics import nearest
from specc.source import Span
from specc.syntax import tree as t


def settings_of(variant: str, spec: Spec, context: Context) -> list[t.Setting] | None:
    """The settings of the variant that the user asked for; None where it is not there."""
    if variant in spec.variants:
        return lineage(spec, variant, context)
    known = f"available: {', '.join(spec.variants)}" if spec.variants else "this file has no variants"
    help = nearest(variant, spec.variants) or known
    context.error("E213", f"there is no variant `{variant}`", Span(spec.source, 0, 0), help=help)
    return None


def lineage(spec: Spec, name: str, context: Context) -> list[t.Setting] | None:
    """The settings of a variant after those of all that it extends; None where one is unknown or they form a circle."""
    chain: dict[str, t.Variant] = {}
    while name:
        variant = spec.variants.get(name)
        if variant is None:
            last = next(reversed(chain.values()))
            assert last.base_span is not None
            missing = f"there is no variant `{name}`"
            context.error("E213", missing, last.base_span, help=partial(nearest, name, spec.variants))
            return None
        context.spend(1, variant.name_span)
        if name in chain:
            circle = list(chain)[list(chain).index(name) :]
            first = min(circle, key=lambda member: spec.variants[member].span.start)
            place = circle.index(first)
            message = f"variant `{first}` extends itself: {' -> '.join([*circle[place:], *circle[:place], first])}"
            context.error("E221", shorten(message, 200), spec.variants[first].name_span)
            return None
        chain[name] = variant
        name = variant.base
    return [setting for variant in reversed(chain.values()) for setting in variant.settings]
