"""The network as a picture: folded, and each of its blocks by itself."""

from collections.abc import Sequence

from specc.backend.report_page.html import Section, fold, paragraph, scroll
from specc.ir.graph import Graph
from specc.report.layers import totals
from specc.report.picture import Group, block_id, groups_of, picture

LINK = "block-"
MOST_BLOCKS = 150  # that are drawn by themselves


def network(graph: Graph, frozen: int) -> Section:
    """The picture, and beside it those of its blocks."""
    groups = groups_of(graph)
    blocks = [group for group in _all(groups) if group.is_block]
    whole = scroll(picture(graph, groups, link=f"#{LINK}" if blocks else ""), "The network")
    body = paragraph(f"{totals(graph, frozen)}.", "q")
    if not blocks:
        return Section("network", "Network", f'{body}<div class="tall">{whole}</div>')
    folds = "".join(_block(graph, group) for group in blocks[:MOST_BLOCKS])
    left = len(blocks) - MOST_BLOCKS
    folds += paragraph(f"{left:,} more blocks are not drawn.", "q") if left > 0 else ""
    note = paragraph("Choose a block, with the thick border, to see what is in it.", "q")
    return Section(
        "network",
        "Network",
        f'{body}{note}<div class="network"><div class="tall">{whole}</div><div>{folds}</div></div>',
    )


def _block(graph: Graph, group: Group) -> str:
    drawn = scroll(picture(graph, group.parts, link=f"#{LINK}"), group.path)
    return fold(f"{group.path}: {group.title}", drawn, name=f"{LINK}{block_id(group)}")


def _all(groups: Sequence[Group]) -> list[Group]:
    """The groups and all that is in them, each before its parts."""
    return [one for group in groups for one in (group, *_all(group.parts))]
