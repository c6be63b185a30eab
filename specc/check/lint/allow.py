"""W500, and the comments that silence a lint: `# allow W503` on its line, or on the line above."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from specc.check.lint.lint import Lint
from specc.check.problems import Problems
from specc.diagnostics import Diagnostic, Fix
from specc.source import Source, Span

COMMENT = re.compile(r"#\s*allow\s+(?P<codes>[EW]\d+(?:[\s,]+[EW]\d+)*)\s*")
CODE = re.compile(r"[EW]\d+")


class Allow(NamedTuple):
    """One code that a comment allows, its position, and the line that it applies to."""

    code: str
    span: Span
    line: int
    comment: Span


def silence(problems: Problems, comments: list[Span], source: Source, known: set[str], is_complete: bool) -> None:
    """Remove the lints that comments allow.

    is_complete: every lint ran on everything, so a comment of `source` that silences nothing is unused.
    """
    sources = {comment.source for comment in comments if COMMENT.match(comment.text)}
    targets = {one: _targets(one) for one in sources}
    allowed = [allow for comment in comments for allow in _read(comment, targets)]
    wanted = {(allow.code, allow.span.source, allow.line) for allow in allowed}
    used = set()
    for key, diagnostic in list(problems.found.items()):
        place = (diagnostic.code, diagnostic.span.source, diagnostic.span.line)
        if diagnostic.severity == "warning" and place in wanted:
            used.add(place)
            del problems.found[key]
    if is_complete:
        for allow in allowed:
            if (allow.code, allow.span.source, allow.line) not in used and allow.span.source is source:
                problems.add(_useless(allow, known))


def _read(comment: Span, targets: dict[Source, list[int]]) -> Iterator[Allow]:
    match = COMMENT.match(comment.text)
    if match is not None:
        for code in CODE.finditer(comment.text, match.start("codes"), match.end("codes")):
            span = Span(comment.source, comment.start + code.start(), comment.start + code.end())
            yield Allow(code.group(), span, targets[comment.source][comment.line - 1], comment)


def _targets(source: Source) -> list[int]:
    """For each line, the line that a comment on it applies to: itself, or the next one that is not just a comment."""
    lines = source.text.split("\n")
    targets = list(range(1, len(lines) + 1))
    for i in reversed(range(len(lines) - 1)):
        if lines[i].lstrip()[:1] in ("#", ""):
            targets[i] = targets[i + 1]
    return targets


def _useless(allow: Allow, known: set[str]) -> Diagnostic:
    if allow.code.startswith("E"):
        return Diagnostic("W500", "only lints, W501 and up, can be allowed", allow.span, help="fix the error")
    if allow.code not in known:
        help = f"lints are {min(known)} to {max(known)}; `specc check` prints the code of each warning"
        return Diagnostic("W500", f"there is no lint {allow.code}", allow.span, help=help)
    message = f"there is no {allow.code} here to allow"
    return Diagnostic("W500", message, allow.span, help="remove it", fix=_fix(allow))


def _fix(allow: Allow) -> Fix | None:
    """Remove the comment, unless it says something else too."""
    comment = allow.comment
    match = COMMENT.fullmatch(comment.text)
    if match is None or len(CODE.findall(match["codes"])) > 1:
        return None
    text = comment.source.text
    start = comment.start
    while start and text[start - 1] in " \t":
        start -= 1
    alone = start == 0 or text[start - 1] == "\n"
    return Fix(Span(comment.source, start, comment.end + (alone and text[comment.end : comment.end + 1] == "\n")), "")


LINT = Lint(
    code="W500",
    name="unused-allow",
    doc="""\
A comment `# allow W503` where there is no W503: on its own line or, if the comment has a line to itself, on the next
line that is not a comment. Only `specc check` reports this, since it checks all variants.
""",
    why="It suggests that something is wrong on purpose, and it will hide the next mistake of its kind.",
    source="ruff, RUF100 unused-noqa, https://docs.astral.sh/ruff/rules/unused-noqa",
    bad="""\
network Net {
  input(3, 32x32)
  conv(32) -> batch_norm -> relu   # allow W504
  flatten -> dense(10)
}
""",
    good="""\
network Net {
  input(3, 32x32)
  conv(32, bias=true) -> batch_norm -> relu   # allow W504
  flatten -> dense(10)
}
""",
    find=lambda linted: iter(()),  # reported last, by `silence`
)
