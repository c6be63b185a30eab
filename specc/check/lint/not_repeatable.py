"""W536: a layer that is not the same twice on a GPU, although a seed is given."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail


def find(linted: Linted) -> Iterator[Found]:
    seed = linted.setting("train", "seed")
    if seed is None:
        return
    for node in linted.graph.nodes[1:]:
        if not node.op.repeatable(linted.graph.inputs_of(node), node.args):
            yield Found(
                f"on CUDA the gradient of this `{node.op.name}` is not the same twice, in spite of `seed`",
                node.span,
                notes=trail(node),
                help=_help(node.op.name),
            )


def _help(layer: str) -> str:
    match layer:
        case "adaptive_avg_pool":
            return "a size that divides the map's, or avg_pool with windows that do not overlap"
        case "pad":
            return "mode=zero or mode=replicate"
        case _:
            return "another layer, such as avg_pool; or leave `seed` out, and say so with the results"


LINT = Lint(
    code="W536",
    name="not-repeatable",
    doc="""\
A file that sets `seed`, and a layer whose gradient torch adds up on CUDA in an order that is not fixed: padding by
reflection, as in `pad(…, mode=reflect)` and blur_pool, and adaptive_avg_pool where its windows overlap. On a CPU
all layers are repeatable.
""",
    why="""\
A seed promises that a run can be repeated, bit by bit. Sums of floating-point numbers depend on their order, the
difference grows with each step, and two runs of one spec end in different weights.
""",
    source="""\
PyTorch, torch.use_deterministic_algorithms,
https://docs.pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html
""",
    bad="""\
data { source = digits }

network Net {
  pad(1, mode=reflect) -> conv(32, padding=0) -> relu
  flatten -> dense(10)
}

train { seed = 1 }
""",
    good="""\
data { source = digits }

network Net {
  pad(1, mode=replicate) -> conv(32, padding=0) -> relu
  flatten -> dense(10)
}

train { seed = 1 }
""",
    find=find,
    needs_data=True,
)
