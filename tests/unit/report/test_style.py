"""The colours keep their promises: readable text, clusters that colour-blind readers can tell apart."""

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest

STYLE = files("ictc.report").joinpath("static", "style.css").read_text("utf-8")
LIGHT, DARK = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in STYLE.split("@media", 2)[:2])

# Machado, Oliveira and Fernandes 2009, severity 1.0: none, protan, deutan, tritan
SEEN = [
    np.eye(3),
    np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
]
# Ottosson 2020: linear sRGB to OKLab
LMS = np.array(
    [[0.41222147, 0.53633254, 0.05144599], [0.2119035, 0.68069955, 0.10739696], [0.08830246, 0.28171884, 0.6299787]]
)
LAB = np.array(
    [[0.21045426, 0.79361779, -0.00407205], [1.9779985, -2.42859221, 0.45059371], [0.02590404, 0.78277177, -0.80867577]]
)


def linear(colour: str) -> np.ndarray:
    v = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, seen: np.ndarray) -> np.ndarray:
    return LAB @ np.cbrt(LMS @ np.clip(seen @ linear(colour), 0, 1))


@pytest.fixture(params=["light", "dark"])
def scheme(request):
    return LIGHT if request.param == "light" else {**LIGHT, **DARK}


def test_both_schemes_were_found():
    assert len(LIGHT) >= 18
    assert set(DARK) == set(LIGHT)


@pytest.mark.parametrize("text", ["ink", "soft", "accent"])
@pytest.mark.parametrize("ground", ["paper", "raised", "wash"])
def test_text_meets_wcag_aa(scheme, text, ground):
    assert contrast(scheme[text], scheme[ground]) >= 4.5


def test_warnings_and_marks_meet_wcag_aa(scheme):
    assert contrast(scheme["ink"], scheme["warn"]) >= 4.5
    assert contrast("#ffffff", re.search(r"\.wrong \{[^}]*background: (#\w+)", STYLE)[1]) >= 4.5


@pytest.mark.parametrize("heat, text", [(h, "ink" if h < 6 else "heat-ink") for h in range(1, 11)])
def test_numbers_on_heat_meet_wcag_aa(heat, text):
    alphas = {
        int(h): float(a) for h, a in re.findall(r"\.h(\d+) \{ background: rgba\(var\(--heat\), ([\d.]+)\)", STYLE)
    } | {10: 1.0}
    for part, scheme in zip(STYLE.split("@media", 2)[:2], (LIGHT, {**LIGHT, **DARK}), strict=True):
        colour = [int(c) for c in re.search(r"--heat: (\d+), (\d+), (\d+)", part).groups()]
        ground = [int(scheme["paper"][i : i + 2], 16) for i in (1, 3, 5)]
        mixed = "#" + "".join(
            f"{round(alphas[heat] * c + (1 - alphas[heat]) * g):02x}" for c, g in zip(colour, ground, strict=True)
        )
        assert contrast(mixed, scheme[text]) >= 4.5


@pytest.mark.parametrize("seen", SEEN, ids=["all", "protan", "deutan", "tritan"])
def test_cluster_colours_stay_apart_and_stand_out(scheme, seen):
    colours = [scheme[f"c{i}"] for i in range(1, 11)]
    assert min(np.linalg.norm(lab(a, seen) - lab(b, seen)) for a, b in combinations(colours, 2)) >= 0.09
    assert all(contrast(c, scheme[ground]) >= 3 for c in [*colours, scheme["c0"]] for ground in ("paper", "raised"))
