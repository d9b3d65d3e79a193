"""Every kind of file comes out as the same upright RGB picture, or as a coded fault."""

from __future__ import annotations

import sys
import threading
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from ictc.images.decode import FORMATS, SIZE, ImageFault, open_rgb
from tests.poison import bomb_png, encoded, heic, oriented_jpeg, picture, text_bomb_png

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # it mentions damaged EXIF

EXACT = {
    "PNG": encoded(picture(), "PNG"),
    "WebP": encoded(picture(), "WEBP", lossless=True),
    "BMP": encoded(picture(), "BMP"),
    "TIFF": encoded(picture(), "TIFF", compression="tiff_lzw"),
    "PPM": encoded(picture(), "PPM"),
}
LOSSY = {
    "JPEG": encoded(picture(), "JPEG", quality=95, subsampling=0),
    "progressive JPEG": encoded(picture(), "JPEG", quality=95, subsampling=0, progressive=True),
    "GIF": encoded(picture(), "GIF"),
    "AVIF": encoded(picture(), "AVIF", quality=95),
}
SAMPLES = EXACT | LOSSY


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def write(folder: Path, content: bytes, name: str = "image") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def fault_of(path: Path, **options: int) -> ImageFault:
    with pytest.raises(ImageFault) as caught:
        open_rgb(path, **options)
    return caught.value


def assert_close(image: Image.Image, wanted: Image.Image, mean: float = 4.0) -> None:
    assert image.mode == "RGB"
    assert image.size == wanted.size
    assert np.abs(pixels(image) - pixels(wanted)).mean() < mean


def test_every_format_of_the_list_is_tried_here() -> None:
    assert {kind.split()[-1] for kind in SAMPLES} | {"HEIC"} == set(FORMATS)


@pytest.mark.parametrize("kind", EXACT)
def test_lossless_formats_keep_every_pixel(tmp_path: Path, kind: str) -> None:
    image = open_rgb(write(tmp_path, EXACT[kind], "wrong-extension.txt"))
    assert (pixels(image) == pixels(picture())).all()


