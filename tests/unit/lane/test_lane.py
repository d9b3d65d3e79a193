"""The embedding lane on a made-up joint space: the sanity checks of its strategies, and its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from ictc.embed.images import CachedImages
from ictc.errors import InputError, StepError, UsageError
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.lane.checking import check_lane
from ictc.lane.place import Placer
from ictc.lane.reasoner import SUPERVISED
from ictc.lane.split import SHARE, held_out, showing
from ictc.means import Lane, lane_from_json
from ictc.store import Store, content_keys
from ictc.types import Assignment, Failure, Item
from tests.unit.lane.made_up import CLASSES, GROUPS, PROMPTS, Made, MadeUp

IMAGES = Lane()


def with_prompts(strategy: str, **more: object) -> Lane:
    return replace(Lane(prompt_set=PROMPTS, strategy=strategy), **more)  # type: ignore[arg-type]


def partition(assigned: Sequence[Assignment]) -> list[str]:
    return [a.cluster or "" for a in assigned]


def truth(assigned: Sequence[Assignment]) -> list[str]:
    return [a.image.partition("_")[2] for a in assigned]


def nmi(assigned: Sequence[Assignment], classes: Sequence[str]) -> float:
    return float(normalized_mutual_info_score(classes, partition(assigned)))


def test_fusing_with_task_prompts_beats_images_alone() -> None:
    _, alone = Made(IMAGES).done(6)
    taxonomy, fused = Made(with_prompts("task")).done(6)
    assert nmi(fused, truth(fused)) > nmi(alone, truth(alone)) + 0.1
    assert sorted(taxonomy.names) == sorted(CLASSES), "clusters are named after the classes they hold"
    assert np.mean([a == b for a, b in zip(partition(fused), truth(fused), strict=True)]) > 0.9


@pytest.mark.parametrize("clusterer", ["kmeans", "spherical", "agglomerative"])
def test_swapped_prompts_leave_the_partition_and_ruin_the_classification(clusterer: str) -> None:
    task, swapped = (Made(with_prompts(s, clusterer=clusterer)) for s in ("task", "swapped"))
    assert adjusted_rand_score(partition(task.done(6)[1]), partition(swapped.done(6)[1])) == 1
    right = [np.mean([x.label == x.image.partition("_")[2] for x in made.labels()]) for made in (task, swapped)]
    assert right[0] > 0.9 and right[1] < 0.1


@pytest.mark.parametrize("clusterer", ["kmeans", "spherical", "agglomerative"])
@pytest.mark.parametrize("space", ["evened", "plain"])
def test_a_generic_prompt_changes_nothing(clusterer: str, space: str) -> None:
    alone = Made(Lane(clusterer=clusterer, space=space)).done(6)[1]
    generic = Made(with_prompts("generic", clusterer=clusterer, space=space)).done(6)[1]
    assert adjusted_rand_score(partition(alone), partition(generic)) == 1


def test_grouped_prompts_lift_the_groups_and_lower_the_classes() -> None:
    alone, task, grouped = (Made(lane).done(6)[1] for lane in (IMAGES, with_prompts("task"), with_prompts("grouped")))
    groups = [GROUPS[c] for c in truth(task)]
    assert nmi(grouped, groups) > nmi(alone, groups) + 0.2
    assert nmi(grouped, truth(grouped)) < nmi(task, truth(task)) - 0.1
    two = [Made(lane).done(2)[1] for lane in (IMAGES, with_prompts("grouped"))]
    assert nmi(two[1], groups) > nmi(two[0], groups) + 0.1


def test_k_is_that_of_the_prompts_and_said_to_be() -> None:
    taxonomy, _ = Made(with_prompts("task")).done(None)
    assert taxonomy.k == 6 and taxonomy.choice is not None and "cat, dog, cow" in taxonomy.choice.reason
    grouped, _ = Made(with_prompts("grouped")).done(None)
    assert sorted(grouped.names) == ["animal", "vehicle"]


def test_a_criterion_makes_prompts_of_the_names_of_a_first_clustering() -> None:
    made = Made(Lane(strategy="criterion"))
    taxonomy, assigned = made.done(6)
    assert taxonomy.k == 6 and len(set(taxonomy.names)) == 6 and len(assigned) == len(made.items)
    assert made.done(None)[0].choice is not None


def test_names_of_images_alone_are_words_and_distinct() -> None:
    taxonomy, assigned = Made(IMAGES).done(6)
    assert len(set(taxonomy.names)) == 6 and all(name.strip() for name in taxonomy.names)
    assert all(a.confidence is not None and 0 < a.confidence <= 1 for a in assigned)


def test_step_3_reads_what_step_2b_found_and_edited_names_keep_their_clusters() -> None:
    made = Made(with_prompts("task"))
    taxonomy, assigned = made.done(6)
    again = Made(with_prompts("task"), made.store)
    assert again.embedder.asked == 0, "every vector was in the store"
    edited = replace(taxonomy, clusters=[replace(c, name=f"my {c.name}") for c in taxonomy.clusters])
    renamed = again.reasoner.assign(again.descriptions, edited, "kind")
    assert [f"my {a.cluster}" for a in assigned] == [r.cluster for r in renamed if isinstance(r, Assignment)]
    fewer = replace(taxonomy, clusters=[c for c in taxonomy.clusters if c.name in ("cat", "bus")])
    by_name = [a for a in again.reasoner.assign(again.descriptions, fewer, "kind") if isinstance(a, Assignment)]
    assert {a.cluster for a in by_name if a.image.endswith(("_cat", "_bus"))} == {"cat", "bus"}


@pytest.mark.parametrize("clusterer", ["dbscan", "hdbscan", "optics"])
def test_outliers_are_in_no_cluster_and_say_so(clusterer: str) -> None:
    taxonomy, assigned = Made(with_prompts("task", clusterer=clusterer)).done(None)
    out = [a for a in assigned if a.cluster is None]
    assert all(a.evidence.startswith("outlier") for a in out) and len(assigned) == 360
    assert {a.cluster for a in assigned} - {None} == set(taxonomy.names)
    if out:
        assert "outlier" in taxonomy.remark


def test_text_centroids_are_named_by_their_texts() -> None:
    taxonomy, assigned = Made(with_prompts("task", clusterer="text", params=(("pull", "0.3"),))).done(None)
    assert sorted(taxonomy.names) == sorted(CLASSES)
    assert np.mean([a == b for a, b in zip(partition(assigned), truth(assigned), strict=True)]) > 0.9


@pytest.mark.parametrize(("pairing", "fusion"), [("soft", "mean"), ("best", "concat"), ("soft", "concat")])
def test_other_pairings_and_fusions(pairing: str, fusion: str) -> None:
    _, assigned = Made(with_prompts("task", pairing=pairing, fusion=fusion)).done(6)
    assert nmi(assigned, truth(assigned)) > 0.6


# -- the supervised pairing


def labelled(**more: object) -> Lane:
    classes = {i.name: i.name.partition("_")[2] for i in Made(IMAGES).items}
    return showing(with_prompts("task", pairing="label", truth="truth.csv", **more), classes)


def test_the_test_split_is_stratified_fixed_and_never_shown_its_truth() -> None:
    made = Made(labelled())
    classes = {i.name: i.name.partition("_")[2] for i in made.items}
    test = held_out(classes, 0)
    assert test == held_out(dict(reversed(classes.items())), 0) != held_out(classes, 1)
    assert all(sum(classes[i] == c for i in test) == round(SHARE * 60) for c in CLASSES)
    taxonomy, assigned = made.done(6)
    assert taxonomy.remark.startswith(SUPERVISED)
    shown, mask = made.reasoner._placer._shown(made.descriptions)
    assert mask is not None
    assert {d.image for d, m in zip(made.descriptions, mask, strict=True) if m} == test and (shown[mask] == -1).all()
    assert [CLASSES[j] for j in shown[~mask]] == [classes[d.image] for d in made.descriptions if d.image not in test]
    trained = [a for a in assigned if a.image not in test]
    assert np.mean([a.cluster == classes[a.image] for a in trained]) > 0.95
    tested = [a for a in assigned if a.image in test]
    assert np.mean([a.cluster == classes[a.image] for a in tested]) > 0.85, "each at its nearest centre"


def test_what_is_tested_changes_nothing_of_what_it_is_tested_on() -> None:
    lane = labelled()
    made = Made(lane)
    placer = made.reasoner._placer
    whole = placer.place(made.descriptions, "kind")
    alone = placer.place([d for d in made.descriptions if d.image in lane.shown], "kind")
    assert whole.test is not None and alone.test is not None and not alone.test.any()
    np.testing.assert_allclose(whole.rows[~whole.test], alone.rows, atol=1e-5)
    few = placer.place([d for d in made.descriptions if d.image not in lane.shown], "kind")
    assert few.test is None, "where nobody is shown anything, they are looked at by themselves"


def test_the_supervised_pairing_and_the_controls_say_so() -> None:
    assert Made(labelled()).done(6)[0].remark.startswith("Supervised")
    both = with_prompts("swapped", pairing="label", truth="truth.csv")
    made = Made(showing(both, {i.name: i.name.partition("_")[2] for i in Made(IMAGES).items}))
    assert made.done(6)[0].remark.startswith("A control: ") and "Supervised" in made.done(6)[0].remark
    assert "A control: one prompt" in Made(with_prompts("generic")).done(6)[0].remark
    assert "control" not in Made(with_prompts("task")).done(6)[0].remark


def test_label_needs_truth_prompts_and_their_classes() -> None:
    for lane, said in (
        (with_prompts("task", pairing="label"), "--truth"),
        (Lane(strategy="criterion", pairing="label", truth="filename"), "needs prompts"),
        (Lane(pairing="soft"), "does nothing"),
    ):
        with pytest.raises(UsageError, match=said):
            check_lane(lane)
    lane = with_prompts("task", pairing="label", truth="truth.csv")
    for name, hint in (("lion", "Add it to"), ("Cat", "the prompts file has 'cat'")):
        with pytest.raises(UsageError, match=rf"has the class '{name}'(.|\n)*{hint}"):
            showing(lane, {"0_cat": name, "1_cat": "cat"})
    with pytest.raises(UsageError, match="earlier ictc"):
        Made(lane).done(6)


# -- what goes wrong


@pytest.mark.parametrize(
    ("lane", "k", "said"),
    [
        (Lane(clusterer="text"), None, r"image-only has no prompts(.|\n)*--prompts FILE"),
        (with_prompts("generic", clusterer="text"), None, "one prompt for all"),
        (with_prompts("task", clusterer="text", fusion="concat"), None, r"half as wide(.|\n)*--fusion mean"),
        (with_prompts("task", clusterer="text"), 5, r"-k 5 does not fit the 6 prompts"),
        (with_prompts("grouped", clusterer="text"), 6, r"-k 6 does not fit the 2 prompts"),
        (with_prompts("task", weight=2.0), None, "weight is 2"),
        (with_prompts("tusk"), None, "no strategy 'tusk'"),
        (Lane(fusion="concat"), None, r"does nothing(.|\n)*--prompts FILE"),
        (Lane(seed=-1), None, r"--seed -1(.|\n)*--seed 1"),
        (Lane(seed=2**32), None, "--seed 4294967296"),
    ],
)
def test_what_does_not_go_together_is_told_before_anything_is_embedded(lane: Lane, k: int | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_lane(lane, k)


def test_text_centroids_go_together_with_what_has_texts() -> None:
    for lane, k in ((with_prompts("image-only"), 6), (with_prompts("grouped"), 2), (Lane(strategy="criterion"), 4)):
        held = replace(lane, clusterer="text")
        check_lane(held, k)
        taxonomy, assigned = Made(held).done(k)
        assert taxonomy.k == k and len(assigned) == 360


def test_more_clusters_than_images() -> None:
    with pytest.raises(UsageError, match=r"-k 13 is more than the 12 images(.|\n)*-k auto"):
        Made(IMAGES, each=2).done(13)


class Broken(MadeUp):
    fingerprint = "broken/1"
    value = 0.0

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        found = super().embed_images(items, tick)
        return [v * np.float32(self.value) if i.name == "3_bus" else v for i, v in zip(items, found, strict=True)]  # type: ignore[operator]


@pytest.mark.parametrize(("value", "said"), [(np.nan, "NaN"), (0.0, "all zeros")])
def test_vectors_without_a_direction(value: float, said: str) -> None:
    broken, made = Broken(), Made(IMAGES, each=5)
    broken.value = value
    images = CachedImages(broken, made.store)
    images.embed_images(made.items)
    with pytest.raises(InputError, match=f"3_bus.*{said}(.|\n)*--recompute"):
        Placer(images, IMAGES).place(made.descriptions, "kind")


def test_an_image_that_was_never_embedded() -> None:
    made = Made(IMAGES, each=3)
    strange = replace(made.descriptions[0], sha256="0" * 64)
    with pytest.raises(StepError, match="ictc cluster"):
        made.reasoner.merge([strange, *made.descriptions[1:]], made.labels(), "kind", 2)
    with pytest.raises(StepError, match="--recompute"):
        made.reasoner.evidence([strange], "kind")


def test_vectors_of_another_width_than_the_stores() -> None:
    made = Made(IMAGES, each=3)
    key = content_keys("image-vector/1", "image", [made.items[4].sha256], model=made.embedder.fingerprint)[0]
    made.store.put_vectors([(key, np.ones(7, np.float32))])
    with pytest.raises(StepError, match=r"another width(.|\n)*--recompute"):
        made.reasoner.merge(made.descriptions, made.labels(), "kind", 2)
    with pytest.raises(InputError, match=r"different widths: 7, 48(.|\n)*--recompute"):
        Made(IMAGES, made.store, each=3)
    mended = CachedImages(made.embedder, made.store, recompute=True)
    mended.embed_images(made.items)
    assert made.reasoner.merge(made.descriptions, made.labels(), "kind", 2).k == 2


def test_images_that_are_all_the_same_and_one_image() -> None:
    made = Made(IMAGES, each=4)
    same = [replace(d, sha256=made.descriptions[0].sha256) for d in made.descriptions]
    for described in (same, same[:1]):
        labels = made.reasoner.label(described, "kind")
        taxonomy = made.reasoner.merge(described, labels, "kind", None)  # type: ignore[arg-type]
        assigned = made.reasoner.assign(described, taxonomy, "kind")
        assert taxonomy.k == 1 and "one group" in taxonomy.remark
        assert {a.cluster for a in assigned if isinstance(a, Assignment)} == set(taxonomy.names)
        with pytest.raises(UsageError, match="-k 2"):
            made.reasoner.merge(described, labels, "kind", 2)  # type: ignore[arg-type]


def test_run_json_keeps_the_lane(tmp_path: Path) -> None:
    lane = labelled()
    assert lane_from_json(lane.to_json()) == lane and lane_from_json(None) is None
    with Store(None) as store:
        moved = replace(lane, prompts=tmp_path / "elsewhere.toml")
        assert Made(lane, store, 1).reasoner.fingerprint == Made(moved, store, 1).reasoner.fingerprint
        other = replace(lane, seed=1)
        assert Made(lane, store, 1).reasoner.fingerprint != Made(other, store, 1).reasoner.fingerprint
