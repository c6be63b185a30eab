"""The alternatives to a file as written: each variant, and each value of a search."""

from collections.abc import Iterator

from specc.check.calls.binder import Binder
from specc.check.context import Context, TooMuch
from specc.check.expressions.evaluate import Evaluator
from specc.check.gather.spec import Spec
from specc.check.gather.variants import lineage
from specc.check.search import searched
from specc.syntax import tree as t

WORK_OF_AN_ALTERNATIVE = 300  # besides that of its network


def alternatives(spec: Spec, context: Context) -> Iterator[tuple[list[t.Setting], str]]:
    """The settings that each alternative changes, and a note that names it."""
    try:
        for name, variant in spec.variants.items():
            settings = lineage(spec, name, context)
            if settings is not None:
                context.spend(WORK_OF_AN_ALTERNATIVE + len(settings), variant.name_span)
                yield settings, f"in variant {name}"
        for setting, value in searched(spec, Binder(Evaluator(context))):
            context.spend(WORK_OF_AN_ALTERNATIVE, value.span)
            yield [setting._replace(value=value)], f"in the search over {'.'.join(setting.path)}"
    except TooMuch:
        return
