"""A file is what its content says."""

import io
import zipfile

import pytest

from chat.files.kinds import INLINE, kind_of
from tests.support.pictures import gif, jpeg, png, webp

SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
)


def a_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.txt"), "a" * 100)  # of no time: it names a test
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (png(), "image/png"),
        (jpeg(), "image/jpeg"),
        (gif(), "image/gif"),
        (webp(), "image/webp"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "application/pdf"),
        (a_zip(), "application/zip"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(64), "video/mp4"),
        (b"ID3\x03\0\0\0\0\x0f\x76TIT2" + bytes(64), "audio/mpeg"),
        (b"hello\r\n", "text/plain"),
        ("Gr\u00fc\u00dfe \U0001f600".encode(), "text/plain"),
        (("x" + "\u20ac" * 30000).encode()[:65536], "text/plain"),  # cut within a character
        (bytes(range(256)), "application/octet-stream"),
        (b"\x7fELF\2\1\1" + bytes(64), "application/x-executable"),
    ],
)
def test_the_content_says_what_it_is(head: bytes, kind: str) -> None:
    assert kind_of(head) in (kind, "application/octet-stream" if "executable" in kind else kind)


@pytest.mark.parametrize(
    "head",
    [
        SVG,
        b"<!doctype html><script>alert(1)</script>",
        b"<html>",
        b"{}",
        b"#!/bin/sh\nrm -rf /",
        b"\xef\xbb\xbf<svg onload=alert(1)>",
    ],
)
def test_what_a_browser_would_run_is_text_and_never_shown_inline(head: bytes) -> None:
    assert kind_of(head) == "text/plain"
    assert "text/plain" not in INLINE


@pytest.mark.parametrize("head", [b"GIF8" + bytes(80), b"\xff\xd8" + bytes(80), b"RIFF....WEBM\0"])
def test_only_what_is_one_counts_as_a_picture(head: bytes) -> None:
    assert kind_of(head) not in INLINE
