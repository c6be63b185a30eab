"""W509: batch normalization with batches of a few images."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.errors import counted
from specc.ir.weights import frozen_norms

LEAST = 8


def find(linted: Linted) -> Iterator[Found]:
    batch, shards = linted.train.part, linted.train.shards
    if batch >= LEAST:
        return
    frozen = frozen_norms(linted.graph, linted.train.frozen)
    norms = (node for node in linted.graph.nodes if node.op.batch_statistics and node.name not in frozen)
    norm = next(norms, None)
    if norm is not None:
        count = counted(batch, "image") if batch > 1 else "one image"
        what, enough = ("batch", LEAST) if shards == 1 else ("shard", LEAST * shards)
        yield Found(
            f"`{norm.op.name}` computes its statistics over a {what} of {count}",
            linted.place("train", "batch"),
            help=f"use a batch of {enough} or more, or group_norm, which ignores the batch; `accumulate` does not help",
        )


LINT = Lint(
    code="W509",
    name="small-batch-norm",
    doc="`batch` below 8 in a network with batch_norm.",
    why="""\
The mean and variance of a few images are noisy, and the running averages used in evaluation describe no batch that
the network was trained on. On ImageNet the error of a ResNet-50 rises from 23.6% at 32 images per worker to 27.3% at
4 and 34.7% at 2. `accumulate` sums gradients, but each batch is still normalized on its own.
""",
    source="Wu and He, 2018, Group normalization, table 2, https://arxiv.org/abs/1803.08494",
    bad="""\
data { source = digits }

network Net {
  conv(32) -> batch_norm -> relu
  flatten -> dense(10)
}

train { batch = 4 }
""",
    good="""\
data { source = digits }

network Net {
  conv(32) -> group_norm(8) -> relu
  flatten -> dense(10)
}

train { batch = 4 }
""",
    find=find,
    needs_data=True,
)
