"""`ictc cluster` as one types it: the table, JSON, the same again, other strategies, naming by a model, bad input."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ictc.cli.app import app
from tests.servers.scripted import ScriptedServer

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
FILES = ("step1_result.jsonl", "step2a_result.jsonl", "step2b_result.json", "step3_result.jsonl", "failures.jsonl")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for i, colour in enumerate([*COLOURS] * 4):
        noise = np.random.default_rng(i).integers(-15, 15, (24, 32, 3))
        Image.fromarray(np.clip(np.asarray(COLOURS[colour]) + noise, 0, 255).astype(np.uint8)).save(
            folder / f"{i}_{colour}.png"
        )
    return folder


@pytest.fixture(scope="module")
def base(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose store has the pictures' vectors and those of the vocabulary."""
    run = tmp_path_factory.mktemp("base") / "run"
    assert ictc(pictures, "-k", 3, "-o", run)[0] == 0
    return run


@pytest.fixture
def run(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(base, tmp_path / "run"))


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "prompts.toml"
    file.write_text('classes = ["red", "green", "blue"]\n[groups]\nred = "warm"\ngreen = "cold"\nblue = "cold"\n')
    return file


def ictc(*words: object) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["cluster", *map(str, words), "--json", "--no-report"])
    return done.exit_code, json.loads(done.stdout)


def files(run: Path, revision: str) -> dict[str, bytes]:
    return {name: (run / revision / name).read_bytes() for name in FILES}


def test_images_are_enough_and_the_same_again_computes_nothing(pictures: Path, run: Path, tmp_path: Path) -> None:
    before = files(run, "001")
    code, again = ictc(pictures, "-k", 3, "-o", run, "--truth", "filename")
    assert code == 0 and again["reused"] and again["revision"] == "001" and again["k"] == 3 and again["acc"] == 1
    assert again["lane"]["strategy"] == "image-only" and again["lane"]["clusterer"] == "kmeans"
    _, anew = ictc(pictures, "-k", 3, "-o", run, "--recompute")
    assert not anew["reused"] and files(run, "001") == before
    _, elsewhere = ictc(pictures, "-k", 3, "-o", tmp_path / "other")
    assert not elsewhere["reused"] and files(tmp_path / "other", "001") == before


