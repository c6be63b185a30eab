"""The spec of a run, and what differs from the spec that it extends."""

from typing import NamedTuple

from specc.backend.report_page.html import Section, fold, paragraph, table, text
from specc.check import Checked, Trainable
from specc.report.diff import Difference, LayerChange, compare
from specc.vocabulary.shape import size_text

MOST_LAYERS = 60


class Origin(NamedTuple):
    """The spec that a run's spec was made from. words: which one, as `net.cnn, variant wide`."""

    words: str
    checked: Checked


def spec_section(spec: Trainable, origin: Origin | None) -> Section:
    """The text of the spec, and the difference to its origin where that is known."""
    source = f'<pre tabindex="0">{text_lines(spec.resolved)}</pre>'
    if origin is None:
        return Section("spec", "Spec", source)
    difference = compare(origin.checked, spec)
    if difference.is_empty:
        return Section(
            "spec", "Spec", paragraph(f"It is the same network and training as {origin.words}.", "q") + source
        )
    body = f"<h3>Compared with {text(origin.words)}</h3>{changes(difference)}"
    return Section("spec", "Spec", body + fold("The whole spec", source, is_open=True))


def text_lines(source: str) -> str:
    """A text of several lines as HTML."""
    return "\n".join(map(text, source.split("\n")))


def changes(difference: Difference) -> str:
    """Tables of settings, counts and layers that differ."""
    body = ""
    if difference.settings:
        rows = [[change.name, _side(change.a), _side(change.b)] for change in difference.settings]
        body += table(["setting", "there", "here"], rows, texts=3)
    totals = [[one.name, f"{one.a:,}", f"{one.b:,}"] for one in difference.totals if one.a != one.b]
    if totals:
        body += table(["", "there", "here"], totals)
    if difference.layers:
        rows = [_layer(layer) for layer in difference.layers[:MOST_LAYERS]]
        left = len(difference.layers) - len(rows)
        layers = table(["", "layer", "op", "output", "arguments"], rows, texts=5)
        layers += paragraph(f"{left:,} more layers differ.", "q") if left else ""
        body += fold(f"Layers that differ: {len(difference.layers):,}", layers)
    return body


def _layer(change: LayerChange) -> list[str]:
    layer = change.b or change.a
    assert layer is not None
    arguments = "; ".join(f"{one.name}: {_side(one.a)} -> {_side(one.b)}" for one in change.arguments)
    return [change.kind, layer.name, layer.op, size_text(layer.output), arguments]


def _side(value: str | None) -> str:
    return "(absent)" if value is None else value
