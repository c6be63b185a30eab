"""Shapes shown in the text: behind each stage that changes the shape, and at the end of each pipeline."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from lsprotocol import types as lsp

from specc.lsp.analysis import Analysis, Flow
from specc.lsp.documents import Edit
from specc.syntax import tree as t
from specc.vocabulary.shape import size_text

MOST_SHAPES = 3  # of a stage that is used several times
MODES = ("changes", "all", "off")
KEPT = "as it was before the text had errors"


class Hint(NamedTuple):
    """A shape, and the place behind which it is shown. is_old: of an earlier text."""

    offset: int
    text: str
    is_old: bool = False


class Known:
    """The shapes that were last known, which move with the text: those of a text that is being typed are incomplete."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []

    def move(self, edits: Iterable[Edit]) -> None:
        for edit in edits:
            places = ((hint, edit.moved(hint.offset)) for hint in self.hints)
            self.hints = [hint._replace(offset=place, is_old=True) for hint, place in places if place is not None]

    def learn(self, analysis: Analysis, mode: str) -> None:
        """Take the shapes of a new check; where the text has errors, keep those on lines for which it has none."""
        fresh = hints(analysis, mode)
        if not analysis.shown.errors or mode == "off":
            self.hints = fresh
            return
        lines = {analysis.source.position(hint.offset)[0] for hint in fresh}
        text = analysis.source.text
        kept = [
            hint
            for hint in self.hints
            if hint.offset <= len(text)
            and analysis.source.position(hint.offset)[0] not in lines
            and text[hint.offset - 1 : hint.offset].strip() not in ("", "#")
        ]
        self.hints = sorted([*fresh, *(hint._replace(is_old=True) for hint in kept)])


def hints(analysis: Analysis, mode: str = "changes") -> list[Hint]:
    """The shapes of a text, in its order. mode: one of MODES."""
    if mode == "off":
        return []
    places: dict[int, Hint] = {}
    for item in analysis.tree.items:
        if isinstance(item, t.Block):
            for stage, is_last in _stages(item.body):
                flows = analysis.flows.get((stage.span.start, stage.span.end))
                if flows and (is_last or mode == "all" or any(_changes(flow) for flow in flows)):
                    places[stage.span.end] = Hint(stage.span.end, shapes_text(flows))
    result: list[Hint] = []
    for offset in sorted(places):
        hint = places[offset]
        if not result or result[-1].text != hint.text or not _only_closes(analysis.source.text, result[-1], hint):
            result.append(hint)
    return result


def _only_closes(text: str, one: Hint, other: Hint) -> bool:
    """Whether only braces stand between two shapes, on one line: then one of them says it all."""
    between = text[one.offset : other.offset]
    return "\n" not in between and not between.strip(" }")


def inlay_hints(known: Sequence[Hint], analysis: Analysis, area: lsp.Range) -> list[lsp.InlayHint]:
    """The shapes in a part of the text."""
    start, end = analysis.positions.offsets(area)
    return [
        lsp.InlayHint(
            position=analysis.positions.position(hint.offset),
            label=hint.text,
            kind=lsp.InlayHintKind.Type,
            tooltip=KEPT if hint.is_old else None,
            padding_left=True,
        )
        for hint in known
        if start <= hint.offset <= end
    ]


def shapes_text(flows: Sequence[Flow]) -> str:
    """The shapes that come out of a stage: each once, in the order in which they come."""
    shapes = list(dict.fromkeys(size_text(flow.after.shape) for flow in flows))
    return " | ".join([*shapes[:MOST_SHAPES], *["…"] * (len(shapes) > MOST_SHAPES)])


def _changes(flow: Flow) -> bool:
    return bool(flow.before.shape != flow.after.shape)


def _stages(body: t.Body) -> Iterable[tuple[Any, bool]]:
    """The stages in a body and in those within it; whether one ends its pipeline."""
    for statements in body.branches:
        for statement in statements:
            stages = statement.stages if isinstance(statement, t.Pipe) else (statement,)
            for stage in stages:
                if not isinstance(stage, t.Let | t.Shared | t.Default):
                    yield stage, stage is stages[-1]
                for inner in _bodies(stage):
                    yield from _stages(inner)


def _bodies(stage: Any) -> Iterable[t.Body]:
    """The bodies right within a stage."""
    match stage:
        case t.Call(body=body) | t.For(body=body) if body is not None:
            yield body
        case t.If(body=body, otherwise=otherwise):
            yield body
            if isinstance(otherwise, t.Body):
                yield otherwise
            elif otherwise is not None:
                yield from _bodies(otherwise)
