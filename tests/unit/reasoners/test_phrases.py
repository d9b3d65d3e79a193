from __future__ import annotations

from ictc.reasoners.phrases import learn_grammar, phrases

NONE: frozenset[str] = frozenset()


def nouns(text: str, *more: str) -> list[str]:
    found = phrases(text, learn_grammar([text, *more]), NONE)
    return [p.text for p in sorted(found, key=lambda p: p.place) if p.kind == "noun"]


def test_the_first_noun_of_a_caption_leads() -> None:
    assert nouns("The image features a horse standing in a field.")[0] == "horse"


def test_colours_before_a_noun_are_modifiers() -> None:
    text = "A photo of a black and white cat on a sofa."
    kinds = {p.text: p.kind for p in phrases(text, learn_grammar([text]), NONE)}
    assert kinds["black"] == "modifier"
    assert kinds["cat"] == "noun"


def test_a_known_subject_comes_after_what_is_said_of_it() -> None:
    assert nouns("The dish shown is pizza on a plate.")[0] == "pizza"


def test_of_puts_the_contents_first() -> None:
    assert nouns("A cup of coffee on a table.")[0] == "coffee"


def test_a_verb_takes_its_object() -> None:
    found = phrases("A man is playing a guitar in a park.", learn_grammar([]), NONE)
    assert [p.text for p in found if p.kind == "verb"] == ["playing", "playing guitar"]


def test_the_corpus_tells_nouns_in_ing_from_verbs() -> None:
    seen = ["In front of a building.", "Near the building.", "A building with a door."]
    assert "building" in nouns("A car parked near a building.", *seen)


def test_dropped_words_stand_in_no_candidate() -> None:
    found = phrases("a stringed instrument and a flute", learn_grammar([]), frozenset({"instrument"}))
    assert found
    assert not any("instrument" in p.text for p in found)


def test_text_without_function_words_is_bounded() -> None:
    text = "word " * 100_000
    assert len(phrases(text, learn_grammar([text]), NONE)) < 50
