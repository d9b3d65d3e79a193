"""`ictc refine` on runs that a language model over HTTP made: what is asked, what is not, what comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import TEXTS, invoke, result_files
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking


def kind(text: str) -> str:
    return next((k for k in TEXTS if k in text.casefold()), "nothing")


class Run:
    """A run of 36 descriptions in the clusters cat, truck and guitar, and the server that made it."""

    def __init__(self, folder: Path, server: ScriptedServer) -> None:
        self.folder, self.server = folder, server

    def refine(self, *words: object) -> dict[str, Any]:
        """What --json says, with `asked`: the requests that the server got for it."""
        before = self.server.count
        done = invoke("refine", self.folder, *words, "--json")
        assert done.exit_code in (0, 3), done.output
        return {**json.loads(done.stdout), "asked": self.server.count - before}

    def clusters(self, revision: str) -> dict[str, str | None]:
        rows = (self.folder / revision / "step3_result.jsonl").read_text().splitlines()
        return {row["image"]: row["cluster"] for row in map(json.loads, rows)}

    def stages(self, since: int) -> list[str]:
        return ["merge" if '"categories"' in json.dumps(b) else "assign" for b in self.server.bodies[since:]]


@pytest.fixture
def run(captions: Path, tmp_path: Path) -> Iterator[Run]:
    with ScriptedServer(thinking(kind)) as server:
        folder = tmp_path / "run"
        words = ["-c", "object", "-k", 3, "-o", folder, "--no-report", "--reasoner", f"openai:any@{server.url}"]
        assert invoke("run", f"recorded:{captions}", *words).exit_code == 0
        yield Run(folder, server)


def test_renames_merges_moves_and_pins_ask_nothing(run: Run) -> None:
    first = run.clusters("001")
    name = {first[f"{n}_{k}.png"]: k for n, k in enumerate(TEXTS)}
    cat, truck = (next(c for c, k in name.items() if k == wanted) for wanted in ("cat", "truck"))
    found = run.refine("--rename", f"{cat}=felines", "--move", "1_truck.png=felines", "--pin", "felines")
    assert (found["asked"], found["requests"], found["revision"], found["of"]) == (0, 0, "002", "001")
    assert found["pinned"] == ["felines"]
    now = run.clusters("002")
    assert {i for i, c in now.items() if c == "felines"} == {i for i, c in first.items() if c == cat} | {"1_truck.png"}
    merged = run.refine("--merge", f"felines+{truck}=things")
    assert (merged["asked"], merged["revision"]) == (0, "003")
    assert list(run.clusters("003")) == list(first), "images keep their order"
    rows = [json.loads(line) for line in (run.folder / "003/corrections.jsonl").read_text().splitlines()]
    assert [(r["do"], r["revision"]) for r in rows] == [
        ("rename", "002"),
        ("move", "002"),
        ("pin", "002"),
        ("merge", "003"),
    ]
    assert merged["pinned"] == ["things"]
    back = run.refine("--undo")
    assert (back["revision"], back["undone"]) == ("002", "003")
    assert run.refine("--undo")["revision"] == "001"
    assert run.clusters("001") == first


def test_the_same_again_does_nothing(run: Run) -> None:
    once = run.refine("--drop", run.clusters("001")["0_cat.png"])
    assert once["asked"] > 0
    again = run.refine("--drop", run.clusters("001")["0_cat.png"])
    assert (again["asked"], again["reused"], again["revision"]) == (0, True, once["revision"])
    run.refine("--undo")
    third = run.refine("--drop", run.clusters("001")["0_cat.png"])
    assert (third["asked"], third["revision"]) == (0, once["revision"])


def test_a_drop_asks_for_the_images_of_the_cluster_alone(run: Run) -> None:
    first = run.clusters("001")
    cat = first["0_cat.png"]
    dropped = {i for i, c in first.items() if c == cat}
    found = run.refine("--drop", cat)
    texts = len({d["text"] for d in map(json.loads, (run.folder / "001/step1_result.jsonl").open())
                 if d["image"] in dropped})  # fmt: skip
    assert texts <= found["asked"] <= 2 * texts, "once each, and once more where the answer is no name"
    now = run.clusters("002")
    assert cat not in now.values() and {i: c for i, c in now.items() if i not in dropped} == {
        i: c for i, c in first.items() if i not in dropped
    }


def test_a_split_asks_for_a_merge_of_its_labels_and_its_images_alone(run: Run) -> None:
    first = run.clusters("001")
    cat = str(first["0_cat.png"])
    since = run.server.count
    named = run.refine("--split", f"{cat}=cat+window cat")
    assert "merge" not in run.stages(since) and 0 < named["asked"] <= 24
    assert {c["name"] for c in named["clusters"]} >= {"cat", "window cat"} and named["k"] == 4
    assert {i: c for i, c in run.clusters("002").items() if first[i] != cat} == {
        i: c for i, c in first.items() if c != cat
    }


def test_another_k_asks_one_merge_and_what_changed(run: Run) -> None:
    first = run.clusters("001")
    since = run.server.count
    found = run.refine("--k", 2, "--pin", first["0_cat.png"])
    asked = run.stages(since)
    assert asked.count("merge") == 1 and found["k"] == 2
    kept = {i for i, c in first.items() if c == first["0_cat.png"]}
    now = run.clusters("002")
    assert {now[i] for i in kept} == {first["0_cat.png"]}, "the pinned cluster is whole"
    moved = [i for i in first if i not in kept and now[i] != first[i]]
    assert asked.count("assign") <= 24
    stayed = [i for i in first if i not in kept and now[i] == first[i]]
    assert moved or stayed


def test_an_equal_k_keeps_every_assignment(run: Run) -> None:
    """The names and the places of the labels are the same again: nothing is asked but the names."""
    since = run.server.count
    found = run.refine("--rename", f"{run.clusters('001')['1_truck.png']}=lorry", "--k", 3)
    assert set(run.stages(since)) <= {"merge"} and found["asked"] <= 1
    assert run.clusters("002")["1_truck.png"] == "lorry", "a rename by name holds"
    assert found["left_out"] == []


def test_another_criterion_repeats_no_description_and_keeps_what_is_pinned(run: Run) -> None:
    first = run.clusters("001")
    found = run.refine("--pin", first["2_guitar.png"], "--rename", f"{first['0_cat.png']}=pets", "-c", "kind of thing")
    held = {i for i, c in first.items() if c == first["2_guitar.png"]}
    assert {i for i, c in run.clusters("002").items() if c == first["2_guitar.png"]} >= held
    assert found["criterion"] == "kind of thing" and found["k"] == 3
    files = [result_files(run.folder / i)["step1_result.jsonl"] for i in ("001", "002")]
    assert files[0] == files[1]
    again = run.refine("-c", "object", "--k", 3)
    assert again["criterion"] == "object"


def test_added_names_get_images_that_could_belong(run: Run) -> None:
    since = run.server.count
    found = run.refine("--add", "sofa=something to sit or sleep on")
    assert found["k"] == 4 and 0 < found["asked"] < 36
    assert set(run.stages(since)) == {"assign"}


def test_corrections_of_one_run_for_another(run: Run, captions: Path, tmp_path: Path) -> None:
    first = run.clusters("001")
    run.refine("--rename", f"{first['0_cat.png']}=felines", "--move", "1_truck.png=felines")
    other = tmp_path / "other"
    words = ["-c", "object", "-k", 3, "-o", other, "--no-report", "--reasoner", f"openai:any@{run.server.url}"]
    assert invoke("run", f"recorded:{captions}", *words).exit_code == 0
    carried = invoke("refine", other, "--corrections", run.folder, "--json")
    assert carried.exit_code == 0, carried.output
    told = json.loads(carried.stdout)
    assert told["left_out"] == [] and told["requests"] == 0
    assert result_files(other / "002") == result_files(run.folder / "002")
    odd = tmp_path / "some.jsonl"
    odd.write_text('{"do": "rename", "cluster": "nobody", "name": "x"}\n{"do": "pin", "cluster": "felines"}\n')
    told = json.loads(invoke("refine", other, "--corrections", odd, "--json").stdout)
    assert told["pinned"] == ["felines"] and len(told["left_out"]) == 1 and "nobody" in told["left_out"][0]


def test_refined_revisions_are_shown_scored_and_reported(run: Run) -> None:
    run.refine("--rename", f"{run.clusters('001')['0_cat.png']}=felines")
    assert "felines" in invoke("show", run.folder).stdout
    scores = json.loads(invoke("score", run.folder, "--truth", "filename", "--json").stdout)
    assert scores["acc"] == 1.0 and scores["n"] == 36
    assert invoke("report", run.folder).exit_code == 0
    assert "felines" in invoke("refine", run.folder, "--why", "0_cat.png").stdout
    accepted = json.loads(invoke("refine", run.folder, "--accept", "--json").stdout)
    assert accepted["accepted"] and Path(accepted["report"]).exists()


def test_steps_done_again_leave_corrections_where_they_are(run: Run) -> None:
    run.refine("--move", "1_truck.png=" + str(run.clusters("001")["0_cat.png"]))
    corrected = result_files(run.folder / "002")
    again = invoke("step3", run.folder, "--json")
    assert again.exit_code == 0 and json.loads(again.stdout)["revision"] == "003"
    assert result_files(run.folder / "002") == corrected
    assert run.clusters("003")["1_truck.png"] == run.clusters("001")["1_truck.png"]


def test_what_costs_is_asked_for(run: Run) -> None:
    cat = run.clusters("001")["0_cat.png"]
    before = run.server.count
    done = invoke("refine", run.folder, "--drop", cat, "--price", "1000,1000")
    assert done.exit_code == 2 and "--yes" in done.output and run.server.count == before
    dry = json.loads(invoke("refine", run.folder, "--drop", cat, "--price", "1000,1000", "--dry-run", "--json").stdout)
    assert run.server.count == before and dry["cost"]["likely"] > 0
    done = invoke("refine", run.folder, "--drop", cat, "--price", "1000,1000", "--yes", "--json")
    assert done.exit_code == 0 and json.loads(done.stdout)["requests"] >= dry["requests"]["likely"]
    assert dry["requests"]["likely"] > 0
    spent = json.loads((run.folder / "run.json").read_text())["revisions"]["002"]["spent"]
    assert spent["cost"] > 0


def test_a_budget_that_ends_it_loses_nothing(run: Run) -> None:
    cat = run.clusters("001")["0_cat.png"]
    stopped = invoke("refine", run.folder, "--drop", cat, "--max-calls", 3)
    assert stopped.exit_code == 5
    assert not (run.folder / "002").exists()
    asked = run.server.count
    assert run.refine("--drop", cat)["revision"] == "002"
    total = run.server.count - asked + 3
    other = run.refine("--undo")
    assert other["revision"] == "001" and total <= 24


def test_what_is_wrong_is_told(run: Run) -> None:
    cat = run.clusters("001")["0_cat.png"]
    for words, said in [
        ((), "nothing to change"),
        (("--merge", f"{cat}=b"), """double quotes: --merge '"a=b"+c'"""),
        (("--add", cat), f"To put images into it: --move IMAGE={cat}"),
        (("--rename", f"{cat}x=y"), f"Did you mean “{cat}”"),
        (("--rename", f"{cat}={run.clusters('001')['1_truck.png']}"), "--merge"),
        (("--merge", f"{cat}+nobody"), "no cluster “nobody”"),
        (("--move", f"0_cst.png={cat}"), "0_cat.png"),
        (("--split", f"{cat}=99"), "cannot be split"),
        (("--add", ""), "not understood"),
        (("--add", "unassigned"), "cannot be"),
        (("--k", "99"), "only 36 images"),
        (("--undo",), "nothing to undo"),
        (("--undo", "--drop", cat), "one at a time"),
        (("--undo", "--revision", "001"), "from the last"),
        (("--why", "nobody.png"), "no image"),
        (("--keep-descriptions",), "--criterion"),
        (("--corrections", "/nowhere.jsonl"), "no file"),
        (("--unpin", cat), "not pinned"),
        (("--criterion", " "), "empty"),
    ]:
        done = invoke("refine", run.folder, *words)
        assert done.exit_code in (2, 4) and said in " ".join(done.output.split()), (words, done.output)
        if words and words[0] not in ("--undo", "--why"):
            plan = invoke("refine", run.folder, *words, "--dry-run")
            assert (plan.exit_code, said in " ".join(plan.output.split())) == (2, True), (words, plan.output)
    assert not (run.folder / "002").exists()
    for words in ((), ("--rename", "a=b"), ("--suggest",)):
        assert "is not a run folder" in invoke("refine", run.folder / "none", *words).stderr


def test_an_undo_too_many_says_how_to_come_forward(run: Run) -> None:
    only = invoke("refine", run.folder, "--undo")
    assert only.exit_code == 2 and "only revision so far" in only.stderr
    run.refine("--pin", run.clusters("001")["0_cat.png"])
    run.refine("--undo")
    again = invoke("refine", run.folder, "--undo")
    assert again.exit_code == 2 and f"ictc refine {run.folder} --revision 002 --accept" in again.stderr


def test_two_criteria_in_one_result_are_told_before_and_after(run: Run) -> None:
    cat = run.clusters("001")["0_cat.png"]
    run.refine("--pin", cat)
    words = ("-c", "what is shown", "-k", 3, "--keep-descriptions", "--yes")
    [before] = run.refine(*words, "--dry-run")["remarks"]
    assert "mixes two criteria" in before and f"--unpin {cat}" in before
    made = run.refine(*words)
    assert f"“{cat}” is of another criterion, “object”" in made["notes"][0]
    assert "another criterion" in invoke("show", run.folder).stderr
    renamed = run.refine("--rename", f"{cat}=felines")
    assert "“felines” is of another criterion" in renamed["notes"][0]
    assert "another criterion" in str(run.refine("--unpin", "felines")["notes"])
    assert "another criterion" not in str(run.refine("-k", 2).get("notes"))


def test_what_is_odd_after_corrections_is_mended_by_corrections(run: Run) -> None:
    cat = run.clusters("001")["0_cat.png"]
    named = run.refine("--rename", f"{cat}=truck cat", "--add", "zeppelin of lead")
    advice = {f["kind"]: f["suggestion"] for f in named["findings"]}
    assert advice and all(f"ictc refine {run.folder} --" in text and "-k" not in text for text in advice.values())
    page = invoke("report", run.folder)
    assert page.exit_code == 0 and "after corrections" in (run.folder / "report.html").read_text()


def test_a_pin_that_passes_on_is_told_and_unpinned_before_a_split(run: Run) -> None:
    clusters = run.clusters("001")
    cat = clusters["0_cat.png"]
    other = next(c for c in clusters.values() if c != cat)
    run.refine("--pin", cat)
    [told] = run.refine("--merge", f"{cat}+{other}={other}", "--dry-run")["remarks"]
    assert told == f"Pinned, “{cat}” goes on in “{other}”, which is pinned then."
    merged = run.refine("--merge", f"{cat}+{other}={other}")
    assert run.refine("--unpin", other, "--split", other)["k"] == merged["k"] + 1


def test_a_criterion_that_step_1_answered_already_looks_at_no_picture_again(coloured: Path, tmp_path: Path) -> None:
    """Two criteria in one look; then the first result is reworded to the second criterion, and to a third."""

    def look(picture: Image.Image) -> str:
        r, g, b = (sum(channel) for channel in zip(*[picture.convert("RGB").getpixel((x, 32)) for x in (30, 32, 34)],
                                                   strict=True))  # type: ignore[misc]  # fmt: skip
        return {r: "red", g: "green", b: "blue"}[max(r, g, b)]

    def tell(text: str) -> str:
        return next((c for c in ("red", "green", "blue") if c in text), "nothing")

    with ScriptedServer(thinking(tell, look)) as server:

        def pictures_sent() -> int:
            return sum("image_url" in json.dumps(body) for body in server.bodies)

        run = tmp_path / "run"
        words = ["-c", "dominant colour", "-c", "what is shown", "-k", 3, "-o", run, "--no-report"]
        assert invoke("run", coloured, *words, "--model", f"openai:any@{server.url}").exit_code == 0
        assert pictures_sent() == 12
        told = invoke("refine", run, "--revision", "001", "-c", "what is shown", "--json")
        assert told.exit_code == 0, told.output
        assert pictures_sent() == 12 and json.loads(told.stdout)["criterion"] == "what is shown"
        dry = json.loads(invoke("refine", run, "-c", "mood", "--dry-run", "--json").stdout)
        assert {s["stage"]: s["requests"]["likely"] for s in dry["steps"]}["describe"] == 12
        kept = invoke("refine", run, "-c", "mood", "--keep-descriptions", "--json")
        assert kept.exit_code == 0 and pictures_sent() == 12
        assert invoke("refine", run, "--revision", "001", "-c", "mood", "--json").exit_code == 0
        assert pictures_sent() == 24
