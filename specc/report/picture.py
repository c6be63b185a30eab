"""A network as a picture: an SVG in which it flows from top to bottom, shapes on its edges, blocks open or folded."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from specc.errors import clean
from specc.ir.graph import Graph, Node
from specc.vocabulary.shape import size_text

WIDTH, BOX, STEP, INDENT, FRAME_HEAD = 250, 26, 48, 14, 24  # pixels
LANE, MARGIN, LETTER = 11, 12, 6.4
MOST_LANES = 8
CLASS_OF = {
    "convolution": "conv", "dense": "conv", "normalization": "norm", "activation": "act", "pooling": "pool",
}  # fmt: skip
# The colors of Okabe and Ito, which the color-blind tell apart; the words are beside them in any case.
STYLE = """
.net{--n-text:#1c1e21;--n-quiet:#5d646d;--n-line:#8a929c;--n-box:#fff;--n-frame:#f2f4f7;font:12px system-ui,sans-serif}
.net text{fill:var(--n-text)}.net .q{fill:var(--n-quiet);font-size:10.5px}.net .b{font-weight:600}
.net .box{fill:var(--n-box);stroke:var(--n-line)}.net .block{stroke-width:2}
.net .frame{fill:var(--n-frame);stroke:var(--n-line);stroke-dasharray:4 3}
.net .edge{fill:none;stroke:var(--n-line);stroke-width:1.3}.net .skip{fill:none;stroke:#0072b2;stroke-width:1.6}
.net .tip{fill:var(--n-line)}.net .stip{fill:#0072b2}
.net .conv{fill:#0072b2}.net .norm{fill:#e69f00}.net .act{fill:#009e73}.net .pool{fill:#cc79a7}.net .other{fill:#8a929c}
@media (prefers-color-scheme:dark){
.net{--n-text:#e8eaed;--n-quiet:#a0a7b0;--n-line:#6c757f;--n-box:#1d2024;--n-frame:#24282d}
.net .skip{stroke:#56b4e9}.net .stip{fill:#56b4e9}.net .conv{fill:#56b4e9}}
"""
GROUND = ".ground{fill:#fbfbfa}@media (prefers-color-scheme:dark){.ground{fill:#15171a}}"


class Group(NamedTuple):
    """A call of a block, or a layer by itself. path: what the names of its nodes begin with. title: for people."""

    path: str
    title: str
    nodes: list[Node]
    parts: "list[Group]"

    @property
    def is_block(self) -> bool:
        return bool(self.parts)


class Row(NamedTuple):
    """A box of the picture at height `y`, in so many frames."""

    group: Group
    y: float
    depth: int


class Frame(NamedTuple):
    """Around what an open block holds."""

    title: str
    top: float
    bottom: float
    depth: int


def groups_of(graph: Graph) -> list[Group]:
    """What a network is made of: layers, and calls of blocks with what is in them."""
    return _grouped(graph.nodes, 0)


def _grouped(nodes: Sequence[Node], depth: int) -> list[Group]:
    groups: list[Group] = []
    for node in nodes:
        calls = [frame for frame in node.trail if frame.call is not None]
        call = calls[depth].call if len(calls) > depth else None
        if call is None:
            groups.append(Group(node.name, "", [node], []))
        elif groups and groups[-1].path == call.path and groups[-1].title:
            groups[-1].nodes.append(node)
        else:
            groups.append(Group(call.path, _called(calls[depth].text), [node], []))
    return [
        group._replace(parts=_grouped(group.nodes, depth + 1)) if group.title and len(group.nodes) > 1 else group
        for group in groups
    ]


def _called(text: str) -> str:
    """`basic(32, 2)`, of what a frame says."""
    return " ".join(text.removeprefix("in ").partition(", called at")[0].split())


def picture(graph: Graph, groups: Sequence[Group] | None = None, *, unfold: bool = False, link: str = "") -> str:
    """The SVG of a network, or of some groups of it. unfold: what is in its blocks is drawn, in frames. link: what the
    address of a folded block begins with; "" for none."""
    rows: list[Row] = []
    frames: list[Frame] = []
    bottom = _place(groups if groups is not None else groups_of(graph), unfold, 0, float(MARGIN), rows, frames)
    row_of = {node.index: place for place, row in enumerate(rows) for node in row.group.nodes}
    depth = max((frame.depth + 1 for frame in frames), default=0)
    left = MARGIN + depth * INDENT
    flows, skips = _edges(graph, rows, row_of)
    lanes = max((lane for *_, lane in skips), default=-1) + 1
    width = left + WIDTH + depth * INDENT + (lanes + 1) * LANE + MARGIN
    right = width - (lanes + 1) * LANE - MARGIN
    parts = [_frame(frame, right) for frame in sorted(frames, key=lambda frame: frame.depth)]
    parts += [_edge(rows[a].y + BOX, rows[b].y, left + WIDTH / 2, shape) for a, b, shape in flows]
    parts += [_skip(rows[a], rows[b], left + WIDTH, depth * INDENT, lane, shape) for a, b, shape, lane in skips]
    parts += [_box(graph, row, left, link) for row in rows]
    title = escape(clean(f"{graph.name}: {size_text(graph.input)} to {size_text(graph.output_shape)}"))
    size = f'viewBox="0 0 {width:g} {bottom + MARGIN:g}" width="{width:g}" height="{bottom + MARGIN:g}"'
    head = f'<svg class="net" xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{title}</title>'
    return f"{head}{''.join(parts)}</svg>"


def picture_file(graph: Graph) -> str:
    """The picture as a file of its own, all blocks open, with its style and a ground."""
    svg = picture(graph, unfold=True)
    ground = '<rect class="ground" width="100%" height="100%"/>'
    style = (
        f"<style>{STYLE}.ground{{fill:#fbfbfa}}@media (prefers-color-scheme:dark){{.ground{{fill:#15171a}}}}</style>"
    )
    head, title, rest = svg.partition("</title>")
    return f"{head}{title}{style}{ground}{rest}\n"


def _place(groups: Sequence[Group], unfold: bool, depth: int, y: float, rows: list[Row], frames: list[Frame]) -> float:
    """Give each box its place from `y` down; where the last one ends."""
    end = y
    for group in groups:
        if unfold and group.is_block:
            top = y - (0 if depth == 0 and not rows else 6)
            end = _place(group.parts, unfold, depth + 1, top + FRAME_HEAD + 8, rows, frames) + 8
            frames.append(Frame(f"{group.path}: {group.title}", top, end, depth))
            y = end + STEP - BOX
        else:
            rows.append(Row(group, y, depth))
            end = y + BOX
            y += STEP
    return end


Flow = tuple[int, int, str]
Skip = tuple[int, int, str, int]


def _edges(graph: Graph, rows: Sequence[Row], row_of: dict[int, int]) -> tuple[list[Flow], list[Skip]]:
    """The edges between boxes that follow each other, and those that pass others by, each with its shape and its lane:
    edges that share a height lie in different lanes."""
    edges: dict[tuple[int, int], str] = {}
    for place, row in enumerate(rows):
        for node in row.group.nodes:
            for i in node.inputs:
                if i in row_of and row_of[i] != place:
                    edges.setdefault((row_of[i], place), size_text(graph.nodes[i].shape))
    flows = [(a, b, shape) for (a, b), shape in edges.items() if b == a + 1]
    skips: list[Skip] = []
    for (a, b), shape in sorted(edges.items(), key=lambda edge: edge[0][1] - edge[0][0]):
        if b != a + 1:
            taken = {lane for c, d, _, lane in skips if c < b and a < d}
            lane = next(lane for lane in range(len(taken) + 1) if lane not in taken)
            skips.append((a, b, shape, min(lane, MOST_LANES)))
    return flows, skips


def _edge(top: float, bottom: float, x: float, shape: str) -> str:
    tip = f'<path class="tip" d="M{x:g} {bottom:g}l-3.5 -6h7z"/>'
    label = f'<text class="q" x="{x + 8:g}" y="{(top + bottom) / 2 + 3.5:g}">{escape(shape)}</text>'
    return f'<path class="edge" d="M{x:g} {top:g}V{bottom - 5:g}"/>{tip}{label}'


def _skip(a: Row, b: Row, right: float, pad: float, lane: int, shape: str) -> str:
    """An edge that passes boxes by, at their right."""
    x, top, bottom = right + pad + (lane + 1) * LANE, a.y + BOX / 2 + 4, b.y + BOX / 2 - 4
    path = f'<path class="skip" d="M{right:g} {top:g}H{x - 5:g}q5 0 5 5V{bottom - 5:g}q0 5 -5 5H{right + 6:g}"/>'
    tip = f'<path class="stip" d="M{right:g} {bottom:g}l6 -3.5v7z"/>'
    return f"<g><title>{escape(shape)}</title>{path}{tip}</g>"


def _frame(frame: Frame, right: float) -> str:
    x = MARGIN / 2 + frame.depth * INDENT
    width = right - 2 * x
    title = _cut(clean(frame.title), width - 16)
    height = frame.bottom - frame.top
    rect = f'<rect class="frame" x="{x:g}" y="{frame.top:g}" width="{width:g}" height="{height:g}" rx="8"/>'
    return f'{rect}<text class="b" x="{x + 10:g}" y="{frame.top + 18:g}">{escape(title)}</text>'


def _box(graph: Graph, row: Row, left: float, link: str) -> str:
    group, y = row.group, row.y
    node = group.nodes[0]
    kind = CLASS_OF.get(node.op.group, "other")
    name, word = (group.path, group.title) if group.is_block else (node.name, node.op.name)
    shown = name.rpartition(".")[2] if row.depth else name
    parameters = sum(map(graph.parameters_of, group.nodes))
    count = f"{parameters:,}" if parameters else ""
    block = " block" if group.is_block else ""
    rest = WIDTH - 22 - len(count) * LETTER - 12
    first = _cut(clean(shown), rest)
    second = _cut(clean(word), rest - len(first) * LETTER - 8) if word != shown.rstrip("0123456789") else ""
    facts = f"{name}: {word}, output {size_text(group.nodes[-1].shape)}, {parameters:,} parameters"
    bar = "" if group.is_block else f'<rect class="{kind}" x="{left:g}" y="{y:g}" width="6" height="{BOX}" rx="2"/>'
    box = (
        f"<title>{escape(clean(facts))}</title>"
        f'<rect class="box{block}" x="{left:g}" y="{y:g}" width="{WIDTH}" height="{BOX}" rx="5"/>{bar}'
        f'<text x="{left + 14:g}" y="{y + 17:g}"><tspan class="b">{escape(first)}</tspan>'
        f'<tspan class="q" dx="7">{escape(second)}</tspan></text>'
        f'<text class="q" x="{left + WIDTH - 8:g}" y="{y + 17:g}" text-anchor="end">{count}</text>'
    )
    if group.is_block and link:
        return f'<a href="{link}{escape(_id(group.path))}">{box}</a>'
    return f"<g>{box}</g>"


def _id(path: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in path)


def block_id(group: Group) -> str:
    """What the address of a block ends with, in a document where `link` leads to it."""
    return _id(group.path)


def _cut(text: str, width: float) -> str:
    most = int(width / LETTER)
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…" if most > 1 else ""
