"""The picture of a network: well formed, with every layer, shape and skip connection; blocks open or folded."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from specc.report.picture import groups_of, picture, picture_file
from tests.helpers.checking import fine, spec

TEXT = """
block unit(filters) { conv(filters) -> batch_norm -> relu }
block pair(filters) { unit(filters); residual { unit(filters) -> conv(filters) } }
network Net { input(3, 16x16); unit(8); pair(8); max_pool(2); flatten -> dense(10) }
"""
SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own


def words(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in parsed(svg).iter(f"{SVG}text")]


def test_open_it_has_every_layer_and_the_frames_of_blocks() -> None:
    graph = fine(spec(TEXT)).graph
    svg = picture(graph, unfold=True)
    shown = words(svg)
    frames = [word for word in shown if ": " in word]
    assert {"unit1: unit(8)", "pair1: pair(8)"} <= set(frames)
    boxes = [e for e in parsed(svg).iter(f"{SVG}rect") if "box" in e.get("class", "")]
    assert len(boxes) == len(graph.nodes)
    assert shown.count("8 x 16 x 16") >= 7 and "8 x 8 x 8" in shown
    assert svg.count('class="skip"') == 1  # around the body of `residual`
    assert "<script" not in svg and "style=" not in svg


def test_folded_a_block_is_one_box_that_leads_to_its_own_picture() -> None:
    graph = fine(spec(TEXT)).graph
    groups = groups_of(graph)
    assert [group.path for group in groups] == ["input", "unit1", "pair1", "max_pool1", "flatten1", "dense1"]
    svg = picture(graph, groups, link="#block-")
    assert re.findall(r'href="([^"]+)"', svg) == ["#block-unit1", "#block-pair1"]
    pair = groups[2]
    assert next(part.path for part in pair.parts) == "pair1.unit1"
    inside = picture(graph, pair.parts, link="#block-")
    assert inside.count('class="skip"') == 1 and "pair1.unit1" in inside
    parameters = sum(map(graph.parameters_of, pair.nodes))
    assert f"{parameters:,}" in words(svg)


def test_edges_that_share_a_height_lie_in_different_lanes() -> None:
    body = "conv(8); residual { conv(8) -> relu; residual { conv(8) }; conv(8) }; global_avg_pool -> dense(3)"
    graph = fine(spec(f"network N {{ input(8, 8x8); {body} }}")).graph
    paths = re.findall(r'class="skip" d="M[\d.]+ [\d.]+H([\d.]+)', picture(graph))
    assert len(paths) == len(set(paths)) == 2


def test_the_file_has_its_style_and_both_themes() -> None:
    svg = picture_file(fine(spec(TEXT)).graph)
    assert parsed(svg).find(f"{SVG}style") is not None and "prefers-color-scheme:dark" in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "unet"])
def test_large_networks(examples: Path, specc: Callable[..., Any], tmp_path: Path, name: str) -> None:
    file = tmp_path / "net.svg"
    answer = specc("show", examples / f"{name}.cnn", "--picture", file)
    assert answer.status == 0 and answer.err.endswith(f"drew {file}\n")
    root = parsed(file.read_text())
    width, height = (float(root.get(side, "0")) for side in ("width", "height"))
    assert 200 < width < 700 and height > 1000
    for element in root.iter(f"{SVG}rect"):
        if element.get("x"):
            assert float(element.get("x", "0")) + float(element.get("width", "0")) <= width


def test_another_kind_of_picture_is_refused(examples: Path, specc: Callable[..., Any], tmp_path: Path) -> None:
    answer = specc("show", examples / "digits.cnn", "--picture", tmp_path / "net.png")
    assert answer.status == 2 and "error[E482]" in answer.err and "= help: net.svg" in answer.err
