"""Draws shapes.png, the picture in the README: what `specc lsp` answers about a spec, in the editor's colors.

    make vscode && .venv/bin/python editors/vscode/test/picture.py

Shapes, the line above the network, the problem and the text under the pointer are the server's; the colors are those
that Visual Studio Code's engine gives each token. It is drawn by Chromium, not by Visual Studio Code.
"""

import base64
import html
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.helpers.browser import browser, chromium
from tests.helpers.editor import Editor

HERE = Path(__file__).resolve().parent
SPEC = """\
block unit(c, stride=1) {
  conv(c, 3x3, stride=stride) -> batch_norm -> relu
}

network Net(width=16) {
  input(3, 32x32)
  unit(width)
  for (c, s) in [(width, 1), (2 * width, 2), (4 * width, 2)] {
    unit(c, stride=s)
    repeat(2) { residual { unit(c) } }
  }
  global_avg_pool -> dense(10)
}

variant wide { network.widht = 32 }
"""
WIDTH, HEIGHT = 1170, 475
COLORS = {
    "comment": "#6a9955", "string": "#ce9178", "constant.numeric": "#b5cea8", "constant.language": "#569cd6",
    "keyword.control": "#c586c0", "keyword.other": "#569cd6", "storage": "#569cd6", "support.function": "#dcdcaa",
    "entity.name.function": "#dcdcaa", "entity": "#4ec9b0", "variable": "#9cdcfe",
}  # fmt: skip
STYLE = """
body { margin: 0; overflow: hidden; background: #1e1e1e; color: #d4d4d4; font: 15px/22px "DejaVu Sans Mono", monospace }
pre { margin: 14px 18px; font: inherit } .number { color: #6e7681; display: inline-block; width: 34px }
.hint { color: #a0a0a0; background: #2d2d2d; border-radius: 3px; font-size: 12.5px; padding: 1px 4px; margin-left: 5px }
.lens { color: #999; font: 12.5px sans-serif } .wrong { text-decoration: underline wavy #f14c4c }
.hover { position: absolute; left: 700px; top: 268px; width: 440px; background: #252526; border: 1px solid #454545;
  font: 12.5px/17px sans-serif; padding: 5px 10px; white-space: pre-wrap }
.problems { margin-top: 24px; border-top: 1px solid #454545; padding: 8px 18px; font: 13px/20px sans-serif;
  white-space: pre-wrap }
.problems b { color: #f14c4c }
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        editor = Editor(Path(folder))
        (Path(folder) / "net.cnn").write_text(SPEC)
        editor.open("net.cnn", SPEC)
        page = Path(folder) / "page.html"
        page.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{content(editor)}")
        editor.leave()
        program = chromium()
        assert program, "there is no Chromium"
        with browser(program, Path(folder) / "profile") as tab:
            size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1.25, "mobile": False}
            tab.call("Emulation.setDeviceMetricsOverride", **size)
            tab.open(page)
            picture = tab.call("Page.captureScreenshot", format="png")["data"]
        (HERE.parent / "shapes.png").write_bytes(base64.b64decode(picture))


def content(editor: Editor) -> str:
    """The text with what the server says of it, as HTML."""
    problems = editor.diagnostics("net.cnn")
    colors = colors_of(editor.root / "net.cnn")
    wrong = {
        at
        for one in problems
        for at in range(*(editor.offset("net.cnn", one["range"][end]) for end in ("start", "end")))
    }
    inserted: dict[int, str] = {}
    for hint in editor.of("net.cnn", "inlayHint", range=editor.whole("net.cnn")):
        at = editor.offset("net.cnn", hint["position"])
        inserted[at] = f"<span class=hint>{html.escape(hint['label'])}</span>"
    lens = next(iter(editor.of("net.cnn", "codeLens")))
    title = editor.request("codeLens/resolve", lens)["command"]["title"]
    lines = []
    at = 0
    for number, line in enumerate(SPEC.splitlines()):
        if number == lens["range"]["start"]["line"]:
            lines.append(f"<span class=number></span><span class=lens>{html.escape(title)}  |  show  |  train</span>")
        places = range(at, at + len(line))
        parts = [letter(SPEC[i], colors[i], i in wrong) + inserted.get(i + 1, "") for i in places]
        lines.append(f"<span class=number>{number + 1}</span>{''.join(parts)}")
        at += len(line) + 1
    hover = editor.request("textDocument/hover", editor.place("net.cnn", "unit(c, stride=s)"))["contents"]["value"]
    told = "\n".join(line for line in hover.splitlines() if not line.startswith("```"))
    listed = "\n".join(f"<b>✕</b> {html.escape(one['message'])}  specc({one['code']})" for one in problems)
    return (
        f"<pre>{chr(10).join(lines)}</pre><div class=hover>{html.escape(told)}</div><div class=problems>{listed}</div>"
    )


def colors_of(path: Path) -> list[str]:
    """The color of each character."""
    command = ["node", str(HERE / "scopes.js"), str(path)]
    (lines,) = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    colors: list[str] = []
    for text, tokens in zip(path.read_text().split("\n"), lines, strict=True):
        line = ["#d4d4d4"] * (len(text) + 1)
        for start, end, scope in tokens:
            color = next((color for kind, color in COLORS.items() if scope.startswith(kind)), "#d4d4d4")
            line[start : min(end, len(text))] = [color] * (min(end, len(text)) - start)
        colors += line
    return colors


def letter(text: str, color: str, is_wrong: bool) -> Any:
    shown = f'<span style="color:{color}">{html.escape(text)}</span>'
    return f"<span class=wrong>{shown}</span>" if is_wrong else shown


if __name__ == "__main__":
    main()
