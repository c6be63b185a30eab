"""A bare Typer-and-lark program: it parses a spec and does nothing with it. What `specc check` is measured against.

It is as fast as a few lines can be: lark's options are those of specc, and its tables come from lark's own cache (the
first run writes it), which more than halves the time of the whole process. Of specc it takes only the filter that
decides which new lines count, without which the grammar does not parse.
"""

from pathlib import Path
from tempfile import gettempdir

import typer
from lark import Lark

from specc.syntax.layout import Layout

GRAMMAR = Path(__file__).parents[2] / "grammar" / "cnn.lark"
TABLES = Path(gettempdir()) / "specc_bench_tables"


def main(file: Path) -> None:
    """Parse FILE."""
    parser = Lark(
        GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        lexer="basic",
        maybe_placeholders=True,
        postlex=Layout(),
        cache=str(TABLES),
    )
    tree = parser.parse(file.read_text(encoding="utf-8"))
    print(f"{file}: {len(tree.children)} items")


if __name__ == "__main__":
    typer.run(main)
