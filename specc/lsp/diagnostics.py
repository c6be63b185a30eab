"""The problems of a text, as an editor lists them."""

from functools import cache
from pathlib import Path

from lsprotocol import types as lsp

from specc.check.lint import LINTS
from specc.diagnostics import Diagnostic
from specc.files import cache_folder, write_atomic
from specc.lsp.analysis import Analysis
from specc.lsp.documents import uri_of
from specc.lsp.positions import Positions
from specc.report.pages import FOLDER, pages
from specc.source import Span
from specc.syntax import tree as t

UNUSED = frozenset(lint.code for lint in LINTS if lint.name.startswith("unused"))


def diagnostics(analysis: Analysis) -> list[lsp.Diagnostic]:
    """The problems of a text in all its variants, and, where it says `extends`, those of the files below."""
    return [as_lsp(one, analysis) for one in analysis.checked.diagnostics]


def as_lsp(problem: Diagnostic, analysis: Analysis) -> lsp.Diagnostic:
    """A problem. One in a file below stands at `extends`, with the place itself as a related one."""
    places = [(label.span, label.text) for label in problem.labels]
    span, lines = problem.span, [problem.message]
    if span.source is not analysis.source:
        places.insert(0, (span, problem.message))
        lines = [f"in {span.place}: {problem.message}"]
        span = _extends(analysis)
    lines += [problem.label] if problem.label else []
    lines += problem.notes
    lines += [f"help: {problem.help}"] if problem.help else []
    page = page_uri(problem.code)
    return lsp.Diagnostic(
        range=analysis.positions.range(span),
        message="\n".join(lines),
        severity=lsp.DiagnosticSeverity.Error if problem.severity == "error" else lsp.DiagnosticSeverity.Warning,
        code=problem.code,
        code_description=lsp.CodeDescription(page) if page else None,
        source="specc",
        tags=[lsp.DiagnosticTag.Unnecessary] if problem.code in UNUSED else None,
        related_information=[place for one in places if (place := _related(*one, analysis)) is not None] or None,
    )


def _extends(analysis: Analysis) -> Span:
    """Where the text says what it extends; its beginning where it cannot be read."""
    return next((one.span for one in analysis.tree.items if isinstance(one, t.Extends)), Span(analysis.source, 0, 0))


def _related(span: Span, text: str, analysis: Analysis) -> lsp.DiagnosticRelatedInformation | None:
    place = location(span, analysis)
    return lsp.DiagnosticRelatedInformation(place, text) if place else None


def location(span: Span, analysis: Analysis) -> lsp.Location | None:
    """A place in some file; None in a model of the zoo, which has no file."""
    uri = uri_of(span.source.path)
    return lsp.Location(uri, Positions(span.source, analysis.encoding).range(span)) if uri else None


@cache
def page_uri(code: str) -> str | None:
    """The address of the file that explains a code. That of a warning is written into the user's cache first."""
    page = next(iter(FOLDER.glob(f"{code}-*.md")), None)
    if page is not None:
        return page.as_uri()
    path: Path = cache_folder() / "pages" / f"{code}.md"
    known = pages().get(code)
    if known is None:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, known.text().encode())
    except OSError:
        return None
    return path.as_uri()
