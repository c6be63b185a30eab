"""W512: global pooling over features that see only part of the image."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail
from specc.ops.reads import Reads


def find(linted: Linted) -> Iterator[Found]:
    graph = linted.graph
    image = graph.input[1:]
    for node in linted.trunk[1:]:
        if node.op.reads(graph.inputs_of(node), node.args) is not Reads.ALL:
            continue
        source = graph.nodes[node.inputs[0]]
        pools = node.op.group == "pooling" and source.shape[1:] != (1, 1)
        field = source.receptive_field
        if pools and len(image) == 2 and field and any(map(int.__lt__, field, image)):
            seen, whole = (f"{height} x {width} pixels" for height, width in (field, image))
            yield Found(
                f"each position pooled here sees at most {seen} of {whole}",
                node.span,
                notes=trail(node),
                help="add layers, strides or pooling before it, or use a larger kernel or dilation",
            )
        return


LINT = Lint(
    code="W512",
    name="small-receptive-field",
    doc="Global pooling outside branches, over features whose receptive field is smaller than the image.",
    why="""\
The pooling only counts how often local patterns occur. No weights can recognize anything larger than the receptive
field, or how parts are arranged. The effective receptive field is smaller still.
""",
    source="""\
Araujo et al., 2019, Computing receptive fields of convolutional neural networks,
https://distill.pub/2019/computing-receptive-fields; Luo et al., 2016, https://arxiv.org/abs/1701.04128
""",
    bad="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu -> conv(64) -> relu
  global_avg_pool -> dense(10)
}
""",
    good="""\
network Net {
  input(3, 32x32)
  for c in [32, 64, 128, 256] { conv(c) -> relu -> max_pool(2) }
  conv(256) -> relu
  global_avg_pool -> dense(10)
}
""",
    find=find,
)
