"""A notebook as Markdown: its texts, its cells, and what they printed and showed."""

import json
from pathlib import Path
from typing import Any


def as_markdown(file: Path) -> str:
    """The page of an executed notebook; HTML that an object showed of itself stands in it as it is."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join(_cell(cell) for cell in cells) + "\n"


def _cell(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    return "\n\n".join([f"```python\n{source}\n```", *map(_output, cell["outputs"])])


def _output(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return f"```text\n{''.join(output['text'])}```"
    if page := output["data"].get("text/html"):
        # An empty line would end the block of HTML.
        lines = [line if line.strip() else "<!-- -->" for line in "".join(page).splitlines()]
        return "<div>\n" + "\n".join(lines) + "\n</div>"
    return f"```text\n{''.join(output['data']['text/plain'])}\n```"
