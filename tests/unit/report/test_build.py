"""What the page shows: honest counts, the right pictures, bounded size."""

import numpy as np
import pytest

from ictc.report import Provenance, build_report, shown_images
from ictc.report.build import CARDS, FAILURES, LABELS, PICTURES, PICTURES_EACH
from ictc.scoring import score_assignments
from ictc.types import Assignment, Cluster, Failure, Taxonomy


def build(result, **more):
    return build_report(result, Provenance(), **more)


def shown(section):
    return [p.image for p in (*section.likely, *section.doubtful)]


def test_sizes_shares_and_hidden_add_up(make_result):
    report = build(make_result({"calm": 100, "wild": 60, "odd": 3}, unassigned=37))
    assert [(s.cluster.name, s.size) for s in report.groups] == [
        ("calm", 100),
        ("wild", 60),
        ("odd", 3),
        ("Unassigned", 37),
    ]
    assert sum(s.share for s in report.groups) == pytest.approx(1)
    for section in report.groups:
        assert section.size == len(shown(section)) + section.hidden
        assert len(set(shown(section))) == len(shown(section))


def test_most_confident_come_first_and_the_least_confident_last(make_result):
    section = build(make_result({"calm": 100, "wild": 1})).sections[0]
    assert [p.image for p in section.likely[:3]] == ["calm-0.jpg", "calm-1.jpg", "calm-2.jpg"]
    assert [p.image for p in section.doubtful] == ["calm-99.jpg", "calm-98.jpg", "calm-97.jpg"]


def test_without_confidences_nothing_is_called_doubtful(make_result):
    result = make_result({"calm": 2}, assignments=[Assignment(f"{i}.jpg", "calm") for i in range(100)])
    report = build(result)
    assert not report.sections[0].doubtful
    assert report.sections[0].confidence is report.confidence is None
    assert shown(report.sections[0])[:2] == ["0.jpg", "1.jpg"]


def test_every_picture_that_is_shown_was_asked_for(make_result, jpeg):
    result = make_result({"calm": 500, "wild": 70}, unassigned=9)
    wanted = shown_images(result)
    report = build(result, thumbnails=dict.fromkeys(wanted, jpeg(32, 20)))
    assert report.pictured
    assert {image for s in report.groups for image in shown(s)} == set(wanted)
    assert all(p.thumbnail for s in report.groups for p in (*s.likely, *s.doubtful))


