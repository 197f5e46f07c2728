"""Picture files made by hand, with what a camera would note in them."""

import struct
import zlib

GPS = b"GPS 48.8584 N 2.2945 E"


def png(width: int = 3, height: int = 2, *, colour: int = 0xCC5500, notes: bytes = b"") -> bytes:
    """Return a PNG of one colour; with notes, texts and Exif are in it."""
    row = b"\0" + colour.to_bytes(3, "big") * width
    chunks = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        *([_chunk(b"tEXt", b"Comment\0" + notes), _chunk(b"eXIf", notes)] if notes else []),
        _chunk(b"IDAT", zlib.compress(row * height)),
        _chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def exif(orientation: int = 1, notes: bytes = GPS, order: str = ">") -> bytes:
    """Return an APP1 segment: Exif with a make, an orientation, and notes behind it."""
    entries = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    make = struct.pack(f"{order}HHI4s", 0x010F, 2, 4, b"Cam\0")
    front = b"MM\0\x2a" if order == ">" else b"II\x2a\0"
    tiff = front + struct.pack(f"{order}IH", 8, 2) + make + entries + b"\0\0\0\0" + notes
    return segment(0xE1, b"Exif\0\0" + tiff)


def segment(marker: int, body: bytes) -> bytes:
    """Return one segment of a JPEG."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg(width: int = 40, height: int = 30, *, more: bytes = b"", tail: bytes = b"") -> bytes:
    """Return what is a JPEG to all who do not decode it; `more` comes before the picture."""
    frame = struct.pack(">BHHB", 8, height, width, 3) + bytes(9)
    return b"".join(
        [
            b"\xff\xd8",
            segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
            more,
            segment(0xDB, bytes(65)),
            segment(0xC0, frame),
            segment(0xC4, bytes(20)),
            segment(0xDA, bytes(10)) + b"coded \xff\x00 data \xff\xd0 more",
            segment(0xC4, bytes(20)),
            segment(0xDA, bytes(10)) + b"the second scan",
            b"\xff\xd9",
            tail,
        ]
    )


def webp(width: int = 50, height: int = 20, *, notes: bytes = b"") -> bytes:
    """Return what is a lossless WebP to all who do not decode it."""
    bits = (width - 1) | (height - 1) << 14
    picture = _riff(b"VP8L", b"\x2f" + struct.pack("<I", bits) + b"coded!")
    if notes:
        flags = struct.pack("<I", 0b1100)
        canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        picture = b"".join(
            [
                _riff(b"VP8X", flags + canvas),
                picture,
                _riff(b"EXIF", notes),
                _riff(b"XMP ", notes),
            ]
        )
    return b"RIFF" + struct.pack("<I", len(picture) + 4) + b"WEBP" + picture


def _riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def gif(width: int = 5, height: int = 4) -> bytes:
    """Return the smallest GIF, with a size of one's own."""
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0)
    return b"GIF89a" + screen + bytes(6) + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
