"""W505: a softmax that is not the last layer, although the loss has its own."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail


def find(linted: Linted) -> Iterator[Found]:
    for node in linted.trunk:
        if node.op.is_softmax and node.index != linted.graph.output:
            twice = any(reader.op.is_softmax for reader in linted.readers[node.index])
            yield Found(
                "this softmax is followed by another" if twice else "this softmax is not the last layer",
                node.span,
                notes=trail(node),
                help="use a single softmax as the last layer, where it becomes part of the loss, or none",
            )


LINT = Lint(
    code="W505",
    name="inner-softmax",
    doc="""\
A softmax outside branches that is not the last layer, or two of them. As the last layer, it is part of the loss;
gates in `multiply { … }`, as in attention, are not reported.
""",
    why="""\
The loss applies a softmax itself. Applied to probabilities, it makes them nearly the same for all classes, and
divides their gradients by the number of classes: the network learns slowly, and its loss cannot get close to zero.
""",
    source="""\
PyTorch, CrossEntropyLoss: the input is expected to contain the unnormalized logits,
https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html; Goodfellow et al., 2016, Deep
learning, section 6.2.2.3, https://www.deeplearningbook.org
""",
    bad="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu
  flatten -> dense(10) -> softmax -> softmax
}
""",
    good="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu
  flatten -> dense(10) -> softmax
}
""",
    find=find,
)
