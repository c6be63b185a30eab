"""W516: a block that is never called."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.check.lint.names import here, names


def find(linted: Linted) -> Iterator[Found]:
    for block in here(linted.source, linted.spec.blocks.values()):
        if linted.names[block.name] == names(block)[block.name]:
            yield Found(f"block `{block.name}` is never used", block.name_span, help="call it, or remove it")


LINT = Lint(
    code="W516",
    name="unused-block",
    doc="A block whose name is used nowhere except in the block itself.",
    why="""\
A block is checked only where it is called, so errors in this one go unnoticed. Either it is left over, or another
block is called where this one was meant.
""",
    source="rustc, dead_code, https://doc.rust-lang.org/rustc/lints/listing/warn-by-default.html#dead-code",
    bad="""\
block unit(c) { conv(c) -> batch_norm -> relu }

network Net {
  input(3, 32x32)
  conv(32) -> relu
  flatten -> dense(10)
}
""",
    good="""\
block unit(c) { conv(c) -> batch_norm -> relu }

network Net {
  input(3, 32x32)
  unit(32)
  flatten -> dense(10)
}
""",
    find=find,
    of_text=True,
)
