"""Words that describe a cluster are those that its images have and the others have not."""

from __future__ import annotations

from ictc.analysis.words import describing, phrases_in, words_in


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
