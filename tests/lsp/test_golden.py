"""What a person sees in an editor, as text: shapes, pages and offers in examples. `--update-pages` writes them anew."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "golden"
EXAMPLES = sorted(path.stem for path in (Path(__file__).parents[2] / "examples").glob("*.cnn"))
HOVERED = {
    "digits": ["conv(", "network", "epochs"],
    "unet": ["level(width", "double(c)", "conv_transpose(", "depth=", "concat"],
    "resnet20_cifar10": ["basic(c, stride)", "shortcut(c, stride)", "global_avg_pool", "schedule"],
}
OFFERED = {"digits": ["conv("], "unet": ["cosine", "depth   = 4"], "resnet20_cifar10": ["batch_norm", "c, stride)"]}


@pytest.mark.parametrize("name", EXAMPLES)
def test_shapes(editor, example, request, name):
    editor.open(f"{name}.cnn", example(name))
    compare(request, f"{name}.hints.txt", editor.shown(f"{name}.cnn"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_under_the_pointer_and_what_is_offered(editor, example, request, name):
    """In a line for each name of an example, where it stands first: what hovering says, and what could stand there."""
    file, text = f"{name}.cnn", example(name)
    editor.open(file, text)
    editor.diagnostics(file)
    first = {match[0]: match for match in reversed(list(re.finditer(r"#.*|\"[^\"]*\"|[A-Za-z_]\w*", text)))}
    lines = []
    for word, match in sorted(first.items(), key=lambda pair: pair[1].start()):
        if word[0] in '#"':
            continue
        asked = {"textDocument": {"uri": editor.uri(file)}, "position": editor.at(file, match.start())}
        hover = editor.request("textDocument/hover", asked)
        told = [
            line
            for line in (hover or {"contents": {"value": ""}})["contents"]["value"].splitlines()
            if line.strip("`cn")
        ]
        lines.append(f"{text.count(chr(10), 0, match.start()) + 1}: {word}: {told[0] if told else '-'}")
        if len(lines) % 8 == 1:
            items = sorted(editor.request("textDocument/completion", asked), key=lambda item: item["sortText"])
            lines.append(f"    offered: {len(items)}: {' '.join(item['label'] for item in items[:12])}")
    compare(request, f"{name}.names.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("name", HOVERED)
def test_pages(editor, example, request, name):
    editor.open(f"{name}.cnn", example(name))
    parts = []
    for what in HOVERED[name]:
        hover = editor.request("textDocument/hover", editor.place(f"{name}.cnn", what))
        parts.append(f"==== {what}\n{hover['contents']['value'] if hover else '(nothing)'}\n")
    compare(request, f"{name}.hover.txt", "\n".join(parts))


@pytest.mark.parametrize("name", OFFERED)
def test_offers(editor, example, request, name):
    editor.open(f"{name}.cnn", example(name))
    editor.diagnostics(f"{name}.cnn")
    parts = []
    for what in OFFERED[name]:
        items = editor.request("textDocument/completion", editor.place(f"{name}.cnn", what))
        items.sort(key=lambda item: item["sortText"])
        lines = [f"{item['label']}  {item.get('detail', '')}".rstrip() for item in items]
        parts.append(f"==== before {what}\n" + "\n".join(lines) + "\n")
    compare(request, f"{name}.completion.txt", "\n".join(parts))


def compare(request: pytest.FixtureRequest, name: str, text: str) -> None:
    path = FOLDER / name
    if request.config.getoption("--update-pages"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")