@pytest.mark.parametrize("kind", LOSSY)
def test_lossy_formats_come_close(tmp_path: Path, kind: str) -> None:
    assert_close(open_rgb(write(tmp_path, LOSSY[kind])), picture(), 8.0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_followed_and_metadata_dropped(tmp_path: Path, orientation: int) -> None:
    content = oriented_jpeg(orientation)
    assert Image.open(BytesIO(content)).getexif()[0x0112] == orientation
    image = open_rgb(write(tmp_path, content))
    assert_close(image, picture())
    assert image.info == {SIZE: picture().size}
    assert dict(image.getexif()) == {}


def test_the_size_in_the_file_is_told_when_less_is_decoded(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(Image.new("RGB", (2000, 1500), (200, 30, 40)), "JPEG", exif=exif)
    image = open_rgb(write(tmp_path, content), hint=(224, 224))
    assert max(image.size) < 1000
    assert image.info == {SIZE: (1500, 2000)}


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_orientation_counts_in_other_formats_too(tmp_path: Path, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(picture().transpose(Image.Transpose.ROTATE_90), kind, exif=exif)
    assert_close(open_rgb(write(tmp_path, content)), picture(), 10.0)


def test_damaged_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    content = encoded(picture(), "JPEG", exif=b"Exif\0\0II*\0" + b"\xff" * 40)
    assert_close(open_rgb(write(tmp_path, content)), picture(), 10.0)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_white(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (4, 4), (10, 10, 10, 255))
    image.putpixel((0, 0), (10, 10, 10, 0))
    image.putpixel((1, 0), (10, 10, 10, 128))
    shown = open_rgb(write(tmp_path, encoded(image.convert(mode), "PNG")))
    assert [shown.getpixel((x, 0)) for x in (0, 2)] == [(255, 255, 255), (10, 10, 10)]
    assert abs(shown.getpixel((1, 0))[0] - 132) <= 1


def test_a_transparent_palette_colour_is_white(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([1, 2, 3, 200, 100, 50])
    image.putpixel((1, 0), 1)
    shown = open_rgb(write(tmp_path, encoded(image, "PNG", transparency=0)))
    assert [shown.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (200, 100, 50)]


def test_cmyk(tmp_path: Path) -> None:
    content = encoded(picture().convert("CMYK"), "JPEG", quality=95)
    assert Image.open(BytesIO(content)).mode == "CMYK"
    assert_close(open_rgb(write(tmp_path, content)), picture(), 10.0)


def test_one_bit(tmp_path: Path) -> None:
    shown = open_rgb(write(tmp_path, encoded(picture().convert("1"), "PNG")))
    assert set(np.unique(pixels(shown))) == {0, 255}


@pytest.mark.parametrize(
    ("values", "kind", "wanted"),
    [
        (np.array([[0, 32896, 65535]], np.uint16), "PNG", [0, 128, 255]),
        (np.array([[0, 257]], np.uint16), "PNG", [0, 1]),
        (np.array([[0, 2048, 4095]], np.uint16), "TIFF", [0, 128, 255]),
        (np.array([[0, 128, 255]], np.uint16), "TIFF", [0, 128, 255]),
        (np.array([[-100, 0, 100]], np.int32), "TIFF", [0, 128, 255]),
        (np.array([[0.0, 0.5, 1.0]], np.float32), "TIFF", [0, 128, 255]),
        (np.array([[0.0, 128.0, 255.0]], np.float32), "TIFF", [0, 128, 255]),
        (np.array([[-1.0, 0.0, np.nan, 1.0]], np.float32), "TIFF", [0, 128, 0, 255]),
        (np.array([[np.nan, np.inf]], np.float32), "TIFF", [0, 0]),
    ],
)
def test_deep_greys_are_scaled_not_clipped(tmp_path: Path, values: np.ndarray, kind: str, wanted: list[int]) -> None:
    shown = pixels(open_rgb(write(tmp_path, encoded(Image.fromarray(values), kind))))
    assert shown[0, :, 0].tolist() == wanted
    assert (shown[..., 0] == shown[..., 2]).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_the_first_frame_stands_for_all(tmp_path: Path, kind: str) -> None:
    others = [Image.new("RGB", (40, 30), "green"), Image.new("RGB", (40, 30), "blue")]
    content = encoded(Image.new("RGB", (40, 30), "red"), kind, save_all=True, append_images=others)
    assert getattr(Image.open(BytesIO(content)), "n_frames", 1) == 3
    assert_close(open_rgb(write(tmp_path, content)), Image.new("RGB", (40, 30), "red"))


def test_one_pixel(tmp_path: Path) -> None:
    assert open_rgb(write(tmp_path, encoded(picture(1, 1), "PNG"))).size == (1, 1)


@pytest.mark.parametrize("hint", [(16, 16), (100, 20), (20, 100), (224, 224), (4000, 4000)])
def test_a_hint_never_goes_below_what_it_asks(tmp_path: Path, hint: tuple[int, int]) -> None:
    path = write(tmp_path, oriented_jpeg(6, picture(900, 600)))
    image = open_rgb(path, hint=hint)
    assert min(image.size) >= min(max(hint), 600)
    assert image.width > image.height
    if max(hint) <= 224:
        assert image.width < 900
        assert_close(image, picture(900, 600).resize(image.size, Image.Resampling.BOX))


# faults


@pytest.mark.parametrize("kind", SAMPLES)
def test_too_many_pixels_are_refused(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, SAMPLES[kind])
    assert fault_of(path, max_pixels=1199).code == "too-large"
    assert open_rgb(path, max_pixels=1200).size == (40, 30)


def test_a_bomb_is_refused_before_decoding_and_without_a_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fault = fault_of(write(tmp_path, bomb_png()))  # its data are also cut off, which only decoding would show
        assert fault.code == "too-large"
        assert "60000 x 60000" in fault.message
        assert fault_of(write(tmp_path, bomb_png(11_000, 11_000))).code == "truncated"  # within the limit: decoded


def test_a_text_bomb_is_refused(tmp_path: Path) -> None:
    assert fault_of(write(tmp_path, text_bomb_png())).code == "too-large"


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = write(tmp_path, EXACT["PNG"])
    with path.open("r+b") as file:
        file.truncate(3 << 30)  # sparse: takes no room
    assert fault_of(path).code == "too-large"


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_cut_in_half_is_truncated(tmp_path: Path, kind: str) -> None:
    content = SAMPLES[kind]
    assert fault_of(write(tmp_path, content[: len(content) // 2])).code == "truncated"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "zero-bytes"),
        (b"\0" * 1000, "not-an-image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not-an-image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not-an-image"),
        (b"P5 is how this letter begins", "not-an-image"),
        (b"BM too", "not-an-image"),
        (b"\xff\xd8\xff", "truncated"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
    ],
)
def test_what_is_no_image(tmp_path: Path, content: bytes, code: str) -> None:
    assert fault_of(write(tmp_path, content, "photo.jpg")).code == code


def test_formats_outside_the_list_never_reach_a_decoder(tmp_path: Path) -> None:
    for kind in ("ICO", "TGA", "PCX", "SGI"):
        assert fault_of(write(tmp_path, encoded(picture(), kind), "photo.png")).code == "not-an-image"


def test_heic_without_the_extra_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as where it is not installed
    monkeypatch.setitem(sys.modules, "pillow_heif.as_plugin", None)
    fault = fault_of(write(tmp_path, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "photo.jpg"))
    assert fault.code == "missing-extra"
    assert "pip install 'ictc[heif]'" in fault.message


def test_heic_with_the_extra(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif", reason="the heif extra is not installed")
    assert_close(open_rgb(write(tmp_path, heic()[0])), picture(64, 64), 10.0)
    assert fault_of(write(tmp_path, heic()[0][:-200])).code == "truncated"
    assert fault_of(write(tmp_path, heic()[0]), max_pixels=64 * 64 - 1).code == "too-large"


def test_a_fault_is_a_failure_of_the_image_stage() -> None:
    failure = ImageFault("truncated", "Cut off.").failure("a.jpg")
    assert (failure.image, failure.stage, failure.code, failure.message) == ("a.jpg", "image", "truncated", "Cut off.")
    assert not failure.retryable


def test_nothing_of_pillow_is_changed_and_threads_agree(tmp_path: Path) -> None:
    path = write(tmp_path, LOSSY["JPEG"])
    limit, alone, seen = Image.MAX_IMAGE_PIXELS, open_rgb(path).tobytes(), list[bytes]()
    threads = [threading.Thread(target=lambda: seen.append(open_rgb(path).tobytes())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [alone] * 16
    assert limit == Image.MAX_IMAGE_PIXELS


# properties: whatever the bytes, an RGB image or an ImageFault

anything = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEADS = st.sampled_from([b"", b"BM", b"P6 9 9 255\n", *(content[:n] for content in SAMPLES.values() for n in (8, 30))])


def image_or_fault(folder: Path, content: bytes) -> None:
    try:
        image = open_rgb(write(folder, content), max_pixels=1_000_000)
    except ImageFault as fault:
        assert fault.code
        assert fault.message.isprintable()
    else:
        assert image.mode == "RGB"
        assert 0 < image.width * image.height <= 1_000_000


@anything
@given(head=HEADS, tail=st.binary(max_size=300))
@example(head=b"", tail=b"\0\0\0\x20ftypavif")
def test_random_bytes(tmp_path: Path, head: bytes, tail: bytes) -> None:
    image_or_fault(tmp_path, head + tail)


@anything
@given(kind=st.sampled_from(sorted(SAMPLES)), share=st.floats(0, 1))
def test_any_beginning_of_a_good_file(tmp_path: Path, kind: str, share: float) -> None:
    content = SAMPLES[kind]
    image_or_fault(tmp_path, content[: int(share * len(content))])


@anything
@given(
    kind=st.sampled_from(sorted(SAMPLES)), damage=st.dictionaries(st.integers(0, 3000), st.integers(0, 255), max_size=8)
)
def test_any_damage_to_a_good_file(tmp_path: Path, kind: str, damage: dict[int, int]) -> None:
    content = bytearray(SAMPLES[kind])
    for where, byte in damage.items():
        content[where % len(content)] = byte
    image_or_fault(tmp_path, bytes(content))
