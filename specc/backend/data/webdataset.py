"""`webdataset`: tar files ("shards") of samples; the files of a sample share a name, such as `7.jpg` and `7.cls`.

The format is that of github.com/webdataset/webdataset. The shards are listed here, and read where each image lies.
"""

import re
import tarfile
from itertools import product
from pathlib import Path
from typing import NamedTuple, cast

import torch

from specc.backend.data.order import natural
from specc.backend.data.packed import Careful
from specc.backend.data.paths import no_path, outside, tried_paths
from specc.backend.data.places import Where, damaged, few, unreadable
from specc.backend.data.raw import Files, Given, Part, Place, Raw
from specc.backend.data.sample_labels import TAGS, Label, Name, OddLabel, class_names, every, read_label, task_of
from specc.backend.foreign import LOOKED_AT, described
from specc.backend.images import SUFFIXES
from specc.errors import SpeccError, clean, counted
from specc.files import open_file
from specc.values import Args

MOST_SHARDS = 100_000
MOST_LABEL = 1 << 16  # bytes of a file that holds a label
MOST_HEADER = 1 << 20  # bytes of a header that a shard may have for a long name
MOST_PADDING = 1 << 20  # zeros after the end of a shard: tar fills up a record, of 10,240 bytes mostly
NAMED = 20
RANGE = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}")
NAME = re.compile(r"((?:.*/)?[^./][^.]*)\.([^/]+)", re.DOTALL)  # what a sample's files share, and the rest


class Sample(NamedTuple):
    """An image in a shard. name: the shard's and its own. place: where its bytes lie. label: a number or a name, or
    several of them, or none."""

    name: str
    place: Place
    label: Label


def read_webdataset(a: Args, where: Where) -> Raw:
    """The images of the shards, in their order. A class or a tag is a number from 0, or a name; names are in natural
    order.

    Raises SpeccError: E403 shards that are not there, E402 a damaged one, E410 one that may not be read, E412 samples
    that are not an image with a label.
    """
    paths = find_shards(a.path, where)
    train = read_samples(paths)
    test = _read_test(a.test, where) if a.test else []
    measured = test if isinstance(test, list) else []
    learned, held = ([sample.label for sample in samples] for samples in (train, measured))
    task = task_of(paths[0], [*learned, *held])
    classes = class_names(paths[0], learned, held)

    def part(samples: list[Sample]) -> Part:
        return _part(samples, classes, paths[0].parent, a.skip_broken)

    extra = [name for name in every(held) if str(name) not in classes]
    given: Given = _other_classes(extra) if extra else part(measured) if measured else None
    if isinstance(test, SpeccError):
        given = test
    return Raw(classes, part(train), given, notes=outside(paths[0], where), task=task)


def _read_test(pattern: str, where: Where) -> list[Sample] | SpeccError:
    """The samples of the test part, or what is wrong with them."""
    try:
        return read_samples(find_shards(pattern, where))
    except SpeccError as error:
        return error


def find_shards(pattern: str, where: Where) -> list[Path]:
    """The files of a pattern such as `train-{000..127}.tar`, from the first place that has one of them.

    Raises SpeccError E403 where some are not there, all of them named at once.
    """
    if re.match(r"\w+:", pattern):
        raise SpeccError("E403", clean(f"{pattern} is not a path: only files are read"), help="copy the shards to disk")
    names = expand(pattern)
    found: list[Path] = []
    lacking = names
    try:
        for place in zip(*(tried_paths(name, where) for name in names), strict=True):
            there = [path for path in place if path.is_file()]
            if len(there) > len(found):
                found, lacking = there, [name for name, path in zip(names, place, strict=True) if not path.is_file()]
    except OSError as error:  # a folder that may not be entered, a name that is too long
        raise no_path(pattern, error) from None
    if lacking:
        message = f"{len(lacking):,} of {len(names):,} shards are not there: {few(lacking)}"
        raise SpeccError("E403", message, help="correct the path in `source`, or give the place with --data-dir")
    return found


def expand(pattern: str) -> list[str]:
    """`a-{08..11}.tar` is a-08.tar, a-09.tar, a-10.tar, a-11.tar. Raises SpeccError E403 for too many, or none."""
    pieces = RANGE.split(pattern)
    spans = [range(int(low), int(high) + 1) for low, high in zip(pieces[1::3], pieces[2::3], strict=True)]
    count = 1
    for span in spans:
        count *= len(span)
    if not 0 < count <= MOST_SHARDS:
        message = clean(f"{pattern} stands for {count:,} shards; 1 to {MOST_SHARDS:,} are possible")
        raise SpeccError("E403", message, help="correct the path in `source`")
    widths = [len(low) for low in pieces[1::3]]
    result = []
    for numbers in product(*spans):
        digits = [f"{number:0{width}d}" for number, width in zip(numbers, widths, strict=True)]
        result.append("".join(text + digit for text, digit in zip(pieces[::3], [*digits, ""], strict=True)))
    return result


