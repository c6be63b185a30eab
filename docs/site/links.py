"""Whether every link of a folder of HTML pages leads somewhere, and whether a page loads anything from the network."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


class Page(HTMLParser):
    """links: what it leads to. loads: what it needs to be shown. anchors: the places in it that links may name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in LOADED and LOADED[tag] in values and values.get("rel") not in ("canonical", "prev", "next"):
            self.loads.append(values[LOADED[tag]])


def problems(folder: Path) -> list[str]:
    """A line for each link, anchor or file that is not there, and for each thing that is loaded from the network."""
    pages = {file.resolve(): Page(file.read_text(encoding="utf-8")) for file in folder.rglob("*.html")}
    found = []
    for file, page in pages.items():
        name = file.relative_to(folder.resolve())
        found += [f"{name}: loads {link} from the network" for link in page.loads if _is_elsewhere(link)]
        if name.name == "404.html":  # its links begin at the root of a server
            continue
        for link in (*page.links, *page.loads):
            if not _is_elsewhere(link) and not _leads_somewhere(file, link, pages):
                found.append(f"{name}: {link} leads nowhere")
    return found


def _is_elsewhere(link: str) -> bool:
    parts = urlsplit(link)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def _leads_somewhere(file: Path, link: str, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme == "data":
        return True
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if parts.fragment and target in pages and parts.fragment != "__skip":
        return unquote(parts.fragment) in pages[target].anchors
    return target.is_file()
