"""The items of a file as a document in the canonical layout: sections, variants, blocks and networks."""

from typing import Any

from specc.syntax import tree as t
from specc.syntax.comments import Comments, file_key
from specc.syntax.document import HARD, WIDTH, Break, Doc, Group, IfBroken, on_one_line
from specc.syntax.print_body import BodyPrinter


class FilePrinter(BodyPrinter):
    """Prints a whole file, with the comments that its tree has."""

    def __init__(self, file: t.File) -> None:
        super().__init__(Comments(file))
        self.items = file.items
        self.key = file_key(file)

    def file(self) -> Doc:
        """All items. An empty line stands where the author left one, and around a section or block of several lines."""
        if not self.items:
            return self.closing(self.key, is_empty=True)[1:]
        docs = [self.item(item) for item in self.items]
        lines = [on_one_line(doc) for doc in docs]
        self._align_variants(docs, lines)
        is_long = [
            line is None and isinstance(item, t.Block | t.Section) for item, line in zip(self.items, lines, strict=True)
        ]
        parts: list[Any] = []
        for position, (item, doc) in enumerate(zip(self.items, docs, strict=True)):
            above, blank = self.above(item)
            if position > 0:
                parts.append(HARD._replace(blank=blank or is_long[position - 1] or is_long[position]))
            parts += [*above, doc, self.behind(item)]
        return [*parts, *self.closing(self.key, is_empty=False)]

    def item(self, item: Any) -> Doc:
        match item:
            case t.Extends(span=span):
                return f"extends {span.text.removeprefix('extends').strip()}"
            case t.Block(name=name, parameters=parameters, name_span=name_span):
                head: list[Any] = ["network " if item.is_network else "block ", name]
                if parameters or self.comments.touch(item.span, ()):
                    head.append(self.brackets("()", parameters, item.span, name_span))
                return [*head, " ", Group(self.body(item.body), self.is_broken(item.body))]
            case t.Section(name=name):
                return [f"{name} ", self.settings(item)]
            case t.Variant():
                return [_head(item), " ", self.settings(item)]
            case _:
                return self.statement(item)

    def settings(self, section: t.Section | t.Variant) -> Doc:
        """Settings in braces: with their `=` in one column, or on one line where they were written on one line."""
        parts: list[Any] = []
        paths = [".".join(setting.path) for setting in section.settings]
        wide = max(map(len, paths), default=0)
        for path, setting in zip(paths, section.settings, strict=True):
            above, blank = self.above(setting)
            gap = Break("; " if parts else " ", blank and len(parts) > 0)
            pad = IfBroken(" " * (wide - len(path)))
            parts += [gap, *above, path, pad, " = ", self.expression(setting.value), self.behind(setting)]
        # The span of a section of a resolved spec is not that of its braces: it is broken.
        on_a_line = "\n" not in section.span.text and section.span.text.endswith("}")
        broken = not on_a_line and (len(parts) > 0 or self.comments.touch(section.span, ()))
        return Group(self.braces(parts, section.span), broken)

    def _align_variants(self, docs: list[Doc], lines: list[str | None]) -> None:
        """Put the braces of variants that stand on lines right below each other into one column, where that fits."""
        runs: list[list[int]] = []
        for position, item in enumerate(self.items):
            if isinstance(item, t.Variant) and lines[position] is not None:
                above, blank = self.above(item)
                if runs and runs[-1][-1] == position - 1 and not above and not blank:
                    runs[-1].append(position)
                else:
                    runs.append([position])
        for run in runs:
            heads = [_head(self.items[position]) for position in run]
            wide = max(map(len, heads))
            room = [WIDTH - len(lines[position] or "") for position in run]
            if all(wide - len(head) <= left for head, left in zip(heads, room, strict=True)):
                for position, head in zip(run, heads, strict=True):
                    docs[position] = [f"{head:<{wide}} ", self.settings(self.items[position])]


def _head(variant: t.Variant) -> str:
    return f"variant {variant.name} extends {variant.base}" if variant.base else f"variant {variant.name}"
