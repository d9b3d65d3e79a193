"""The text of a description: what was recognised and measured, as far as the criterion asks, answer first.

What was measured is said in one phrase that answers: whatever stands beside it might be taken for the answer.
"""

from __future__ import annotations

from collections.abc import Callable

from step1.attributes import Measured
from step1.colours import FAMILIES, shade_name
from step1.pictures import picture
from step1.tags import SURE, Recognised
from step1.topics import OBJECT

_SPOKEN = 0.12  # the least share a further colour needs to be spoken of
_BESIDE = 0.9  # and the least part of the first colour's share: a trace of red does not answer "which colour"
_LIKELY = 0.45  # the probability from which on a class is named without doubt
_POSSIBLE = 0.08  # the least probability of a class that is named with doubt
_UNCOUNTED = frozenset(
    (
        "bread",
        "cattle",
        "cloth",
        "clothing",
        "coffee",
        "food",
        "furniture",
        "jewelry",
        "linen",
        "makeup",
        "paper",
        "text",
        "wine",
        "wool",
    )
)


def word(topics: tuple[str, ...], measured: Measured, recognised: Recognised) -> str:
    """One or more short sentences, one per topic, in the order of `topics`."""
    return " ".join(what(recognised, measured) if topic == OBJECT else _SAY[topic](measured) for topic in topics)


def what(seen: Recognised, measured: Measured) -> str:
    """What is shown: "A cat, a tabby cat (feline, animal).", or with doubt: "Perhaps a frog, or a lizard (animal)."

    Where measurement says more than such a guess: "A texture, an even pattern all over (perhaps a doormat)."
    """
    if seen.missing:
        return f"No {seen.missing}."
    shown = "" if seen.within else picture(measured, seen.certainty)
    if shown:
        guess = f"perhaps {_a(seen.names[0][0])}" if seen.names[0][1] >= _POSSIBLE else "nothing recognised"
        return _sentence(f"{_a(shown)} ({guess})")
    likely = [_a(name) for name, p in seen.names if p >= _LIKELY]
    possible = [_a(name) for name, p in seen.names if p >= _POSSIBLE]
    wider = f" ({', '.join(seen.wider)})" if seen.wider else ""
    if seen.kind:
        doubt = "" if seen.certainty >= SURE else "perhaps "
        narrow = [n for n in likely or possible[:2] if n != _a(seen.kind)]
        detail = f", {'' if likely else 'possibly '}{' or '.join(narrow)}" if narrow else ""
        return _sentence(f"{doubt}{_a(seen.kind)}{detail}{wider}")
    if likely:
        return _sentence(f"{likely[0]}{wider}")
    if possible:
        return _sentence(f"perhaps {' or '.join(possible)}{wider}")
    return f"Unrecognised, possibly {_a(seen.names[0][0])}{wider}."


def colour(m: Measured) -> str:
    """ "Mostly dark red, with some green, on a white background." """
    named = colours(m)
    first = f"Mostly {named[0]}" if m.shares[_order(m)[0]] >= 0.5 else f"{named[0]} above all".capitalize()
    rest = f", with some {' and '.join(named[1:3])}" if len(named) > 1 else ""
    return f"{first}{rest}{_on_background(m)}."


def colours(m: Measured) -> list[str]:
    """The names of the subject's colours, largest share first."""
    order = _order(m)
    least = max(_SPOKEN, _BESIDE * m.shares[order[0]])
    return [shade_name(FAMILIES[i], m.lightnesses[i]) for i in order if i == order[0] or m.shares[i] >= least]


def brightness(m: Measured) -> str:
    level = _level(m.brightness, (20, "near-black"), (38, "dark"), (62, "medium"), (82, "bright"), last="near-white")
    return f"{level.capitalize()} image."


def mood(m: Measured) -> str:
    """One word, from light (dark, medium, bright) and warmth (cold, neutral, warm)."""
    row = _level(m.brightness, (38, "bleak gloomy intimate"), (62, "serene calm cosy"), last="fresh airy cheerful")
    cold, neutral, warm = row.split()
    return f"{_level(m.warmth, (0.35, cold), (0.65, neutral), last=warm).capitalize()} mood."


def saturation(m: Measured) -> str:
    level = _level(m.saturation, (0.05, "monochrome"), (0.2, "pale"), (0.45, "natural"), last="vivid")
    return f"{level.capitalize()} colours."


def temperature(m: Measured) -> str:
    return f"{_level(m.warmth, (0.35, 'cold'), (0.65, 'neutral'), last='warm').capitalize()} colours."


def contrast(m: Measured) -> str:
    return f"{_level(m.contrast, (12, 'low'), (25, 'medium'), last='high').capitalize()} contrast."


def sharpness(m: Measured) -> str:
    return f"{_level(m.sharpness, (0.08, 'blurry'), (0.2, 'soft'), last='sharp').capitalize()} image."


def shape(m: Measured) -> str:
    ratio = m.width / m.height
    name = _level(
        ratio, (0.5, "tall panorama"), (0.95, "portrait"), (1.05, "square"), (2.0, "landscape"), last="wide panorama"
    )
    return f"{name.capitalize()} format, {m.width} x {m.height} pixels."


def background(m: Measured) -> str:
    return f"{(m.background or 'busy').capitalize()} background."


def texture(m: Measured) -> str:
    level = _level(m.texture, (0.08, "plain"), (0.25, "smooth"), (0.5, "rough"), last="busy")
    return f"{level.capitalize()} image."


_SAY: dict[str, Callable[[Measured], str]] = {
    "colour": colour,
    "brightness": brightness,
    "mood": mood,
    "saturation": saturation,
    "temperature": temperature,
    "contrast": contrast,
    "sharpness": sharpness,
    "shape": shape,
    "background": background,
    "texture": texture,
}


def _order(m: Measured) -> list[int]:
    return sorted(range(len(m.shares)), key=lambda i: -m.shares[i])


def _on_background(m: Measured) -> str:
    return f", on a {shade_name(m.background, m.background_lightness)} background" if m.background else ""


def _level(value: float, *steps: tuple[float, str], last: str) -> str:
    return next((name for limit, name in steps if value < limit), last)


def _a(name: str) -> str:
    if name.split()[0] in _UNCOUNTED:
        return name
    return f"{'an' if name[0].lower() in 'aeio' else 'a'} {name}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
