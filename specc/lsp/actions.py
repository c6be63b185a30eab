"""Repairs: those that the checker is certain of, one by one or all at once."""

from collections.abc import Callable, Sequence

from lsprotocol import types as lsp

from specc.check.fixes import described, mend
from specc.diagnostics import Diagnostic, Fix
from specc.lsp.analysis import Analysis
from specc.lsp.diagnostics import as_lsp
from specc.lsp.edits import Hunk, hunks, text_edits, workspace_edit
from specc.source import Source

FIX_ALL = f"{lsp.CodeActionKind.SourceFixAll.value}.specc"
KINDS = [lsp.CodeActionKind.QuickFix, FIX_ALL]


def actions(analysis: Analysis, uri: str, area: lsp.Range, only: Sequence[str] | None) -> list[lsp.CodeAction]:
    """The repairs of problems that touch a range; and all of them, whose edit is worked out when it is chosen."""
    start, end = analysis.positions.offsets(area)
    own = [one for one in analysis.checked.diagnostics if one.fix and one.fix.span.source is analysis.source]
    result = []
    if _wanted(lsp.CodeActionKind.QuickFix.value, only):
        here = [one for one in own if one.span.start <= end and start <= one.span.end]
        result += [_quick_fix(one, one.fix, analysis, uri) for one in here if one.fix]
    if own and _wanted(FIX_ALL, only):
        data = {"uri": uri, "version": analysis.version}
        result.append(lsp.CodeAction("Fix all that specc can fix", FIX_ALL, data=data))
    return result


def fix_all(analysis: Analysis, uri: str, check: Callable[[Source], list[Diagnostic]]) -> lsp.WorkspaceEdit:
    """All repairs, and those that they make possible."""
    mended = mend(analysis.source, check)
    changes = list(hunks(analysis.source.text, mended.source.text))
    return workspace_edit({uri: text_edits(changes, analysis.positions)}, {uri: analysis.version})


def _quick_fix(problem: Diagnostic, fix: Fix, analysis: Analysis, uri: str) -> lsp.CodeAction:
    edit = text_edits([Hunk(fix.span.start, fix.span.end, fix.text)], analysis.positions)
    return lsp.CodeAction(
        title=title(fix),
        kind=lsp.CodeActionKind.QuickFix,
        diagnostics=[as_lsp(problem, analysis)],
        is_preferred=True,
        edit=workspace_edit({uri: edit}, {uri: analysis.version}),
    )


def title(fix: Fix) -> str:
    """What a repair would do: "Replace `a` with `b`"."""
    past, _, rest = described(fix).partition(" ")
    return f"{INFINITIVE[past]} {rest}"


INFINITIVE = {"replaced": "Replace", "added": "Add", "removed": "Remove"}


def _wanted(kind: str, only: Sequence[str] | None) -> bool:
    """Whether a kind of action is asked for; a client asks for `source` and means all below it."""
    return only is None or any(kind == one or kind.startswith(f"{one}.") for one in only)
