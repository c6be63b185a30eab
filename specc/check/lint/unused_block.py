"""W516: a block that nothing calls."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.check.lint.names import here, names


def find(linted: Linted) -> Iterator[Found]:
    for block in here(linted.source, linted.spec.blocks.values()):
        if linted.names[block.name] == names(block)[block.name]:
            yield Found(f"block `{block.name}` is never used", block.name_span, help="call it, or leave it out")


LINT = Lint(
    code="W516",
    name="unused-block",
    doc="A block whose name stands nowhere but in itself.",
    why="""\
What is in it is checked only where it is called: here it may be wrong without a word. It is left over, or another
block stands where this one was meant.
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
