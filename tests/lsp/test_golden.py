"""What a person sees in an editor, as text: shapes, pages and offers in examples. `--update-pages` writes them anew."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "golden"
HOVERED = {
    "digits": ["conv(", "network", "epochs"],
    "unet": ["level(width", "double(c)", "conv_transpose(", "depth=", "concat"],
    "resnet20_cifar10": ["basic(c, stride)", "shortcut(c, stride)", "global_avg_pool", "schedule"],
}
OFFERED = {"digits": ["conv("], "unet": ["cosine", "depth   = 4"], "resnet20_cifar10": ["batch_norm", "c, stride)"]}


@pytest.mark.parametrize("name", HOVERED)
def test_shapes(editor, example, request, name):
    editor.open(f"{name}.cnn", example(name))
    compare(request, f"{name}.hints.txt", editor.shown(f"{name}.cnn"))


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
