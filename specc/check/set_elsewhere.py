"""Mistakes in a network's own file that come from what another file, a variant or `--set` gives its parameters."""

import re

from specc.check.gather.spec import Spec
from specc.check.problems import Problems
from specc.diagnostics import Label
from specc.source import Span

WORD = re.compile(r"[A-Za-z_]\w*")


def point_at_settings(spec: Spec, problems: Problems) -> None:
    """Label, beside each error in the network or its blocks, where the parameters that it names were set.

    What is called within a block has names of its own; there all parameters that were set are labeled.
    """
    if spec.network is None:
        return
    defaults = {one.name: (one.span.source, one.default.span) for one in spec.network.parameters if one.default}
    given = {name: span for name, (own, span) in defaults.items() if span.source is not own}
    bodies = [spec.network.span, *(block.span for block in spec.blocks.values())]
    for place, error in problems.found.items():
        if given and error.severity == "error" and any(_holds(body, error.span) for body in bodies):
            named = [name for name in WORD.findall(error.span.text) if name in given]
            names = dict.fromkeys(named or (given if error.notes else ()))
            labels = tuple(Label(given[name], f"`{name}` is set here") for name in names)
            problems.found[place] = error._replace(labels=(*error.labels, *labels))


def _holds(outer: Span, inner: Span) -> bool:
    return outer.source is inner.source and outer.start <= inner.start and inner.end <= outer.end
