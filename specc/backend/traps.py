"""Image files that are small, and would keep a decoder busy for hours or fill the memory before a pixel is decoded.

Pillow limits pixels and packed texts. What it does not limit is refused here, from the bytes alone.
"""

import re
import struct

MOST_SCANS = 100  # of a JPEG file; progressive ones have about ten
MOST_METADATA = 1 << 16  # bytes of EXIF data, which fit into one segment of a JPEG file

# Binary PPM, PGM and PBM: of the kinds that are written as text, and of headers without an end, Pillow reads each
# byte by itself.
PPM = re.compile(rb"P[456](?:(?:\s|#[^\r\n]{0,200}[\r\n])+\d{1,9}){2,3}\s")
TAG_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def trap(content: bytes) -> str:
    """What is wrong with the bytes of an image file, completing "FILE …"; an empty text where nothing is."""
    if content[:1] == b"P" and content[1:2].isdigit() and not PPM.match(content[:4096]):
        return "is not a readable image: a PPM file whose header is not that of a binary PPM"
    if content[:2] == b"\xff\xd8" and content.count(b"\xff\xda") > MOST_SCANS:
        return f"has more than {MOST_SCANS} scans, the limit"
    if content[:4] in (b"II+\0", b"MM\0+"):
        return "is not a readable image: it is a BigTIFF file; convert it to PNG or JPEG"
    if content[:4] in (b"II*\0", b"MM\0*") and tag_bytes(content) > 2 * len(content):
        return "is damaged: its tags are larger than the file"
    return ""


def tag_bytes(content: bytes) -> int:
    """How many bytes the tags of a TIFF file take when they are read; several may point to the same ones."""
    order = "<" if content[:1] == b"I" else ">"
    try:
        (at,) = struct.unpack_from(f"{order}I", content, 4)
        (count,) = struct.unpack_from(f"{order}H", content, at)
        entries = (struct.unpack_from(f"{order}2xHI", content, at + 2 + 12 * number) for number in range(count))
        return sum(TAG_SIZES.get(kind, 0) * values for kind, values in entries)
    except struct.error:
        return 0  # it breaks off, which decoding tells


def heavy(exif: object) -> str:
    """What is wrong with the EXIF data of an image, as bytes or as hexadecimal text: each of its tags may point to all
    of it."""
    size = len(exif) // (2 if isinstance(exif, str) else 1) if isinstance(exif, bytes | str) else 0
    return f"has {size:,} bytes of EXIF data, more than allowed" if size > MOST_METADATA else ""
