"""Build the documentation: a folder of pages that can be read, and searched, without a network.

    python docs/site/build.py [FOLDER]

`make docs` does it. The pages are those of README.md, docs/ and the files at the root, which stay where their links
find them, and those that `reference.py` makes from the code. Zensical turns them into FOLDER/html, `build/docs/html`
unless given. Every link and anchor of the result is followed, and nothing that a page loads may be on the network.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from latex2mathml.converter import convert
from links import problems
from notebook import as_markdown
from reference import reference

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "docs" / "site"
AT_THE_ROOT = ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
# A formula in a block, code, in which a dollar is a dollar, and a formula in a line.
MATH_OR_CODE = r"^```math\n(?P<block>.*?)^```$|^```.*?^```$|`[^`]*`|\$(?P<line>[^$\n]+)\$"
NAMED_BY_PATH = r"\[[\w/.-]+(?:\.md|\.ipynb|/lessons)\]\(([\w/.-]+\.md)\)"
HOME = ("More",)  # the sections of the README that stay on the first page; each other one is a page of its own


def gather(pages: Path) -> None:
    """Write all pages as Markdown, with the files that they show, into a folder laid out as the repository is."""
    shutil.copytree(ROOT / "docs", pages / "docs", ignore=shutil.ignore_patterns("site", "__pycache__", "*.ipynb"))
    shutil.copytree(ROOT / "examples", pages / "examples", ignore=shutil.ignore_patterns("data", "runs", "__pycache__"))
    for name in (*AT_THE_ROOT, "LICENSE"):
        shutil.copy(ROOT / name, pages / name)
    for name in ("iframe-worker.js", "site.css"):
        shutil.copy(SITE / name, pages / name)
    written = {**readme(), **reference(), "examples/index.md": examples()}
    for notebook in (ROOT / "docs").glob("*.ipynb"):
        written[f"docs/{notebook.stem}.md"] = as_markdown(notebook)
    for name, text in written.items():
        file = pages / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for file in pages.rglob("*.md"):
        file.write_text(_for_the_site(file.read_text(encoding="utf-8"), file.parent), encoding="utf-8")
    (pages / "docs" / "lessons" / "README.md").rename(pages / "docs" / "lessons" / "index.md")


def readme() -> dict[str, str]:
    """The README as pages: a section is too long a way down from the top of a single one."""
    first, *sections = re.split(r"^## ", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    pages = {"index.md": first}
    for section in sections:
        title, _, text = section.partition("\n")
        if title in HOME:
            pages["index.md"] += f"## {title}\n{text}"
        elif title != "The commands":  # the reference has them, with all their options
            pages[f"{_slug(title)}.md"] = f"# {title}\n{text}"
    return pages


def examples() -> str:
    """The page of all examples."""
    files = sorted((ROOT / "examples").glob("*.cnn"))
    parts = [f"## [{file.name}]({file.name})\n\n```cnn\n{file.read_text(encoding='utf-8')}```" for file in files]
    return "\n\n".join(["# Examples", *parts]) + "\n"


def _for_the_site(text: str, folder: Path) -> str:
    """A page with formulas as MathML, and with links to what stands elsewhere on the site, by the titles of pages."""
    text = text.replace("](examples/)", "](examples/index.md)").replace("lessons/README.md", "lessons/index.md")
    text = text.replace("notebook.ipynb)", "notebook.md)")
    text = re.sub(NAMED_BY_PATH, lambda link: f"[{_title(folder / link[1])}]({link[1]})", text)
    return re.sub(MATH_OR_CODE, _math, text, flags=re.MULTILINE | re.DOTALL)


def _title(page: Path) -> str:
    """What a page is called: its first heading."""
    page = page if page.exists() else page.with_name("README.md")  # which becomes index.md when all are written
    return re.findall(r"^# (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)[0]


def _math(part: re.Match[str]) -> str:
    """A formula as MathML; code as it is."""
    if formula := part["block"]:
        return convert(" ".join(formula.split()), display="block")
    # Markdown takes a line that begins with <math> for a block.
    return f"<span>{convert(part['line'], display='inline')}</span>" if part["line"] else part[0]


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "docs"
    for part in ("pages", "html", ".cache"):
        shutil.rmtree(folder / part, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    gather(folder / "pages")
    shutil.copy(SITE / "zensical.toml", folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "-f", "zensical.toml"]
    done = subprocess.run(command, cwd=folder, check=False)
    wrong = problems(folder / "html")
    print("\n".join(wrong), file=sys.stderr)
    if done.returncode or wrong:
        return 1
    print(folder / "html" / "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
