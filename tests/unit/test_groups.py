"""Broader groups in results and in their files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ictc.errors import RunError
from ictc.report import Provenance, build_report, render_html
from ictc.result import Result
from ictc.revision import Revision
from ictc.types import Assignment, Cluster, Item, Taxonomy

TAXONOMY = Taxonomy(
    "object",
    [
        Cluster("dog", labels={"dog": 1}, group="animal"),
        Cluster("car", labels={"car": 4}, group="vehicle"),
        Cluster("cat", labels={"cat": 2}, group="animal"),
        Cluster("moon", labels={"moon": 9}),
    ],
)
SIZES = {"dog": 1, "car": 4, "cat": 2, "moon": 9}


def result(taxonomy: Taxonomy = TAXONOMY) -> Result:
    images = [(f"{name}{i}", name) for name, n in SIZES.items() for i in range(n)]
    assignments = [Assignment(image, name, 0.5) for image, name in images] + [Assignment("?", None)]
    return Result("object", [Item(a.image) for a in assignments], [], [], taxonomy, assignments)


def revision(tmp_path: Path, taxonomy: Taxonomy = TAXONOMY) -> Revision:
    made = Revision(tmp_path / "001")
    made.start()
    made.save_taxonomy(taxonomy)
    return made


def test_groups_are_told_the_largest_first_and_what_is_in_none_last() -> None:
    assert result().groups == {"vehicle": ["car"], "animal": ["cat", "dog"], "": ["moon"]}
    told = result().to_json()
    assert told["groups"] == [
        {"name": "vehicle", "images": 4, "share": round(4 / 17, 4), "clusters": ["car"]},
        {"name": "animal", "images": 3, "share": round(3 / 17, 4), "clusters": ["cat", "dog"]},
    ]
    assert {c["name"]: c.get("group") for c in told["clusters"]} == {
        "dog": "animal", "car": "vehicle", "cat": "animal", "moon": None,
    }  # fmt: skip


def test_without_groups_nothing_is_said_of_them() -> None:
    bare = result(Taxonomy("object", [Cluster(name) for name in SIZES]))
    assert bare.groups == {} and "groups" not in bare.to_json()
    assert not any("group" in c for c in bare.to_json()["clusters"])


def test_a_result_of_the_groups_has_them_in_place_of_the_clusters() -> None:
    coarse = result().of_groups()
    assert coarse.names == ["vehicle", "animal", "moon"]
    assert {a.image: a.cluster for a in coarse.assignments} == {
        a.image: {"dog": "animal", "cat": "animal", "car": "vehicle", "moon": "moon", None: None}[a.cluster]
        for a in result().assignments
    }
    assert {a.confidence for a in coarse.assignments} == {None}


def test_the_report_has_clusters_under_their_groups_and_numbers_by_size() -> None:
    report = build_report(result(), Provenance())
    assert [(s.cluster.name, s.number) for s in report.groups] == [
        ("car", 2), ("cat", 3), ("dog", 4), ("moon", 1), ("Unassigned", 0),
    ]  # fmt: skip
    heads = {s.cluster.name: s.opens for s in report.groups if s.opens}
    assert list(heads) == ["car", "cat", "moon"]
    animal = heads["cat"]
    assert (animal.name, animal.clusters, animal.size) == ("animal", 2, 3) and animal.share == pytest.approx(3 / 17)
    assert "In no group" in render_html(report)
    bare = build_report(result(Taxonomy("object", [Cluster(name) for name in SIZES])), Provenance())
    assert not any(s.opens for s in bare.groups) and "In no group" not in render_html(bare)


def test_the_file_holds_groups_and_remark_only_where_there_are_such(tmp_path: Path) -> None:
    made = revision(tmp_path)
    rows = json.loads((made.path / "step2b_result.json").read_text())
    assert [c.get("group") for c in rows["clusters"]] == ["animal", "vehicle", "animal", None]
    assert "remark" not in rows and made.taxonomy() == TAXONOMY
    remarked = Taxonomy("object", [Cluster("dog")], remark="There are no groups: why.")
    assert revision(tmp_path, remarked).taxonomy() == remarked


@pytest.mark.parametrize(("group", "read"), [("beast", "beast"), ("  beast ", "beast"), ("dog", "dog"), ("", "")])
def test_a_group_may_be_changed_by_hand(tmp_path: Path, group: str, read: str) -> None:
    made = revision(tmp_path)
    rows = json.loads((made.path / "step2b_result.json").read_text())
    rows["clusters"][0]["group"] = group
    made.save_file("step2b_result.json", json.dumps(rows))
    assert made.taxonomy().clusters[0].group == read


@pytest.mark.parametrize("group", [7, ["animal"], None, {"name": "animal"}])
def test_a_group_that_is_no_name_is_refused(tmp_path: Path, group: object) -> None:
    made = revision(tmp_path)
    rows = json.loads((made.path / "step2b_result.json").read_text())
    rows["clusters"][0]["group"] = group
    made.save_file("step2b_result.json", json.dumps(rows))
    with pytest.raises(RunError, match="the group of the cluster dog must be a name"):
        made.taxonomy()
