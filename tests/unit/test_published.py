"""The original's scorer rebuilt: its rules one by one, chance and seeds, its accuracy.txt."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ictc.errors import InputError
from ictc.originals import Published, as_published, read_accuracy

PAIRS = "'hungarian_match': [(0, 1), (1, 0)]"


def scored(
    place: Path, lines: list[str], names: str = "1: cat\n2: dog", seed: int = 0, accuracy: str = ""
) -> Published:
    (place / "step3_result.txt").write_text("\n".join(lines))
    (place / "step2b_result.txt").write_text(names)
    if accuracy:
        (place / "accuracy.txt").write_text(accuracy)
    return as_published(place, seed)


def line(image: str, reply: str) -> str:
    return f"Image file-data/{image} {reply}"


def test_a_run_without_off_list_answers_is_not_drawn(tmp_path: Path) -> None:
    lines = [line("0_cat.png", "Answer: cat"), line("1_cat.png", "Answer: dog"), line("2_dog.png", "Answer: Dog")]
    run = scored(tmp_path, [*lines, line("3_dog.png", "Answer: dog")])
    for version in run.to_json()["versions"]:
        assert (version["lines"], version["off_list"], version["draws"]) == (4, 0, 1)
        assert (version["acc"], version["acc_sd"]) == (0.75, 0)
        assert version["ari"] == 0.0
        assert version["nmi"] == pytest.approx(0.343711, abs=1e-6)


def test_the_answer_is_what_stands_between_two_colons_wherever_they_are(tmp_path: Path) -> None:
    """Arguing counts, as no strict reading lets it; `,`, `'` and `.` go in the last version alone."""
    lines = [
        line("0_cat.png", "It is odd, but Answer: 'Cat'."),
        line("1_cat.png", "Answer: cat: the animal"),
        line("2_dog.png", "Answer: dog"),
        line("3_dog.png", "Answer: do.g"),
    ]
    last, first = scored(tmp_path, lines).versions
    assert (last.off_list, first.off_list) == (0, 2)
    assert [f.acc for f in last.draws] == [1.0]


def test_names_are_what_stands_behind_the_colon_of_lines_without_a_reason(tmp_path: Path) -> None:
    names = "Here they are\nAnswer 1: Cat\nReason 1: dog\n\nAnswer10 : dog \n3. Tree\n"
    last, _ = scored(tmp_path, [line("0_cat.png", "Answer: cat"), line("1_dog.png", "Answer: dog")], names).versions
    assert (last.names, last.off_list) == (2, 0)
    with pytest.raises(InputError, match=r"step2b_result.txt has no line with a colon") as e:
        scored(tmp_path, [line("0_cat.png", "Answer: tree")], "1. Tree\n2. Cat")
    assert "without --as-published" in e.value.hint


def test_the_class_is_cut_at_the_last_underscore_now_and_after_the_number_at_first(tmp_path: Path) -> None:
    lines = [
        line("0_aquatic_mammals.png", "Answer: cat"),
        line("1_small_mammals.png", "Answer: dog"),
        line("2_vehicles_2.jpg", "Answer: cow"),
    ]
    names = "1: cat\n2: dog\n3: cow"
    run = scored(
        tmp_path,
        lines,
        names,
        accuracy="{'ACC': 1.0, 'ARI': 1.0, 'NMI': 1.0, 'hungarian_match': [(0, 0), (1, 2), (2, 1)]}",
    )
    last, first = run.to_json()["versions"]
    assert (last["classes"], first["classes"]) == (2, 3)
    assert first["acc"] == 1.0
    assert first["accuracy_txt"] == {"acc": "equal", "ari": "equal", "nmi": "equal", "classes": True}
    assert last["accuracy_txt"]["classes"] is False
    assert last["remarks"] == ["3 names and 2 classes: which clusters are matched is chance"]


def test_clusters_beyond_the_number_of_classes_are_taken_for_the_first_class(tmp_path: Path) -> None:
    """Three clusters of one image each, all of class a or b: two are matched, the third is right by chance alone."""
    lines = [line("0_a.png", "Answer: cat"), line("1_b.png", "Answer: dog"), line("2_b.png", "Answer: cow")]
    last, _ = scored(tmp_path, lines, "1: cat\n2: dog\n3: cow").versions
    accs = {round(f.acc, 4) for f in last.draws}
    assert accs <= {0.3333, 0.6667, 1.0} and len(accs) > 1
    assert len({(f.ari, f.nmi) for f in last.draws}) == 1


def test_fewer_clusters_than_classes_leave_classes_without(tmp_path: Path) -> None:
    lines = [line(f"{i}_{c}.png", "Answer: cat") for i, c in enumerate("aabc")]
    last, _ = scored(tmp_path, lines).versions
    assert (last.classes, [f.acc for f in last.draws]) == (3, [0.5])


def test_off_list_answers_are_drawn_as_pythons_generator_does_from_the_seed_on(tmp_path: Path) -> None:
    lines = [line(f"{i}_cat.png", "Answer: cat") for i in range(4)] + [
        line(f"{i}_dog.png", "Answer: dog") for i in range(4)
    ]
    lines += [line(f"{i}_dog.png", "Answer: wolf") for i in range(4, 7)]
    last, _ = scored(tmp_path, lines).versions
    assert (last.off_list, len(last.draws)) == (3, 20)
    for seed, figures in enumerate(last.draws):
        chance = random.Random(seed)
        right = sum(chance.choice(["cat", "dog"]) == "dog" for _ in range(3))
        assert figures.acc == pytest.approx((8 + right) / 11)
    again, _ = scored(tmp_path, lines, seed=3).versions
    assert again.draws[:17] == last.draws[3:]
    told = last.to_json()
    assert told["acc_low"] < told["acc"] < told["acc_high"] and told["acc_sd"] > 0


def test_lines_that_begin_no_image_are_images_of_a_class_of_their_own(tmp_path: Path) -> None:
    """What `_raw` files have; its first release, which takes the classes of the folder, ends with an error."""
    lines = [line("0_cat.png", "Answer: cat"), "", "Because: it purrs.", line("1_dog.JPEG", "Answer: dog")]
    last, first = scored(tmp_path, lines).versions
    assert (last.lines, last.classes) == (4, 4)
    assert last.remarks[0].startswith("3 lines begin no .png or .jpg")
    assert not first.draws and first.remarks[0].startswith("3 lines begin no image like 12_cat.png")


@pytest.mark.parametrize(
    ("text", "acc", "pairs"),
    [
        (f"{{'ACC': 0.5, 'ARI': -0.01, 'NMI': 1e-05, {PAIRS}}}", 0.5, 2),
        ("{'ACC': 0.5, 'ARI': 0.0, 'NMI': 1.0, 'hungarian_match': [(np.int64(0), np.int64(0))]}", 0.5, 1),
        ("ACC: 0.860, ARI: 0.814, NMI: 0.703", 0.86, 0),
    ],
)
def test_accuracy_txt(tmp_path: Path, text: str, acc: float, pairs: int) -> None:
    (tmp_path / "accuracy.txt").write_text(text)
    read = read_accuracy(tmp_path / "accuracy.txt")
    assert (read.figures.acc, read.pairs) == (acc, pairs)


@pytest.mark.parametrize(
    "junk", [b"", b"ACC: 0.5", b"ACC: 0.5 ARI: 0.5 NMI: 7.5", b"ACC: 1 ACC: 1 ARI: 1 NMI: 1", b"\x00\xff\xfe"]
)
def test_an_unreadable_accuracy_txt_is_told_and_stops_nothing(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "accuracy.txt").write_bytes(junk)
    run = scored(tmp_path, [line("0_cat.png", "Answer: cat"), line("1_dog.png", "Answer: dog")])
    assert run.accuracy is None and "accuracy.txt" in run.problem
    assert run.to_json()["accuracy_txt"] is None and run.versions[0].draws[0].acc == 1.0


def test_published_figures_are_within_the_draws_outside_or_of_another_run(tmp_path: Path) -> None:
    lines = [line("0_cat.png", "Answer: cat"), line("1_dog.png", "Answer: dog"), line("2_dog.png", "Answer: wolf")]
    near = scored(tmp_path, lines, accuracy=f"{{'ACC': 0.7, 'ARI': -1.0, 'NMI': 0.9, {PAIRS}}}").to_json()["versions"][
        0
    ]
    assert near["accuracy_txt"]["acc"] == "within the draws" and near["accuracy_txt"]["ari"] == "outside the draws"
    (tmp_path / "b").mkdir()
    far = scored(tmp_path / "b", lines[:2], accuracy="ACC: 0.9, ARI: 1, NMI: 1").to_json()["versions"][0]
    assert far["accuracy_txt"] == {"acc": "another", "ari": "equal", "nmi": "equal"}
