"""What a file is that is none of the kinds that are read: an HTML page under an image's name, a Git LFS pointer."""

import re

LOOKED_AT = 1024  # bytes of a file's beginning
CONVERT = "; convert it to PNG or JPEG"
EXPORT = "; save a workbook as CSV in UTF-8"
FETCH_AGAIN = "; the download failed: get the file again"

# Marks at the beginning of a file, what it is, and what to do about it.
MARKS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "; fetch it with `git lfs pull`"),
    (b"\xff\x0a", "a JPEG XL image", CONVERT),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image", CONVERT),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image", CONVERT),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image", CONVERT),
    (b"II\xbc", "a JPEG XR image", CONVERT),
    (b"8BPS", "a Photoshop document", CONVERT),
    (b"%PDF", "a PDF document", CONVERT),
    (b"%!PS", "a PostScript document", CONVERT),
    (b"\x76\x2f\x31\x01", "an OpenEXR image", CONVERT),
    (b"#?RADIANCE", "a Radiance HDR image", CONVERT),
    (b"SIMPLE  =", "a FITS file", CONVERT),
    (b"\0\0\1\0", "a Windows icon", CONVERT),
    (b"qoif", "a QOI image", CONVERT),
    (b"DDS ", "a DDS texture", CONVERT),
    (b"FUJIFILMCCD-RAW", "a camera's raw image", CONVERT),
    (b"BPG\xfb", "a BPG image", CONVERT),
    (b"\x1a\x45\xdf\xa3", "a Matroska or WebM video", ""),
    (b"\x93NUMPY", "a NumPy array", ""),
    (b"\x89HDF", "an HDF5 file", ""),
    (b"PAR1", "a Parquet file", ""),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook or another document of Office", EXPORT),
    (b"PK\3\4", "a zip archive", "; unpack it"),
    (b"\x1f\x8b", "packed by gzip", "; unpack it with `gunzip`"),
    (b"BZh", "packed by bzip2", "; unpack it with `bunzip2`"),
    (b"\xfd7zXZ\0", "packed by xz", "; unpack it with `unxz`"),
    (b"\x28\xb5\x2f\xfd", "packed by Zstandard", "; unpack it with `unzstd`"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "; unpack it"),
    (b"Rar!", "a RAR archive", "; unpack it"),
)
OFFICE = b"[Content_Types].xml"  # which every archive of Office Open XML holds
# What the box `ftyp` of an ISO media file names (ISO/IEC 14496-12; the registry is at mp4ra.org).
BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), "a HEIC photo"),
    **dict.fromkeys((b"mif1", b"mif2", b"msf1"), "a HEIF photo"),
    **dict.fromkeys((b"avif", b"avis", b"avio"), "an AVIF image"),
    b"crx ": "a camera's raw image",
    b"jxl ": "a JPEG XL image",
}
MARKUP = re.compile(rb"<(?:!doctype\s+|!--.*?-->\s*)?([a-z][a-z0-9:]*)", re.IGNORECASE | re.DOTALL)
ANNEX = re.compile(rb"(?:\.\./)*(?:\.git)?/annex/objects/")


def described(content: bytes) -> str:
    """What the beginning of a file tells of it: "it is an HTML page; …", or "it begins with 68 65 …"."""
    start = content[:LOOKED_AT].lstrip(b"\xef\xbb\xbf").lstrip()
    if content.startswith(b"PK\3\4") and OFFICE in content[:LOOKED_AT]:
        return f"it is a workbook or another document of Office{EXPORT}"
    for mark, name, advice in MARKS:
        if content.startswith(mark):
            return f"it is {name}{advice}"
    if content[4:8] == b"ftyp":
        return f"it is {BRANDS[content[8:12]]}{CONVERT}" if content[8:12] in BRANDS else "it is a video"
    if content[128:132] == b"DICM":
        return f"it is a DICOM image{CONVERT}"
    if content[257:262] == b"ustar":
        return "it is a tar archive; unpack it"
    if ANNEX.match(start):
        return "it is a git-annex pointer, not the file itself; fetch it with `git annex get`"
    if start.startswith(b"<"):
        return _markup(start)
    if content and not content.strip(b"\0"):
        return "it holds nothing but zeros"
    return f"it begins with {content[:8].hex(' ')}"


def _markup(start: bytes) -> str:
    """What a file is that begins with `<`."""
    names = [name.lower() for name in MARKUP.findall(start)]
    if b"svg" in names[:3]:
        return f"it is an SVG drawing{CONVERT}"
    if b"html" in names or b"head" in names or b"body" in names:
        return f"it is an HTML page{FETCH_AGAIN}"
    return f"it is an XML text{FETCH_AGAIN if b'error' in names else ''}"
