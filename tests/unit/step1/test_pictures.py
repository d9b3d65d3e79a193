"""Kinds of pictures that no classifier of things knows are told apart, and give way to what is recognised."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from step1.attributes import Measured, measure
from step1.pictures import picture
from step1.tags import Recognised
from step1.wording import what

SIDE = 224


def seen(image: Image.Image) -> Measured:
    return measure(np.array(image)[None], [image.size])[0]


def grass(seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).normal(128, 60, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8)
    return Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1))


def bricks() -> Image.Image:
    image = Image.new("RGB", (SIDE, SIDE), (150, 70, 50))
    draw = ImageDraw.Draw(image)
    for row, y in enumerate(range(0, SIDE, 14)):
        draw.line((0, y, SIDE, y), fill=(200, 200, 190), width=3)
        for x in range(14 * (row % 2), SIDE, 28):
            draw.line((x, y, x, y + 14), fill=(200, 200, 190), width=3)
    return image


def page(paper: int = 240) -> Image.Image:
    image = Image.new("RGB", (SIDE, SIDE), (paper,) * 3)
    draw = ImageDraw.Draw(image)
    for y in range(8, SIDE - 8, 12):
        draw.text((8, y), "the quick brown fox jumps over a lazy dog", fill=(30, 30, 30))
    return image


def night() -> Image.Image:
    image = Image.new("RGB", (SIDE, SIDE), (6, 6, 10))
    draw = ImageDraw.Draw(image)
    for x, y in np.random.default_rng(2).integers(0, SIDE, (80, 2)).tolist():
        draw.ellipse((x, y, x + 4, y + 4), fill=(250, 250, 240))
    return image


def disc(fill: str, ground: str) -> Image.Image:
    image = Image.new("RGB", (SIDE, SIDE), ground)
    ImageDraw.Draw(image).ellipse((60, 60, 160, 160), fill=fill)
    return image


def fog() -> Image.Image:
    return Image.fromarray(np.linspace(110, 125, SIDE).astype(np.uint8)[:, None].repeat(SIDE, axis=1)).convert("RGB")


def scene() -> Image.Image:
    """Sky, ground and a dark house: nothing measurable says what kind of picture that is."""
    image = Image.new("RGB", (SIDE, SIDE), "skyblue")
    image.paste("forestgreen", (0, 120, SIDE, SIDE))
    image.paste("saddlebrown", (20, 60, 130, 180))
    return image


@pytest.mark.parametrize(
    ("image", "first"),
    [
        (grass(), "texture"),
        (grass(7).convert("L").convert("RGB"), "texture"),
        (bricks(), "texture"),
        (page(), "text"),
        (page(160), "text"),
        (night(), "scattering of light spots on a plain black background"),
        (night().point(lambda v: 255 - v), "scattering of dark spots on a plain white background"),
        (disc("black", "white"), "dark silhouette on a plain white background"),
        (disc("white", "black"), "light silhouette on a plain black background"),
        (disc("red", "white"), "shape on a plain white background"),
        (fog(), "smooth surface"),
    ],
)
def test_the_kind_of_picture_is_said(image: Image.Image, first: str) -> None:
    assert picture(seen(image), 0.1).startswith(first)


def test_a_scene_is_none_of_them() -> None:
    assert picture(seen(scene()), 0.0) == ""


@pytest.mark.parametrize(
    ("image", "trusted", "outweighs"),
    [(grass(), 0.85, 0.95), (page(), 0.85, 0.95), (night(), 0.45, 0.55), (disc("red", "white"), 0.25, 0.35)],
)
def test_a_sure_classifier_outweighs_it(image: Image.Image, trusted: float, outweighs: float) -> None:
    assert picture(seen(image), trusted)
    assert not picture(seen(image), outweighs)


def test_tiny_pictures_have_no_patterns() -> None:
    assert picture(measure(np.array(grass())[None], [(32, 32)])[0], 0.1) == ""
    assert "silhouette" in picture(measure(np.array(disc("white", "black"))[None], [(28, 28)])[0], 0.1)


def test_the_guess_comes_last_or_not_at_all() -> None:
    unsure = Recognised("", 0.1, (("doormat", 0.1),), ())
    assert what(unsure, seen(grass())) == "A texture, an even pattern all over (perhaps a doormat)."
    clueless = Recognised("", 0.03, (("doormat", 0.03),), ())
    assert what(clueless, seen(grass())) == "A texture, an even pattern all over (nothing recognised)."
    assert what(unsure, seen(page())).startswith("Text or drawing, ")
    assert what(clueless, seen(scene())) == "Unrecognised, possibly a doormat."


def test_who_asks_for_a_kind_of_thing_hears_of_things() -> None:
    assert (
        what(Recognised("", 0.1, (("lemon", 0.2),), (), within=True), seen(disc("red", "white"))) == "Perhaps a lemon."
    )
