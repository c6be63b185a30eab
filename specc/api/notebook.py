"""What notebooks show of a spec, a run and a study: HTML with all that it needs, in which every name is text."""

from collections.abc import Container, Sequence
from html import escape

from specc.errors import clean, counted

MOST_ROWS = 60  # of a table
# The page around it has its own theme: colors are its own, or stand out on light and dark alike.
STYLE = """
.specc{max-width:60rem}.specc table{border-collapse:collapse;margin:.5em 0;font-variant-numeric:tabular-nums}
.specc th,.specc td{padding:.15em .7em;text-align:left;white-space:nowrap}.specc .n{text-align:right}
.specc th{border-bottom:1px solid #8888}.specc .scroll{overflow-x:auto;max-height:32rem}
.specc .scroll .scroll{overflow:visible;max-height:none}
.specc summary{cursor:pointer}.specc pre{line-height:1.3;overflow-x:auto}.specc p{margin:.4em 0}
"""


def block(*parts: str, style: str = "") -> str:
    """The parts of an object, in one element with its style."""
    return f'<div class="specc"><style>{STYLE}{style}</style>{"".join(parts)}</div>'


def text(words: str) -> str:
    """Words as they are: nothing in them is markup, and no control character is left."""
    return escape(clean(words))


def paragraph(words: str) -> str:
    return f"<p>{text(words)}</p>"


def code(lines: str) -> str:
    """Text that keeps its lines and its spaces."""
    return f"<pre>{escape(lines)}</pre>"


def fold(title: str, body: str) -> str:
    """What is shown when its title is chosen."""
    return f'<details><summary>{text(title)}</summary><div class="scroll">{body}</div></details>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Container[int], *, is_end: bool = False) -> str:
    """A table, or its first rows, or its last ones. right: the columns with numbers."""
    kept = rows[-MOST_ROWS:] if is_end else rows[:MOST_ROWS]
    kinds = [' class="n"' if column in right else "" for column in range(len(head))]
    headings = "".join(f"<th{kind}>{text(name)}</th>" for kind, name in zip(kinds, head, strict=True))
    lines = "".join(
        f"<tr>{''.join(f'<td{kind}>{text(cell)}</td>' for kind, cell in zip(kinds, row, strict=True))}</tr>"
        for row in kept
    )
    which = "last" if is_end else "first"
    note = paragraph(f"the {which} {MOST_ROWS} of {counted(len(rows), 'row')}") if len(rows) > len(kept) else ""
    return f'<div class="scroll"><table><thead><tr>{headings}</tr></thead><tbody>{lines}</tbody></table></div>{note}'
