"""W536: a layer that is not deterministic on a GPU, although a seed is set."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail


def find(linted: Linted) -> Iterator[Found]:
    seed = linted.setting("train", "seed")
    if seed is None:
        return
    for node in linted.graph.nodes[1:]:
        if not node.op.repeatable(linted.graph.inputs_of(node), node.args):
            yield Found(
                f"the gradient of this `{node.op.name}` is not deterministic on CUDA, in spite of `seed`",
                node.span,
                notes=trail(node),
                help=_help(node.op.name),
            )


def _help(layer: str) -> str:
    match layer:
        case "adaptive_avg_pool":
            return "use a size that divides the map's, or avg_pool with windows that do not overlap"
        case "pad":
            return "use mode=zero or mode=replicate"
        case _:
            return "use another layer, such as avg_pool; or remove `seed`, and say so with the results"


LINT = Lint(
    code="W536",
    name="nondeterministic-layer",
    doc="""\
A file that sets `seed`, and a layer whose gradient PyTorch sums in no fixed order on CUDA: reflection padding, as in
`pad(…, mode=reflect)` and blur_pool, and adaptive_avg_pool if its windows overlap. On a CPU all layers are
deterministic.
""",
    why="""\
A seed promises that a run is reproducible bit for bit. Floating-point sums depend on their order, the difference
grows with each step, and two runs of one spec end with different weights.
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