@pytest.mark.parametrize("k", [1, 2, 12, 40, 100, 300])
def test_the_number_of_pictures_and_cards_is_bounded(make_result, k):
    result = make_result({f"c{i}": 200 for i in range(k)})
    wanted = shown_images(result)
    assert len(wanted) <= PICTURES
    assert len(wanted) >= min(PICTURES_EACH, PICTURES // k) * k
    cards = sum(len(shown(s)) for s in build(result).groups)
    assert k <= cards <= max(CARDS, k)


def test_large_thumbnails_are_shrunk_and_broken_ones_left_out(make_result, jpeg):
    result = make_result({"calm": 3})
    report = build(result, thumbnails={"calm-0.jpg": jpeg(2000, 1000), "calm-1.jpg": b"\xff\xd8 no", "calm-2.jpg": b""})
    first, second, third = report.sections[0].likely
    assert (first.thumbnail.width, first.thumbnail.height) == (256, 128)
    assert second.thumbnail is third.thumbnail is None
    assert report.sections[0].preview == [0], "one that can be seen"


def test_labels_and_failures_are_cut_with_their_number_said(make_result):
    failures = [
        Failure(f"{i}.jpg", "image", "zero-bytes" if i % 3 else "truncated", "no") for i in range(FAILURES + 55)
    ]
    taxonomy = Taxonomy("mood", [Cluster("calm", "", {f"label {i}": i for i in range(LABELS + 6)})])
    report = build(make_result({"calm": 5}, taxonomy=taxonomy, failures=failures))
    assert (len(report.failures), report.more_failures) == (FAILURES, 55)
    assert sum(n for _, _, n in report.failure_codes) == FAILURES + 55
    assert report.sections[0].labels[0] == (f"label {LABELS + 5}", LABELS + 5)
    assert (len(report.sections[0].labels), report.sections[0].more_labels) == (LABELS, 6)


def test_warnings_are_those_given_and_no_others(make_result):
    odd = make_result({"calm": 90, "wild": 10, "odd": 0})
    assert build(odd, warnings=["first"]).warnings == ["first"]
    assert not build(odd).warnings


def test_images_of_another_class_are_marked(make_result):
    result = make_result({"calm": 4, "wild": 4}, unassigned=1)
    truth = {a.image: "Calm!" if a.image.startswith("calm") else "Wild!" for a in result.assignments}
    truth["calm-3.jpg"] = "Wild!"
    scores = score_assignments(result.predicted(), truth, clusters=result.names)
    report = build(result, scores=scores.to_json(), truth=truth)
    wrong = {p.image for s in report.groups for p in (*s.likely, *s.doubtful) if p.wrong}
    assert wrong == {"calm-3.jpg", "none-0.jpg"}
    assert [s.mistakes for s in report.groups] == [True, False, True]


def test_an_unassigned_image_of_a_class_that_no_cluster_stands_for_is_wrong(make_result):
    result = make_result({"calm": 2}, unassigned=1)
    truth = {"calm-0.jpg": "Calm!", "calm-1.jpg": "Calm!", "none-0.jpg": "Odd!"}
    scores = score_assignments(result.predicted(), truth, clusters=result.names)
    report = build(result, scores=scores.to_json(), truth=truth)
    assert [p.wrong for p in report.unassigned.likely] == [True]


def test_scores_are_those_of_the_file(make_result):
    result = make_result({"calm": 6, "wild": 3}, unassigned=1)
    truth = {a.image: a.image[0] for a in result.assignments}
    scores = score_assignments(result.predicted(), truth, clusters=result.names).to_json()
    view = build(result, scores=scores).scores
    assert {name: value for name, value, _ in view.tiles}["Accuracy"] == f"{scores['acc']:.3f}"
    assert view.columns == ["calm", "wild", "unassigned"]
    assert [[n for n, _, _ in row.cells] for row in view.rows] == scores["confusion"]["counts"]
    assert [sum(hit for _, _, hit in row.cells) for row in view.rows] == [1, 0, 1]


def test_the_map_is_of_the_assigned_images_and_says_how_many(make_result):
    result = make_result({"calm": 20, "wild": 15}, unassigned=2)
    vectors = np.random.default_rng(0).normal(size=(37, 8)).astype(np.float32)
    drawn = build(result, vectors=vectors).map
    assert (drawn.shown, drawn.total) == (37, 37)
    assert {g.number: len(g.points) for g in drawn.groups} == {1: 20, 2: 15, 0: 2}
    assert drawn.groups[0].images[0] == 0, "the number of calm-0.jpg"
    xs, ys = zip(*(p for g in drawn.groups for p in g.points), strict=True)
    assert min(xs) > 0 and max(xs) < drawn.width and min(ys) > 0 and max(ys) < drawn.height
    assert build(result).map is None


def test_numbers_on_the_map_are_those_of_the_sections(make_result):
    vectors = np.random.default_rng(0).normal(size=(35, 8)).astype(np.float32)
    report = build(make_result({"calm": 15, "wild": 20}), vectors=vectors)
    assert [s.cluster.name for s in report.sections] == ["wild", "calm"]
    assert {g.number: g.images[0] for g in report.map.groups} == {1: 15, 2: 0}, "of wild-0.jpg and calm-0.jpg"


def test_a_handful_of_images_is_one_grid(make_result):
    report = build(make_result({"calm": 11, "wild": 12}))
    assert [(len(s.likely), len(s.doubtful)) for s in report.sections] == [(9, 3), (11, 0)], "the largest first"


def test_without_a_description_the_label_speaks_for_the_image(make_result):
    result = make_result({"calm": 1}, descriptions=[])
    assert build(result).sections[0].likely[0].words == "calm"
    bare = make_result({"calm": 1}, descriptions=[], labels=[], assignments=[Assignment("a.jpg", "calm")])
    assert build(bare).sections[0].likely[0].words == "a.jpg"
