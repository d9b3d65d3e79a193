"""The three methods on a made-up joint space, against their own definitions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.cluster import SpectralClustering

from ictc.classify.aligned import majority
from ictc.classify.classifier import ALIGNED, NEAREST, ZERO_SHOT
from ictc.classify.fitting import fit
from ictc.classify.predict import probabilities
from ictc.errors import UsageError
from ictc.lane.split import showing
from ictc.means import Lane
from tests.unit.classify.made import IMAGES, Fitted, class_of, lane, new_images, vectors
from tests.unit.lane.made_up import CLASSES, GROUPS, PROMPTS, MadeUp


def test_zero_shot_is_the_nearest_prompt() -> None:
    new = new_images()
    texts = MadeUp().embed_texts(PROMPTS.prompts["task"])
    nearest = [CLASSES[j] for j in (vectors(new) @ texts.T).argmax(1)]
    made = Fitted(lane(), ZERO_SHOT)
    assert made.answers(new) == nearest
    assert made.right(new) > 0.9


def test_zero_shot_knows_what_its_prompts_say() -> None:
    new = new_images()
    assert Fitted(lane("swapped"), ZERO_SHOT).right(new) < 0.1
    grouped = Fitted(lane("grouped"), ZERO_SHOT)
    assert set(grouped.classifier.classes) == {"animal", "vehicle"}
    assert np.mean([a == GROUPS[class_of(i)] for a, i in zip(grouped.answers(new), new, strict=True)]) > 0.9


@pytest.mark.parametrize("space", ["evened", "plain"])
@pytest.mark.parametrize("how", ["images", "mean", "concat", "soft"])
def test_a_run_classifies_its_own_images_as_it_clustered_them(space: str, how: str) -> None:
    lanes = {
        "images": IMAGES,
        "mean": lane(),
        "concat": lane(fusion="concat", weight=0.3),
        "soft": lane(pairing="soft"),
    }
    made = Fitted(replace(lanes[how], space=space), NEAREST)
    own = [a.cluster for a in made.assignments]
    assert np.mean([a == b for a, b in zip(made.answers(made.items), own, strict=True)]) > 0.995
    if how != "images":
        assert made.right(new_images()) > 0.8


@pytest.mark.filterwarnings("ignore:Graph is not fully connected")
def test_aligned_is_the_published_procedure() -> None:
    """Written again, plainly: spectral clusters of fused vectors, majority labels, every prompt tried."""
    made, new = Fitted(lane(space="plain", pairing="best"), ALIGNED), new_images()
    train, texts = vectors(made.items), MadeUp().embed_texts(PROMPTS.prompts["task"])
    own = (train + texts[(train @ texts.T).argmax(1)]) / 2
    shift = own.mean(0)
    spectral = SpectralClustering(12, affinity="nearest_neighbors", n_neighbors=10, random_state=0)
    groups = spectral.fit_predict(own - shift)
    truth = [class_of(i) for i in made.items]
    centres, labels = [], []
    for g in range(12):
        members = [truth[i] for i in np.flatnonzero(groups == g)]
        centres.append(own[groups == g].mean(0))
        labels.append(max(sorted(set(members)), key=members.count))
    expected = []
    for v in vectors(new):
        tried = {
            c: min(np.linalg.norm((v + t) / 2 - m) for m, label in zip(centres, labels, strict=True) if label == c)
            for c, t in zip(CLASSES, texts, strict=True)
            if c in labels
        }
        expected.append(min(tried, key=tried.__getitem__))
    assert np.mean([a == b for a, b in zip(made.answers(new), expected, strict=True)]) == 1
    assert 0.5 < made.right(new) < Fitted(lane(), ALIGNED).right(new), "evened, a broad nuisance drowns less"


def test_aligned_puts_swapped_prompts_right_again() -> None:
    """What the truth of the run is for: a cluster knows which class it holds, whatever its prompt says."""
    new = new_images()
    assert Fitted(lane("swapped"), ZERO_SHOT).right(new) < 0.1
    assert Fitted(lane("swapped"), ALIGNED).right(new) > 0.5


def test_a_class_that_no_cluster_is_of_is_told_and_never_answered() -> None:
    made = Fitted(lane(), ALIGNED, known=[c for c in CLASSES if c != "cow"])
    assert any("cow" in note for note in made.classifier.notes)
    assert any(note.startswith("Supervised") for note in made.classifier.notes)
    shares = probabilities(made.classifier, vectors(new_images()))
    assert (shares[:, made.classifier.classes.index("cow")] == 0).all()


def test_aligned_in_groups() -> None:
    made, new = Fitted(lane("grouped"), ALIGNED), new_images()
    assert np.mean([a == GROUPS[class_of(i)] for a, i in zip(made.answers(new), new, strict=True)]) > 0.9


def test_the_majority_of_those_whose_class_is_known() -> None:
    truth = ["b", "a", "a", None, "c", None, "a"]
    assert majority([0, 0, 1, 1, -1, 2, 0], truth, 4) == ["a", "a", None, None]
    assert majority([0, 0], ["b", "a"], 1) == ["a"], "of equals the first by name"


@pytest.mark.parametrize("method", [ZERO_SHOT, ALIGNED, NEAREST])
def test_probabilities_are_of_one_image_alone(method: str) -> None:
    made, rows = Fitted(lane(pairing="soft"), method), vectors(new_images())
    together = probabilities(made.classifier, rows)
    np.testing.assert_allclose(together.sum(1), 1)
    np.testing.assert_allclose(probabilities(made.classifier, rows[7:8]), together[7:8], atol=1e-5)


def test_vectors_of_another_width_are_refused() -> None:
    with pytest.raises(UsageError, match="47 numbers"):
        probabilities(Fitted(lane(), NEAREST).classifier, vectors(new_images(1))[:, :47])


def shown_most(each: int = 40) -> Lane:
    classes = {f"{i}_{c}": c for i in range(each) for c in CLASSES}
    return showing(lane(pairing="label", truth="truth.csv"), classes)


def test_supervised_centres_are_of_images_that_were_shown_their_truth() -> None:
    made = Fitted(shown_most(), NEAREST)
    assert "true classes" in made.classifier.supervised
    assert made.classifier.pairing == "best", "new images have no truth to show"
    assert made.right(new_images()) > 0.9


@pytest.mark.parametrize("method", [ALIGNED, NEAREST])
def test_images_of_the_test_split_teach_nothing(method: str) -> None:
    made = Fitted(shown_most(), method)
    shown = [i for i in made.items if i.name in made.plan.lane.shown]
    assert 0 < len(shown) < len(made.items)
    alone = fit(replace(made.plan, items=shown), made.embedder)
    assert made.classifier.centres is not None and alone.centres is not None
    np.testing.assert_allclose(made.classifier.centres, alone.centres, atol=1e-5)
    assert made.classifier.scale == pytest.approx(alone.scale, rel=1e-3)


def test_aligned_is_as_sure_as_its_training_images_bear_out() -> None:
    """The scale is where their true classes are likeliest, of the steps there are: not where the odds put it."""
    made = Fitted(lane(), ALIGNED)
    told = dict(made.plan.classes)
    for item in made.items[::3]:  # a truth that is wrong here and there
        told[item.name] = CLASSES[CLASSES.index(class_of(item)) - 1]
    classifier = fit(replace(made.plan, classes=told), made.embedder)
    own, known = vectors(made.items), [classifier.classes.index(told[i.name]) for i in made.items]

    def likelihood(scale: float) -> float:
        found = probabilities(replace(classifier, scale=scale), own)
        return float(np.log(np.maximum(found[np.arange(len(own)), known], 1e-12)).sum())

    best = classifier.scale
    assert best < 0.9 * made.classifier.scale
    assert likelihood(best) > max(likelihood(best * 2**0.5), likelihood(best / 2**0.5))


def test_prompts_that_part_the_images_are_no_warning() -> None:
    assert not any("spectral" in note for note in Fitted(lane(), ALIGNED).classifier.notes)


def test_too_many_images_for_spectral_clusters_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ictc.lane.cost.machine_memory", lambda: 1000)
    with pytest.raises(UsageError) as told:
        Fitted(lane(), ALIGNED)
    assert "--method zero-shot" in told.value.hint
