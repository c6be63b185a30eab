"""W514: layers whose output is never used."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail


def find(linted: Linted) -> Iterator[Found]:
    read = {i for node in linted.dropped for i in node.inputs}
    ends = [node for node in linted.dropped if node.index not in read]
    for node in ends:
        more = len(linted.dropped) - len(ends)
        count = f", nor is that of {more} layer{'s' * (more > 1)} before it" if more and len(ends) == 1 else ""
        yield Found(
            f"the output of `{node.op.name}` is never used{count}",
            node.span,
            notes=trail(node),
            help="join it with add { … } or concat { … }, or remove it: it is not part of the network that is built",
        )


LINT = Lint(
    code="W514",
    name="dead-layers",
    doc="""\
Layers with no path to the output or to an auxiliary classifier, because `from(name)` continues from somewhere else.
""",
    why="They are not built, trained or exported, although whoever wrote them meant them to do something.",
    source="""\
Aho et al., 2006, Compilers, section 9.1.6, dead-code elimination; rustc's lint unused_must_use,
https://doc.rust-lang.org/rustc/lints/listing/warn-by-default.html#unused-must-use
""",
    bad="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu -> as(early)
  conv(64) -> relu
  from(early) -> flatten -> dense(10)
}
""",
    good="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu -> as(early)
  concat {
    | conv(64) -> relu
    | from(early)
  }
  flatten -> dense(10)
}
""",
    find=find,
)