def read_samples(paths: list[Path]) -> list[Sample]:
    """Every sample of the shards. Raises SpeccError E402, E410 and E412; for the last, all odd samples are named."""
    samples: list[Sample] = []
    odd: list[str] = []
    for path in paths:
        try:
            with Careful(open_file(path, buffering=0)) as file:
                file.most = MOST_HEADER
                for name, members in _grouped(path, file).items():
                    sample = _sample(file, path, name, members)
                    if isinstance(sample, Sample):
                        samples.append(sample)
                    else:
                        odd.append(sample)
        except OSError as error:
            raise unreadable(path, error) from None
    if odd or not samples:
        text = (
            [f"{len(odd):,} of {counted(len(odd) + len(samples), 'sample')} are not an image with a label:"]
            if odd
            else []
        )
        text += [f"  {line}" for line in odd[:NAMED]] or [f"{paths[0]} holds no samples"]
        text += [f"  and {len(odd) - NAMED:,} more"] if len(odd) > NAMED else []
        help = "a sample is NAME.jpg (or .png …) beside NAME.cls or NAME.json"
        if odd and "`labels`" in odd[0]:
            help = f"`{TAGS}` lists the tags that an image has, by number or by name: [2, 5], or [] for none"
        raise SpeccError("E412", text, help=help, status=1)
    return samples


def _grouped(path: Path, file: Careful) -> dict[str, dict[str, tarfile.TarInfo]]:
    """The members of a shard by what their names share, and then by the rest of their names."""
    groups: dict[str, dict[str, tarfile.TarInfo]] = {}
    try:
        with _opened(path, file) as tar:
            for member in tar:
                if member.isdir():
                    continue
                if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.size < 0:
                    raise damaged(path, f"holds {member.name}, which is not a regular file")
                name = NAME.fullmatch(member.name)
                if not name:
                    continue  # hidden files, and what has no suffix
                group = groups.setdefault(name[1], {})
                if name[2].lower() in group:
                    raise damaged(path, f"holds {member.name} twice")
                group[name[2].lower()] = member
            end = tar.offset
        file.seek(end)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise damaged(path, f"is damaged or truncated at byte {end:,}")
        _refuse_more(path, file)
    except (tarfile.TarError, ValueError) as error:
        raise damaged(path, f"is not a complete tar file: {error}") from None
    return groups


def _opened(path: Path, file: Careful) -> tarfile.TarFile:
    """Raises SpeccError E402 where the file is something else; TarError for one that is damaged at its first header."""
    try:
        return tarfile.open(fileobj=file, mode="r:")
    except tarfile.TarError:
        file.seek(0)
        start = file.read(LOOKED_AT)
        if start[257:262] == b"ustar" or not start.strip(b"\0"):
            raise
        found = f"{path} is not a tar file: {described(start)}"
        raise SpeccError("E402", clean(found), help="shards are uncompressed tar files", status=1) from None


def _refuse_more(path: Path, file: Careful) -> None:
    """Raise SpeccError E402 where a shard continues after its end: those samples would be left out."""
    end = file.tell()
    padding = file.read(MOST_PADDING)
    if padding.strip(b"\0") or file.read(1):
        message = clean(
            f"{path} continues after its end, at byte {end:,}: of concatenated tar files only the first is read"
        )
        raise SpeccError("E402", message, help="list each tar file on its own, as in a-{000..127}.tar", status=1)


def _sample(file: Careful, path: Path, name: str, members: dict[str, tarfile.TarInfo]) -> Sample | str:
    """A sample; else what is odd about it."""
    shown = f"{path.name}/{name}"
    images = [suffix for suffix in members if f".{suffix.rpartition('.')[2]}" in SUFFIXES]
    labels = [suffix for suffix in ("cls", "json") if suffix in members]
    if len(images) != 1:
        there = ", ".join(f".{suffix}" for suffix in sorted(members))
        return f"{shown} has {counted(len(images), 'image') if images else 'no image'} among its files {there}"
    if not labels:
        return f"{shown} has no label, neither .cls nor .json"
    try:
        label = read_label({suffix: _content(file, members[suffix]) for suffix in labels})
    except OddLabel as error:
        return f"{shown} {error}"
    image = members[images[0]]
    return Sample(f"{path.name}/{image.name}", Place(path, image.offset_data, image.size), label)


def _content(file: Careful, member: tarfile.TarInfo) -> bytes | None:
    """What is in a small file; None where it is large."""
    if member.size > MOST_LABEL:
        return None
    file.seek(member.offset_data)
    return file.read(member.size)


def _other_classes(extra: list[Name]) -> SpeccError:
    names = few(sorted(map(str, extra), key=natural))
    message = f"the test samples have classes that the training samples do not have: {names}"
    help = "every class that is measured must also be learned: add samples of these classes to the training shards"
    return SpeccError("E407", message, help=help, status=1)


def _part(samples: list[Sample], classes: tuple[str, ...], root: Path, skip_broken: bool) -> Part:
    place = {name: number for number, name in enumerate(classes)}
    names, places = [sample.name for sample in samples], [sample.place for sample in samples]
    files = Files(root, names, skip_broken, places=places)
    if not isinstance(samples[0].label, frozenset):
        return Part(files, torch.tensor([place[str(sample.label)] for sample in samples]))
    labels = torch.zeros(len(samples), len(classes))
    for row, sample in enumerate(samples):
        labels[row, [place[str(tag)] for tag in cast(frozenset[Name], sample.label)]] = 1
    return Part(files, labels)
