"""`specc pack`: the data of a spec as shards that stream."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from specc.cli.common import print_json, report
from specc.errors import SpeccError, clean, counted
from specc.reading import base_of, check_spec, read_source
from specc.tricks.resize import STRETCH
from specc.tricks.sections import DataSettings
from specc.values import Size


def pack(
    file: Annotated[Path, typer.Argument(help="The spec whose data are packed.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The folder of the shards.", metavar="FOLDER", show_default=False)],
    size: Annotated[
        str | None,
        typer.Option(help="Resize images to this size, in place of data.resize's.", metavar="HxW", show_default=False),
    ] = None,
    jpeg: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100,
            help="Store JPEG files of this quality instead of pixels.",
            metavar="QUALITY",
            show_default=False,
        ),
    ] = None,
    shard_size: Annotated[
        str, typer.Option(help="About how large a shard is.", metavar="BYTES", show_default=True)
    ] = "128MB",
    variant: Annotated[str | None, typer.Option(help="Pack the data of this variant.", show_default=False)] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Override a setting. Repeatable.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Look for data sets in this folder first.", metavar="FOLDER", show_default=False)
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show progress.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """Write the images of a spec into shards: decoded once, resized, indexed and hashed.

    Every part of the source is packed. A spec reads the shards as `source = packed("FOLDER")`, from a disk or from an
    object store, and does not have to hold them in memory. They are tar files that other readers of WebDataset read,
    too. A packing that was stopped continues where it was.

    Examples:

      specc pack digits.cnn --out shards
      specc pack net.cnn --out packed/net --size 256x256 --jpeg 95
    """
    checked = check_spec(read_source(file), data_dir=data_dir, variant=variant, sets=sets or ())
    if report(checked.diagnostics):
        return 1
    data = checked.trainable().data
    if size is not None:
        data = _resized(data, size)
    from specc.backend.data.amount import amount
    from specc.backend.data.amount import size as shown
    from specc.backend.data.progress import hidden
    from specc.backend.data.shards.pack import WORDS
    from specc.backend.data.shards.pack import pack as pack_data

    bytes_each = amount(shard_size, "--shard-size")
    with hidden(quiet):
        packing = pack_data(data, out, jpeg=jpeg, shard_size=bytes_each, data_dir=data_dir, base=base_of(file))
    if json:
        print_json(packing.as_json())
        return 0
    for note in packing.notes:
        print(clean(note), file=sys.stderr)
    parts = ", ".join(f"{counted(count, f'{WORDS[name]} image')}" for name, count in packing.images.items())
    channels, height, width = packing.shape
    where, beside = clean(str(out)), clean(os.path.relpath(out, file.parent))  # as a spec in the same folder names it
    print(f"{parts}, {channels} x {height} x {width}: {counted(packing.shards, 'shard')}, {shown(packing.size)}")
    if packing.was_complete and packing.kept == packing.shards:
        print(f"all of it was in {where} already, and is unchanged")
    elif packing.kept:
        print(f"{packing.kept:,} of these were finished before and are unchanged")
    print(f'{clean(str(packing.file))}, SHA-256 {packing.hash}\nto read them: source = packed("{beside}")')
    return 0


def _resized(data: DataSettings, text: str) -> DataSettings:
    """The settings with another size of images. Raises SpeccError E483 for what is none."""
    height, cross, width = text.partition("x")
    sides = (height, width if cross else height)
    if not all(side.isascii() and side.isdecimal() and 0 < int(side) <= 1 << 14 for side in sides):
        raise SpeccError("E483", f"--size {text} is not a size", help="write height and width, such as 256x256")
    size = Size(int(sides[0]), int(sides[1]))
    resize = STRETCH.call(size=size) if data.resize is None else data.resize
    args = type(resize.args)(**{**resize.args.as_dict(), "size": size})
    return data.replace(resize=resize._replace(args=args))