def test_another_strategy_is_a_revision_that_embeds_nothing(
    pictures: Path, prompts: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def refused(*_: object) -> None:
        raise AssertionError("an image was embedded again")

    monkeypatch.setattr("ictc.embedders.offline.OfflineEmbedder.embed_images", refused)
    for number, words in enumerate((["--strategy", "swapped"], ["--clusterer", "spherical"], ["-k", "2"]), 2):
        code, made = ictc(pictures, "--prompts", prompts, "-o", run, *words)
        assert code == 0 and made["revision"] == f"{number:03d}" and not made["reused"]
    prompts.unlink()
    for command in (["show", str(run)], ["report", str(run)], ["score", str(run), "--truth", "filename"]):
        assert CliRunner().invoke(app, command).exit_code == 0, f"{command} needs no prompts file"


def test_recompute_takes_nothing_of_what_is_stored_for_new(pictures: Path, prompts: Path, run: Path) -> None:
    """Everything in the store is ruined, the network's features and the sentences beside the vectors too."""
    words = (pictures, "--prompts", prompts, "-o", run)
    assert ictc(*words)[0] == 0
    before = files(run, "002")
    with closing(sqlite3.connect(run / "store.sqlite")) as store, store:
        store.execute("UPDATE entries SET value = zeroblob(length(value))")
    code, anew = ictc(*words, "--recompute")
    assert code == 0 and not anew["reused"] and files(run, "002") == before
    assert ictc(*words, "--clusterer", "spherical")[0] == 0, "and what was made anew is kept"


def test_steps_go_on_with_a_run_of_this_lane(run: Path) -> None:
    assert CliRunner().invoke(app, ["step2b", str(run), "-k", "2"]).exit_code == 0
    done = CliRunner().invoke(app, ["step3", str(run), "--json"])
    assert done.exit_code == 0 and json.loads(done.stdout)["k"] == 2
    file = run / "002" / "step2b_result.json"
    name = json.loads(done.stdout)["clusters"][0]["name"]
    file.write_text(file.read_text().replace(json.dumps(name), '"my own"'))
    edited = CliRunner().invoke(app, ["step3", str(run), "--json"])
    assert "my own" in {c["name"] for c in json.loads(edited.stdout)["clusters"]}


def test_the_supervised_pairing_says_so_wherever_its_numbers_are(pictures: Path, prompts: Path, run: Path) -> None:
    words = (pictures, "--prompts", prompts, "--pairing", "label", "--truth", "filename", "-o", run)
    code, made = ictc(*words)
    assert code == 0 and made["n"] == 3 and made["supervised"]["test_images"] == 3
    assert "TRUE classes" in made["supervised"]["note"] and any("Supervised" in note for note in made["notes"])
    assert "Supervised" in json.loads((run / "002" / "metrics.json").read_text())["supervised"]["note"]
    table = CliRunner().invoke(app, ["score", str(run), "--truth", "filename"])
    assert "Supervised" in table.stdout
    CliRunner().invoke(app, ["report", str(run)])
    page = (run / "report.html").read_text()
    scores = page[page.index("h-scores") :]
    assert "Supervised" in scores and "Prompt accuracy" in page and "have no known class" not in scores
    drawn = CliRunner().invoke(app, ["map", str(run), "--method", "pca", "--out", str(run / "m.svg"), "--json"])
    assert "TRUE classes" in json.loads(drawn.stdout)["maps"][0]["supervised"]
    assert "supervised (pairing label)" in (run / "m.svg").read_text(), "a map's title as well"


def test_a_run_by_the_truth_needs_its_file_no_more(pictures: Path, prompts: Path, run: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("image,colour\n" + "".join(f"{p.name},{p.stem.split('_')[1]}\n" for p in pictures.iterdir()))
    words = ("--prompts", prompts, "--pairing", "label", "--truth", truth, "-o", run)
    assert ictc(pictures, *words)[0] == 0

    def told() -> list[Any]:
        found = []
        for command in ("map", "analyze", "score"):
            more = ["--method", "pca"] * (command == "map")
            done = CliRunner().invoke(app, [command, str(run), "--truth", "filename", *more, "--json"])
            assert done.exit_code == 0, done.output
            found.append(json.loads(done.stdout))
        return [*found, (run / "002" / "map_pca.png").read_bytes(), (run / "002" / "confusion.png").read_bytes()]

    before = told()
    truth.unlink()
    assert told() == before
    kept = CliRunner().invoke(app, ["step3", str(run), "--json"])
    assert kept.exit_code == 0 and json.loads(kept.stdout)["revision"] == "002", "the same clusters, found again"
    drawn, analysis, scores = before[:3]
    assert scores["silhouette"] == pytest.approx(analysis["silhouette"], abs=1e-4)
    assert scores["silhouette"] == pytest.approx(drawn["maps"][0]["silhouette"], abs=1e-4)
    assert sum(n for c in analysis["clusters"] for n in c["classes"].values()) == 12, (
        "those that were shown theirs, too"
    )
    assert (scores["n"], scores["without_truth"]) == (3, 0)


def test_silhouettes_of_the_supervised_pairing_are_of_the_test_split(pictures: Path, prompts: Path, run: Path) -> None:
    from sklearn.metrics import silhouette_score

    from ictc.outputs import reopen, result_vectors

    words = ("--prompts", prompts, "--pairing", "label", "--truth", "filename", "-o", run, "-k", 2)
    _, made = ictc(pictures, *words)
    done = reopen(run)
    vectors, shown = result_vectors(done), (done.folder.settings("002").lane or {})["shown"]
    assert vectors is not None and len(shown) == 9
    test = [i for i, a in enumerate(done.result.assignments) if a.image not in shown]
    clusters = [done.result.assignments[i].cluster for i in test]
    assert made["silhouette"] == pytest.approx(silhouette_score(vectors[test], clusters, metric="cosine"), abs=1e-4)


def test_the_truth_may_be_a_column_of_the_folders_own_metadata(
    pictures: Path, prompts: Path, run: Path, tmp_path: Path
) -> None:
    folder, rows = tmp_path / "folder", ["file_name,colour"]
    folder.mkdir()
    for i, file in enumerate(sorted(pictures.iterdir())):
        shutil.copy(file, folder / f"{i}.png")
        rows.append(f"{i}.png,{file.stem.split('_')[1]}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    words = ("--prompts", prompts, "--pairing", "label", "--truth", "colour", "-o", run)
    code, made = ictc(folder, *words)
    assert code == 0 and (made["n"], made["supervised"]["test_images"]) == (3, 3)
    (folder / "metadata.csv").unlink()
    assert CliRunner().invoke(app, ["map", str(run), "--method", "pca"]).exit_code == 0


@pytest.mark.parametrize(
    ("truth", "said"),
    [("none.csv", "no such file"), ("folder", "none lies in a folder"), ("pink.csv", "has the class 'pink'")],
)
def test_a_wrong_truth_is_told_before_anything_is_embedded(
    pictures: Path, prompts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, truth: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pink.csv").write_text("image,colour\n0_red.png,pink\n")
    for more in ([], ["--dry-run"]):
        words = ("--prompts", prompts, "--pairing", "label", "--truth", truth, "-o", "run", *more)
        code, told = ictc(pictures, *words)
        assert code == 2 and said in told["error"] and told["hint"]
    assert not Path("run").exists()


def test_a_control_says_that_it_is_one(pictures: Path, prompts: Path, run: Path) -> None:
    _, made = ictc(pictures, "--prompts", prompts, "--strategy", "swapped", "-o", run, "--truth", "filename")
    assert any(note.startswith("A control: every prompt") for note in made["notes"])
    CliRunner().invoke(app, ["report", str(run)])
    page = (run / "report.html").read_text()
    assert "A control: every prompt" in page and "Prompt accuracy" in page


def test_vectors_that_the_store_lost_are_told_and_words_do_not_stand_in(run: Path) -> None:
    with closing(sqlite3.connect(run / "store.sqlite")) as store, store:
        store.execute("DELETE FROM entries")
    for command in ("map", "analyze"):
        done = CliRunner().invoke(app, [command, str(run)])
        assert done.exit_code == 4 and "have no vector in the store" in done.stderr and "--recompute" in done.stderr
    scored = CliRunner().invoke(app, ["score", str(run), "--truth", "filename"])
    assert scored.exit_code == 0 and "Without map and silhouette" in " ".join(scored.stdout.split())
    assert json.loads((run / "001" / "metrics.json").read_text())["silhouette"] is None
    assert CliRunner().invoke(app, ["report", str(run)]).exit_code == 0
    assert "Without map and silhouette" in (run / "report.html").read_text()


def test_a_sweep_shows_every_weight(pictures: Path, prompts: Path, run: Path) -> None:
    words = (pictures, "--prompts", prompts, "-o", run, "--weight", "sweep", "--truth", "filename")
    code, made = ictc(*words)
    assert code == 0, made
    assert [row["weight"] for row in made["sweep"]] == [i / 10 for i in range(11)]
    assert all({"acc", "ari", "nmi"} <= set(row) for row in made["sweep"][:10]), "at 1 there may be too few vectors"
    assert made["sweep"][5]["acc"] == pytest.approx(made["acc"], abs=1e-4)


def test_recorded_descriptions_are_embedded_as_texts(run: Path, tmp_path: Path) -> None:
    rows = [{"image": f"{i}.png", "text": f"A photo of a {('tabby cat', 'red car')[i % 2]}, {i}."} for i in range(8)]
    (tmp_path / "said.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    code, made = ictc(f"recorded:{tmp_path / 'said.jsonl'}", "-k", 2, "-o", run)
    assert code == 0 and sorted(c["images"] for c in made["clusters"]) == [4, 4]


def test_a_model_names_all_clusters_in_one_request(pictures: Path, run: Path) -> None:
    """Its first answer has one name twice, and is asked for again."""
    asked: list[str] = []

    def respond(body: dict[str, Any]) -> str:
        asked.append(body["messages"][-1]["content"])
        rows = [{"id": i, "name": f"hue {i}" if len(asked) > 1 else "hue"} for i in (1, 2, 3)]
        return json.dumps({"answers": rows})

    with ScriptedServer(respond) as server:
        words = (pictures, "-k", 3, "-o", run, "--reasoner", f"openai:tiny@{server.url}")
        code, made = ictc(*words)
        assert code == 0 and {c["name"] for c in made["clusters"]} == {"hue 1", "hue 2", "hue 3"}
        assert len(asked) == 2 and "'hue'" in asked[1] and made["spent"]["requests"] == 2
        _, again = ictc(*words)
        assert again["reused"] and len(asked) == 2


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["-k", "13"], "only 12 images", "-k 12"),
        (["--strategy", "tasks"], "no strategy 'tasks'", "task"),
        (["--strategy", "task"], "needs prompts", "--prompts FILE"),
        (["--pairing", "nearest"], "--pairing nearest", "best, soft, label"),
        (["--pairing", "soft"], "does nothing", "--prompts"),
        (["--fusion", "product"], "--fusion product", "mean, sum, concat"),
        (["--weight", "2"], "--weight 2", "0.3"),
        (["--weight", "0.3", "--fusion", "mean"], "has no weight", "--fusion sum"),
        (["--space", "flat"], "--space flat", "evened, plain"),
        (["--clusterer", "k-means"], "no clusterer 'k-means'", "kmeans"),
        (["--param", "eps"], "name=value", "eps=0.3"),
        (["--param", "eps=1"], "no parameter 'eps'", "n_init"),
        (["--clusterer", "text"], "needs a prompt for each cluster", "--prompts FILE"),
        (["--embedder", "clop:x"], "Unknown embedder 'clop'", "offline"),
        (["--embedder", "offline:x"], "takes no argument", "offline"),
        (["--prompts", "missing.toml"], "missing.toml", ""),
        (["--truth", "filename", "--pairing", "label"], "does nothing", "--prompts"),
        (["--fusion", "concat"], "does nothing", "--prompts"),
        (["--weight", "sweep"], "does nothing", "--prompts"),
        (["--seed", "-1"], "--seed -1", "--seed 1"),
        (["--seed", "99999999999"], "--seed 99999999999", "--seed 1"),
    ],
)
def test_what_is_wrong_and_what_to_type(pictures: Path, tmp_path: Path, words: list[str], said: str, hint: str) -> None:
    code, told = ictc(pictures, "-o", tmp_path / "run", *words)
    assert code == 2 and said in told["error"] and hint in told["hint"]
    if (tmp_path / "run").exists():
        with closing(sqlite3.connect(tmp_path / "run" / "store.sqlite")) as store:
            assert store.execute("SELECT count(*) FROM entries").fetchone() == (0,), "something was embedded"


def test_all_images_the_same_and_one_image(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "same"
    folder.mkdir()
    for i in range(2):
        Image.new("RGB", (24, 24), (200, 30, 30)).save(folder / f"{i}.png")
        code, made = ictc(folder, "-o", run)
        assert code == 0 and made["k"] == 1 and made["assigned"] == i + 1
    code, told = ictc(folder, "-o", run, "-k", "2")
    assert code == 2 and "different vectors" in told["error"]


def test_help_tells_the_two_kinds_of_prompts_apart() -> None:
    shown = CliRunner().invoke(app, ["cluster", "--help"], env={"COLUMNS": "200"}).stdout
    assert "Not the folder of templates" in " ".join(shown.split())


def test_where_all_are_outliers_it_says_so_and_the_run_goes_on(run: Path, pictures: Path) -> None:
    code, found = ictc(pictures, "-o", run, "--clusterer", "dbscan", "--param", "eps=0.000001")
    assert code == 4 and "found no cluster" in found["error"] and "--clusterer kmeans" in found["hint"]
    assert ictc(pictures, "-k", 3, "-o", run)[0] == 0


def test_clusters_by_a_truth_of_names_are_found_anew_for_other_names(
    run: Path, pictures: Path, prompts: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    turned = {"red": "green", "green": "blue", "blue": "red"}
    for file in pictures.iterdir():
        number, colour = file.stem.split("_")
        shutil.copy(file, other / f"{number}_{turned[colour]}.png")
    words = ("--prompts", prompts, "--pairing", "label", "--truth", "filename", "-o")
    assert ictc(pictures, *words, run)[0] == 0
    after, fresh = (ictc(other, *words, folder) for folder in (run, tmp_path / "fresh"))
    assert after[0] == fresh[0] == 0
    assert files(run, after[1]["revision"]) == files(tmp_path / "fresh", fresh[1]["revision"])


def test_classical_features_of_images_in_which_nothing_is_found(pictures: Path, tmp_path: Path) -> None:
    """Plain pictures have no edges: their vectors are zeros, and a group."""
    pytest.importorskip("cv2", reason="no OpenCV here: pip install 'ictc[classical]'")
    folder = Path(shutil.copytree(pictures, tmp_path / "some"))
    for i in range(4):
        striped = np.zeros((64, 64, 3), np.uint8)
        striped[:, 8 + i :: 16] = 255
        Image.fromarray(striped).save(folder / f"{i}_stripes.png")
    for space in ("plain", "standardised", "evened"):
        words = (folder, "-k", 2, "--embedder", "classical:edges", "--space", space, "-o", tmp_path / space)
        code, made = ictc(*words)
        assert code == 0, made
        assert sorted(c["images"] for c in made["clusters"]) == [4, 12], space


@pytest.mark.parametrize("more", [("--dry-run",), ()])
def test_prompts_with_an_embedder_of_images_alone_are_refused_before_anything_is_embedded(
    pictures: Path, prompts: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    code, told = ictc(pictures, "--embedder", "lite0", "--prompts", prompts, "-o", tmp_path / "new", *more)
    assert code == 2 and "knows images alone" in told["error"]
    assert not (tmp_path / "new" / "001" / "step1_result.jsonl").exists()
