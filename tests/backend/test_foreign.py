"""What is often found under an image's name is called what it is."""

import gzip
import io
import tarfile
import zipfile

import pytest

from specc.backend.foreign import described
from specc.backend.images import BadImage, decode_bytes


def packed(kind: str, name: str = "a") -> bytes:
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), b"a")
    else:
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("a"))
    return buffer.getvalue()


FILES = {
    b"<!DOCTYPE html><html><body>404</body></html>": "an HTML page; the download failed",
    b"\n\n  <HTML lang='en'>": "an HTML page",
    b"\xef\xbb\xbf<!-- saved --><html>": "an HTML page",
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>": "an XML text; the download failed",
    b"<?xml version='1.0'?>\n<!DOCTYPE svg>\n<svg xmlns='x'/>": "an SVG drawing; convert it",
    b"<svg viewBox='0 0 1 1'/>": "an SVG drawing",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n": "a Git LFS pointer",
    b"/annex/objects/SHA256E-s1--00.jpg\n": "a git-annex pointer",
    b"../../.git/annex/objects/xx": "a git-annex pointer",
    b"\xff\x0a\xfa\x7f": "a JPEG XL image; convert it",
    b"\0\0\0\x0cJXL \r\n\x87\n": "a JPEG XL image",
    b"\0\0\0\x0cjP  \r\n\x87\n": "a JPEG 2000 image",
    b"\xff\x4f\xff\x51\0": "a JPEG 2000 image",
    **{b"\0\0\0\x18ftyp" + brand: "a HEIC photo; convert it" for brand in (b"heic", b"heix", b"hevc")},
    b"\0\0\0\x18ftypmif1": "a HEIF photo",
    b"\0\0\0\x18ftypavif": "an AVIF image; convert it",
    b"\0\0\0\x18ftypisom": "a video",
    b"%PDF-1.7": "a PDF document; convert it",
    b"8BPS\0\1": "a Photoshop document",
    b"\x76\x2f\x31\x01": "an OpenEXR image",
    bytes(128) + b"DICM": "a DICOM image",
    b"\x93NUMPY\1\0": "a NumPy array",
    b"\x89HDF\r\n": "an HDF5 file",
    packed("zip"): "a zip archive",
    packed("zip", "[Content_Types].xml"): "a workbook or another document of Office; save a workbook as CSV",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "a workbook or another document of Office",
    b"PAR1\x15\x04": "a Parquet file",
    packed("tar"): "a tar archive",
    gzip.compress(b"a", mtime=0): "packed by gzip; unpack it",
    bytes(64): "nothing but zeros",
    b"hello": "begins with 68 65 6c 6c 6f",
}


@pytest.mark.parametrize(("content", "what"), FILES.items())
def test_files_that_are_no_images(content: bytes, what: str) -> None:
    assert what in described(content)
    with pytest.raises(BadImage, match="is not a readable image: it ") as caught:
        decode_bytes(content, 3)
    assert what in str(caught.value)
