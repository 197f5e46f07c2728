"""Pictures are measured and freed of notes without being decoded; what is broken is refused."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chat.files.parts import BrokenPictureError, Picture
from chat.files.pictures import MAX_PIXELS, copy_picture, picture_of
from tests.support.pictures import GPS, exif, gif, jpeg, png, segment, webp

EXAMPLES = {
    "image/gif": gif(5, 4),
    "image/jpeg": jpeg(40, 30, more=exif(6)),
    "image/png": png(3, 2, notes=GPS),
    "image/webp": webp(50, 20, notes=GPS),
}


def kept(data: bytes, picture: Picture) -> bytes:
    """Return the file that the kept parts make."""
    return b"".join(
        part if isinstance(part, bytes) else data[part.start : part.stop] for part in picture.keep
    )


@pytest.mark.parametrize(
    ("kind", "data", "size"),
    [
        ("image/gif", gif(5, 4), (5, 4)),
        ("image/jpeg", jpeg(40, 30), (40, 30)),
        ("image/png", png(3, 2), (3, 2)),
        ("image/webp", webp(50, 20), (50, 20)),
        ("image/webp", webp(16383, 7, notes=b"x"), (16383, 7)),
    ],
)
def test_a_picture_is_measured_and_one_without_notes_stays_as_it_is(
    kind: str, data: bytes, size: tuple[int, int]
) -> None:
    picture = picture_of(data, kind)
    assert (picture.width, picture.height) == size
    if b"XMP" not in data:
        assert kept(data, picture) == data
    assert picture.length == len(kept(data, picture))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("image/jpeg", jpeg(more=exif())),
        ("image/jpeg", jpeg(more=segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + GPS))),
        ("image/jpeg", jpeg(more=segment(0xED, b"Photoshop 3.0\0" + GPS))),
        ("image/jpeg", jpeg(more=segment(0xFE, GPS))),
        ("image/jpeg", jpeg(more=segment(0xE2, b"MPF\0" + GPS))),
        ("image/jpeg", jpeg(tail=b"a video with " + GPS)),
        ("image/png", png(notes=GPS)),
        ("image/png", png() + GPS),
        ("image/webp", webp(notes=GPS)),
        ("image/webp", webp() + GPS),
    ],
)
def test_where_a_picture_was_taken_goes(kind: str, data: bytes) -> None:
    assert GPS in data
    clean = kept(data, picture_of(data, kind))
    assert GPS not in clean
    assert kept(clean, picture_of(clean, kind)) == clean


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_stays_turned_and_is_measured_as_it_is_shown(
    orientation: int, order: str
) -> None:
    data = jpeg(40, 30, more=exif(orientation, order=order))
    picture = picture_of(data, "image/jpeg")
    assert (picture.width, picture.height) == ((40, 30) if orientation < 5 else (30, 40))
    clean = kept(data, picture)
    assert GPS not in clean
    assert b"Cam" not in clean
    assert picture_of(clean, "image/jpeg").width == picture.width
    assert (b"Exif" in clean) is (orientation != 1)


def test_the_colours_of_a_photo_stay_right() -> None:
    profile, adobe = segment(0xE2, b"ICC_PROFILE\0\1\1..."), segment(0xEE, b"Adobe\0\0\0\0\0\0\1")
    data = jpeg(more=profile + adobe + exif())
    clean = kept(data, picture_of(data, "image/jpeg"))
    assert profile + adobe in clean


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("image/png", png(30000, 4)[:16] + bytes([0, 0, 128, 0, 0, 0, 128, 0])),
        ("image/jpeg", jpeg(60000, 60000)),
        ("image/gif", gif(0, 4)),
        ("image/jpeg", jpeg(0, 10)),
    ],
)
def test_a_picture_nobody_could_look_at_is_refused(kind: str, data: bytes) -> None:
    with pytest.raises(BrokenPictureError):
        picture_of(data, kind)
    assert MAX_PIXELS < 60000 * 60000


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_beginning_of_a_picture_is_refused_or_harmless(kind: str) -> None:
    data = EXAMPLES[kind]
    for end in range(len(data)):
        try:
            picture = picture_of(data[:end], kind)
        except BrokenPictureError:
            continue
        assert picture.length <= end + 40


@hypothesis_settings(deadline=None)
@given(st.sampled_from(sorted(EXAMPLES)), st.data())
def test_nothing_that_is_sent_breaks_it(kind: str, drawn: st.DataObject) -> None:
    data = bytearray(EXAMPLES[kind])
    for _ in range(drawn.draw(st.integers(1, 8))):
        data[drawn.draw(st.integers(4, len(data) - 1))] = drawn.draw(st.integers(0, 255))
    try:
        picture = picture_of(bytes(data), kind)
    except BrokenPictureError:
        return
    clean = kept(bytes(data), picture)
    again = picture_of(clean, kind)
    assert (again.width, again.height) == (picture.width, picture.height)
    assert kept(clean, again) == clean


def test_a_file_is_copied_without_being_read_at_once(tmp_path: Path) -> None:
    source, target = tmp_path / "in", io.BytesIO()
    source.write_bytes(jpeg(more=exif(8), tail=b"t" * 3_000_000))
    picture = copy_picture(source, target, "image/jpeg")
    assert len(target.getvalue()) == picture.length < 1000
    assert re.search(rb"Exif.*the second scan\xff\xd9$", target.getvalue(), re.DOTALL)
