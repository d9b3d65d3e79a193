"""Corrections on a draft: pure, exact, and told where they cannot be."""

from __future__ import annotations

import pytest

from ictc.errors import UsageError
from ictc.outlying import ABOUT
from ictc.steering.applying import apply, resolved
from ictc.steering.corrections import Add, Correction, Drop, Merge, Move, Pin, Rename, Split, Unpin
from ictc.steering.draft import BY_HAND, Attract, Divide, Draft, Place
from ictc.steering.kept import lapsed, pinned, renames
from ictc.types import Assignment, Cluster, KChoice, Taxonomy

IMAGES = {"a/1.png": "A", "a/2.png": "B", "b/1.png": "C", "b/3.png": "D", "e.png": "A"}


def draft(pins: tuple[str, ...] = ()) -> Draft:
    homes = {"a/1.png": "cat", "a/2.png": "cat", "b/1.png": "dog", "b/3.png": "bird", "e.png": None}
    clusters = [Cluster("cat", "purrs", {"cat": 2}), Cluster("dog", "barks", {"dog": 1}), Cluster("bird")]
    assignments = {i: Assignment(i, c, 0.5, "offline", "label") for i, c in homes.items()}
    return Draft(Taxonomy("pet", clusters, KChoice(3, "m", "r")), assignments, pins)


def done(*changes: Correction, at: Draft | None = None) -> Draft:
    now = at or draft()
    for change in changes:
        now, _ = apply(resolved(change, now, IMAGES), now)
    return now


def test_rename_keeps_everything_else() -> None:
    now = done(Rename("CAT", " felines  of all kinds "))
    assert now.names == ["felines of all kinds", "dog", "bird"]
    assert now.assignments["a/1.png"] == Assignment("a/1.png", "felines of all kinds", 0.5, "offline", "label")
    assert now.taxonomy.choice is not None and now.cluster("felines of all kinds").about == "purrs"


def test_merge_is_where_the_first_was_and_called_as_the_largest() -> None:
    now = done(Merge(("dog", "cat")))
    assert now.names == ["cat", "bird"] and now.taxonomy.choice is None
    assert now.cluster("cat").labels == {"cat": 2, "dog": 1}
    assert now.members("cat") == ("a/1.png", "a/2.png", "b/1.png")
    assert done(Merge(("dog", "cat"), "pet")).cluster("pet").about == "dog, cat"


def test_questions_are_about_what_is_concerned() -> None:
    now, asked = apply(Drop("cat"), draft())
    assert asked == Place(("a/1.png", "a/2.png")) and now.names == ["dog", "bird"]
    assert apply(Split("cat", 2, ("x", "y")), draft())[1] == Divide("cat", ("a/1.png", "a/2.png"), 2, ("x", "y"))
    assert apply(Add("fish"), draft())[1] == Attract("fish")
    for change in (Rename("cat", "x"), Merge(("cat", "dog")), Move(("e.png",), "cat"), Pin("cat")):
        assert apply(change, draft())[1] is None


def test_moves_by_name_end_of_path_and_pattern() -> None:
    now = done(Move(("3.png", "a/*"), "dog"))
    assert now.members("dog") == ("a/1.png", "a/2.png", "b/1.png", "b/3.png")
    assert now.assignments["a/1.png"].by == BY_HAND and "“cat”" in now.assignments["a/1.png"].evidence
    assert now.assignments["a/1.png"].confidence is None
    assert done(Move(("a/*",), "dog"), at=now).assignments == now.assignments, "again, it changes nothing"
    assert done(Move(("a/1.png",), "cat")).assignments["a/1.png"].evidence == "kept here by hand"
    with pytest.raises(UsageError, match="Several images"):
        done(Move(("1.png",), "dog"))


def test_a_move_of_another_run_goes_by_content() -> None:
    now = done(Move(("elsewhere/x.png",), "dog", ("C",)), Move(("a/1.png",), "bird", ("A",)))
    assert now.members("dog") == ("b/1.png",)
    assert now.members("bird") == ("a/1.png", "b/3.png"), "the image of that name, and not its copy"
    with pytest.raises(UsageError, match="by content"):
        done(Move(("a/1.png",), "dog", ("Z",)))


def test_pins_follow_renames_and_merges_and_guard() -> None:
    changes = [Pin("cat"), Rename("cat", "felines"), Merge(("felines", "dog"), "pets")]
    assert done(*changes).pinned == ("pets",) == pinned(changes)
    assert renames(changes) == {"cat": "felines"}
    for change in (Drop("cat"), Split("cat")):
        with pytest.raises(UsageError, match="pinned") as e:
            done(change, at=draft(("cat",)))
        assert "--unpin" in e.value.hint
    assert done(Unpin("cat"), at=draft(("cat",))).pinned == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Rename("cat", "DOG"), "already"),
        (Rename("cat", " "), "no name"),
        (Rename("cat", "Unassigned"), "cannot be"),
        (Rename("cat", "a\x1b[31m"), "no name"),
        (Rename("cta", "x"), "no cluster"),
        (Merge(("cat", "Cat")), "alone"),
        (Split("dog"), "1 images"),
        (Split("cat", 2, ("x", "dog")), "already"),
        (Split("cat", 2, ("x", "X")), "already"),
        (Move(("none.png",), "cat"), "no image"),
        (Move(("e.png",), "fish"), "no cluster"),
        (Add("cat"), "already"),
    ],
)
def test_what_cannot_be_is_told(change: Correction, said: str) -> None:
    with pytest.raises(UsageError, match=said) as e:
        done(change)
    assert e.value.hint


def test_the_last_cluster_stays() -> None:
    one = Draft(Taxonomy("pet", [Cluster("cat"), Cluster("outliers", ABOUT)]), {})
    with pytest.raises(UsageError, match="only cluster"):
        apply(Drop("cat"), one)


def test_labels_without_a_cluster_go_where_their_images_are() -> None:
    now, _ = apply(Drop("cat"), draft())
    answers = {i: Assignment(i, "bird") for i in ("a/1.png", "a/2.png")}
    now = now.answered(answers).with_homes({"a/1.png": "cat", "a/2.png": "kitten", "b/1.png": "dog"})
    assert now.cluster("bird").labels == {"cat": 1, "kitten": 1} and now.cluster("dog").labels == {"dog": 1}


def test_what_lapses_when_names_are_made_anew() -> None:
    now = draft()
    for change, gone in [
        (Rename("x", "cat"), False),
        (Rename("x", "lion"), True),
        (Merge(("x", "y"), "dog"), False),
        (Merge(("cat", "y"), "dog"), True),
        (Drop("lion"), False),
        (Drop("cat"), True),
        (Add("bird"), False),
        (Move(("a/1.png",), "cat"), False),
        (Move(("a/1.png",), "dog"), True),
        (Pin("cat"), False),
    ]:
        assert lapsed(change, now) == gone, change
