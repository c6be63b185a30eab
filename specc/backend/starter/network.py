"""Small networks for small sets: what an image is looked at with, and how the network ends for each task."""

from math import ceil, log2

from specc.backend.starter.facts import Seen
from specc.backend.starter.settings import width
from specc.backend.starter.size import SMALL
from specc.tasks import REGRESSION, SEGMENTATION
from specc.values import Size

UNIT = """
# Two convolutions beside a shortcut, as in ResNet (He et al., 2016); stride=2 halves height and width.
block unit(filters, stride=1) {{
  add {{
    | conv(filters, 3x3, stride=stride) -> batch_norm -> relu -> conv(filters) -> batch_norm
    | if stride != 1 or in.channels != filters {{ conv(filters, 1x1, stride=stride) -> batch_norm }}
  }}
  relu
}}

network {name}(width={width}, {knob}={outputs}) {{{input}
  {stem} -> batch_norm -> relu
  for filters in [{stages}] {{ unit(filters, stride=2) }}
  {end}
  dense({knob})  # {last}
}}
"""
MAP = """
# A U-Net (Ronneberger et al., 2015): each level joins its own features with those of the level below.
block double(filters) {{
  repeat(2) {{ conv(filters) -> batch_norm -> relu }}
}}

block level(filters, depth) {{
  double(filters)
  if depth > 0 {{
    concat {{
      | identity
      | max_pool(2) -> level(2 * filters, depth - 1) -> conv_transpose(filters, 2x2, stride=2)
    }}
    double(filters)
  }}
}}

network {name}(width={width}, depth={depth}, classes={outputs}) {{{input}
  level(width, depth)
  conv(classes, 1x1)  # one map for each class
}}
"""
MOST = 8  # times the width of the first layer


def network(seen: Seen, name: str, size: Size) -> str:
    """The blocks and the network of a spec, for images of this size."""
    start = f"\n  input({seen.shape[0]}, {size})" if seen.shape else ""
    outputs, wide = len(seen.outputs), width(seen.learned)
    if seen.task == SEGMENTATION:
        depth = 2 if any(side % 8 for side in size) else 3  # how often a side can be halved
        return MAP.format(name=name, width=max(8, wide // 2), depth=depth, outputs=outputs, input=start)
    is_large = max(size) > SMALL
    factors = [min(2**number, MOST) for number in range(_stages(max(size), is_large=is_large))]
    is_number = seen.task == REGRESSION
    return UNIT.format(
        name=name,
        width=wide,
        knob=seen.task.outputs,
        outputs=outputs,
        input=start,
        stem="conv(width, 5x5, stride=2)" if is_large else "conv(width, 3x3)",
        stages=", ".join("width" if factor == 1 else f"{factor} * width" for factor in factors),
        end="flatten -> dense(64) -> relu" if is_number else "global_avg_pool -> dropout(20%)",
        last={"classes": "a number for each class", "tags": "a number for each tag", "numbers": "what is predicted"}[
            seen.task.outputs
        ],
    )


def _stages(side: int, *, is_large: bool) -> int:
    """How many units it takes until a position in the middle sees the whole side.

    A unit widens what a position sees by six positions of its input: two, and two of twice the distance. So after n
    units it sees 6 · 2^n - 3 pixels; 12 · 2^n - 7 where the first kernel, of 5, has a stride of 2. The middle of the
    image may lie as much as a stride, 2^n or twice that, beside a position.
    """
    reach = (side + 7) / 10 if is_large else (side + 3) / 5
    return max(1, ceil(log2(reach)))
