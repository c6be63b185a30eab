"""Lines above networks and variants: their size, and what can be done with them; and links to other files."""

from lsprotocol import types as lsp

from specc.check.context import Work
from specc.check.gather.files import Load
from specc.lsp.analysis import Analysis
from specc.lsp.data import sent_back
from specc.lsp.documents import path_of
from specc.lsp.figures import summary
from specc.lsp.navigation import extended
from specc.reading import check_spec
from specc.source import Span
from specc.syntax import tree as t

CHOOSE, SHOW, TRAIN = "specc.variant", "specc.show", "specc.train"  # commands; the client has the last two


def lenses(analysis: Analysis, uri: str, known: tuple[str, ...]) -> list[lsp.CodeLens]:
    """The lenses of a text. known: the commands that the client has; those that it lacks are left out."""
    found: list[lsp.CodeLens] = []
    for item in analysis.tree.items:
        if isinstance(item, t.Block) and item.is_network:
            found += _of(item.name_span, "", analysis, uri, known)
        elif isinstance(item, t.Variant):
            found += _of(item.name_span, item.name, analysis, uri, known)
    return found


def _of(span: Span, variant: str, analysis: Analysis, uri: str, known: tuple[str, ...]) -> list[lsp.CodeLens]:
    area = analysis.positions.range(span)
    first = lsp.CodeLens(area, data={"uri": uri, "variant": variant})
    titles = {SHOW: "show", TRAIN: "train"}
    rest = [
        lsp.CodeLens(area, lsp.Command(titles[command], command, arguments=[path_of(uri), variant]))
        for command in (SHOW, TRAIN)
        if command in known
    ]
    return [first, *rest]


def resolved(lens: lsp.CodeLens, analysis: Analysis, load: Load) -> lsp.CodeLens:
    """The first lens, which tells the size, and shows the shapes of its variant when it is clicked."""
    variant = sent_back(lens.data, "variant")
    shown = " (shapes shown)" if variant == analysis.variant and analysis.checked.variants else ""
    title = size_of(variant, analysis, load) + shown
    lens.command = lsp.Command(title, CHOOSE, arguments=[sent_back(lens.data, "uri"), variant])
    return lens


def size_of(variant: str, analysis: Analysis, load: Load) -> str:
    """Parameters, work and shapes of a variant, which is checked once for each text."""
    if variant not in analysis.sizes:
        checked = analysis.checked
        if variant and variant in checked.variants:
            checked = check_spec(analysis.source, load=load, variant=variant, work=Work())
        analysis.sizes[variant] = summary(checked)
    return analysis.sizes[variant]


def document_links(analysis: Analysis) -> list[lsp.DocumentLink]:
    """The files that a text extends."""
    links = []
    for item in analysis.tree.items:
        if isinstance(item, t.Extends) and (target := extended(item, analysis)):
            text = item.span.text
            quote = item.span.start + text.index('"')
            span = Span(analysis.source, quote + 1, item.span.start + text.rindex('"'))
            links.append(lsp.DocumentLink(analysis.positions.range(span), target))
    return links
