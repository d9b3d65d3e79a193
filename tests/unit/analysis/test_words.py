"""Words that describe a cluster are those that its images have and the others have not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control, hypergeom

from ictc.analysis.words import by_chance, describing, discoveries, phrases_in, words_in


def test_what_all_images_have_describes_none() -> None:
    words = {f"c{i}": {"cat", "picture"} for i in range(20)} | {f"d{i}": {"dog", "picture"} for i in range(20)}
    words["c0"] = {"cat", "picture", "sofa"}
    found = describing(words, {"one": [f"c{i}" for i in range(20)], "two": [f"d{i}" for i in range(20)], "empty": []})
    assert [w.word for w in found["one"]] == ["cat"]
    assert [w.word for w in found["two"]] == ["dog"]
    assert (found["one"][0].inside, found["one"][0].elsewhere) == (1, 0)
    assert found["empty"] == []


def test_images_that_are_not_described_count_nowhere() -> None:
    words = {f"c{i}": {"cat"} for i in range(20)} | {f"d{i}": {"dog"} for i in range(20)}
    images = {"one": [*(f"c{i}" for i in range(20)), "lost"], "two": [f"d{i}" for i in range(20)]}
    assert describing(words, images)["one"][0].inside == 1
    assert describing({}, images) == {"one": [], "two": []}
    assert describing(words, {"all": list(words)}) == {"all": []}, "there is nothing that it could differ from"


def test_words_and_phrases_of_a_text() -> None:
    assert words_in("The image shows two small cats near a window, cats!") == {"small", "cat", "window"}
    assert words_in("Ein Bild von Äpfeln") >= {"ein", "äpfeln"}
    assert phrases_in("sea lion, seal,  ") == {"sea lion", "seal"}


def texts(n: int, k: int) -> tuple[dict[str, set[str]], list[int]]:
    """Descriptions of `k` kinds in the proportions of language (Zipf's law), one in five words being of its kind."""
    draw = np.random.default_rng(0)
    often = 1 / np.arange(1, 1001)
    kinds = draw.integers(0, k, n).tolist()
    said = [draw.choice(1000, 20, p=often / often.sum()) for _ in kinds]
    own = [draw.choice(6, 4) for _ in kinds]
    words = {
        f"{i}.png": {f"w{w}" for w in s} | {f"kind{kinds[i]}-{w}" for w in o}
        for i, (s, o) in enumerate(zip(said, own, strict=True))
    }
    return words, kinds


def parted(words: dict[str, set[str]], groups: list[int]) -> dict[str, list[str]]:
    return {f"c{g}": [i for i, at in zip(words, groups, strict=True) if at == g] for g in set(groups)}


def test_clusters_by_chance_have_no_words_and_real_ones_keep_theirs() -> None:
    words, kinds = texts(600, 8)
    by_dice = [np.random.default_rng(seed).integers(0, 8, 600).tolist() for seed in range(1, 21)]
    told = [sum(map(len, describing(words, parted(words, groups)).values())) for groups in by_dice]
    assert sum(n > 0 for n in told) <= 3, "one partition in twenty may have a word"
    assert sum(told) <= 6
    for name, found in describing(words, parted(words, kinds)).items():
        own = {f"kind{name[1:]}-{w}" for w in range(6)}
        assert own <= {w.word for w in found}
        assert {w.word for w in found[:6]} == own, "the most telling come first"


def test_a_word_of_one_image_and_one_that_nearly_all_have_do_not_describe() -> None:
    words = {f"{i}.png": {"blue" if i < 3 else "red"} | ({"seen"} if i != 900 else set()) for i in range(1000)}
    words["0.png"] |= {"unique"}
    groups = [0] * 3 + [1] * 497 + [2] * 500
    found = describing(words, parted(words, groups))
    assert [w.word for w in found["c0"]] == ["blue"]
    assert all("seen" not in {w.word for w in told} for told in found.values())


def test_four_times_the_images_make_a_word_twice_as_sure() -> None:
    sure = []
    for n in (2000, 8000):
        have = [{"red"} if i % 10 < (6 if i < n // 2 else 4) else {"blue"} for i in range(n)]
        words = {f"{i}.png": said for i, said in enumerate(have)}
        sure.append(describing(words, parted(words, [0] * (n // 2) + [1] * (n // 2)))["c0"][0].z)
    assert sure[1] == pytest.approx(2 * sure[0], rel=0.02)
    assert sure[0] == pytest.approx((0.6 - 0.4) / np.sqrt(2 * 0.5 * 0.5 / 1000), rel=0.1), "as of two shares"


def test_chances_are_fishers_and_what_is_told_is_benjamini_and_hochbergs() -> None:
    draw = np.random.default_rng(1)
    have, n = draw.integers(2, 900, 400), draw.integers(1, 700, 400)
    most = np.minimum(have, n)
    inside = np.clip(have * n // 1000 + draw.integers(0, 40, 400), np.maximum(0, have + n - 1000), most)
    told = by_chance(*(a.astype(float) for a in (inside, n, have, np.full(400, 1000))))
    more = inside * 1000 > have * n
    assert told[more] == pytest.approx(hypergeom.sf(inside[more] - 1, 1000, have[more], n[more]), rel=1e-6)
    assert (told[~more] == 1).all()
    theirs = np.asarray(false_discovery_control([*told, *np.ones(600)])) <= 0.05
    assert discoveries(told, 1000) == np.flatnonzero(theirs[:400]).tolist()
    assert 0 < len(discoveries(told, 1000)) < (told <= 0.05).sum()
    assert discoveries(np.ones(3), 3) == [] == discoveries(np.ones(0), 0)
