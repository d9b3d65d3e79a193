"""Colours get the names that people give them, also in shade and in front of a background."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from step1.attributes import Measured, from_json
from step1.attributes import measure as measure_all
from step1.colours import FAMILIES, families, separate, shade_name, to_lab
from step1.wording import background, brightness, colour, colours, shape, texture

CSS = {
    "red": "red", "crimson": "red", "darkred": "red", "tomato": "red", "orange": "orange", "darkorange": "orange",
    "saddlebrown": "brown", "sienna": "brown", "yellow": "yellow", "gold": "yellow", "green": "green", "lime": "green",
    "olivedrab": "green", "forestgreen": "green", "teal": "teal", "cyan": "teal", "blue": "blue", "navy": "blue",
    "royalblue": "blue", "skyblue": "blue", "purple": "purple", "magenta": "purple", "pink": "pink", "hotpink": "pink",
    "beige": "beige", "tan": "beige", "black": "black", "gray": "grey", "silver": "grey", "white": "white",
}  # fmt: skip


def plain(name: str | tuple[int, int, int], size: int = 224) -> Image.Image:
    return Image.new("RGB", (size, size), name)


def measure(image: Image.Image, size: tuple[int, int]) -> Measured:
    return measure_all(np.array(image)[None], [size])[0]


def disc(name: str, ground: str) -> Image.Image:
    image = plain(ground)
    ImageDraw.Draw(image).ellipse((40, 40, 184, 184), fill=name)
    return image


@pytest.mark.parametrize(("name", "family"), CSS.items())
def test_css_colours_get_their_family(name: str, family: str) -> None:
    lab = to_lab(np.asarray(plain(name, 1)))[0]
    assert FAMILIES[families(lab)[0]] == family


def test_lab_of_white_red_and_black() -> None:
    lab = to_lab(np.array([[255, 255, 255], [255, 0, 0], [0, 0, 0]], np.uint8))
    np.testing.assert_allclose(lab, [[100, 0, 0], [53.24, 80.09, 67.2], [0, 0, 0]], atol=0.05)


@pytest.mark.parametrize("level", [255, 200, 150])
def test_a_shaded_yellow_stays_yellow(level: int) -> None:
    lab = to_lab(np.array([[level, int(level * 0.85), int(level * 0.2)]], np.uint8))
    assert FAMILIES[families(lab)[0]] == "yellow"


@pytest.mark.parametrize(
    ("name", "ground"), [("red", "white"), ("green", "black"), ("white", "black"), ("gold", "navy")]
)
def test_the_subject_is_named_not_its_background(name: str, ground: str) -> None:
    measured = measure(disc(name, ground), (300, 200))
    assert CSS[name] in colours(measured)[0]
    assert background(measured) == f"{CSS[ground].capitalize()} background."
    assert colour(measured).endswith("background.")


def test_a_plain_image_has_no_subject_apart_from_it() -> None:
    parts = separate(np.moveaxis(to_lab(np.asarray(plain("teal", 20))), -1, 0)[:, None])
    assert not parts.plain.any()
    assert parts.subject.all()


def test_without_a_plain_frame_the_whole_image_counts() -> None:
    halves = plain("red")
    halves.paste("blue", (0, 0, 224, 112))
    measured = measure(halves, (10, 10))
    assert measured.background == ""
    assert sorted(colours(measured)) == ["blue", "red"] or len(colours(measured)) == 2


def test_measurements_survive_the_store() -> None:
    measured = measure(disc("orange", "white"), (300, 200))
    assert from_json(measured.to_json()) == measured


def test_company_changes_nothing() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    images = [disc("red", "white"), *(Image.fromarray(i) for i in noise), disc("green", "black"), plain("teal")]
    alone = [measure(i, (3, 4)) for i in images]
    assert measure_all(np.stack([np.asarray(i) for i in images]), [(3, 4)] * len(images)) == alone
    assert measure_all(np.stack([np.asarray(i) for i in images[::-1]]), [(3, 4)] * len(images)) == alone[::-1]


def test_words_follow_the_measurements() -> None:
    assert brightness(measure(plain("black"), (1, 1))) == "Near-black image."
    assert brightness(measure(plain("white"), (1, 1))) == "Near-white image."
    assert "Plain" in texture(measure(plain("teal"), (1, 1)))
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8))
    assert "Busy" in texture(measure(noise, (1, 1)))
    assert [shape(measure(plain("red"), s)).split()[0] for s in ((3, 4), (4, 3), (9, 9))] == [
        "Portrait",
        "Landscape",
        "Square",
    ]


def test_shades_have_names() -> None:
    assert shade_name("red", 20) == "dark red"
    assert shade_name("green", 90) == "light green"
    assert shade_name("white", 100) == "white"
