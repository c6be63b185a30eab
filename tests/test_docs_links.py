"""Every relative link, picture and anchor in the documentation leads somewhere. Addresses elsewhere are left alone."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
AT_THE_ROOT = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "editors/README.md")
PAGES = [*(ROOT / name for name in AT_THE_ROOT), *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "specc" / "pages").glob("*.md"))
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(\s*<?([^)>\s]+)>?[^)]*\)|(?:src|href)=\"([^\"]+)\"")


def wrong(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    found = []
    for match in LINK.finditer(text):
        link = match[1] or match[2]
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        is_there = target.exists() and target.is_relative_to(ROOT)
        if not is_there or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            found.append(link)
    return found


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in re.findall(r"^#+ +(.*?) *$", text, re.M)]
    slugs = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
    return {
        f"{slug}-{slugs[:place].count(slug)}" if slug in slugs[:place] else slug for place, slug in enumerate(slugs)
    }


def test_links_lead_somewhere() -> None:
    assert {str(page): links for page in PAGES if (links := wrong(page))} == {}


def test_a_wrong_link_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_docs_links.ROOT", tmp_path)
    (tmp_path / "b.md").write_text("# Two words\n## `code`, too\n# Two words\n")
    page = tmp_path / "a.md"
    page.write_text(
        "[a](b.md) [b](c.md) [c](b.md#two-words) [d](b.md#two-words-1) [e](b.md#code-too) [f](b.md#two)"
        ' `[g](no.md)` [h](https://x.y/z) ![i](no.png) <img src="no.svg"> [j](#here)\n```\n[k](no.md)\n```\n'
    )
    assert wrong(page) == ["c.md", "b.md#two", "no.png", "no.svg", "#here"]
