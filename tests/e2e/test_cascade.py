"""A cascade over HTTP: what it asks, what it is worth, and that neither a kill nor a larger budget pays twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import invoke, result_files
from tests.servers.answers import Body, Scripted, error
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking

KINDS = ("cat", "truck", "guitar", "apple")
SCENES = (
    "A {} is to be seen near a window, in soft light.",
    "The image shows a {} on the left, at stand {i}.",
    "There is a large {} in front of a wall.",
    "One {} and nothing else, photographed from above at hour {i}.",
)
N, AMBIGUOUS = 400, 8  # every eighth shows two kinds, of which the model alone knows which is meant
ALL = 2 * N + 1
ENV = {"OPENAI_API_KEY": "sk-test"}


def kind_of(i: int) -> str:
    return KINDS[(i * 7 + i // 9) % 4]


def is_ambiguous(i: int) -> bool:
    return i % AMBIGUOUS == 3


def text_of(i: int) -> str:
    if is_ambiguous(i):
        pair = sorted([kind_of(i), KINDS[(KINDS.index(kind_of(i)) + 1 + i % 3) % 4]])
        return f"A {pair[0]} and a {pair[1]} side by side, as picture {i} shows."
    return SCENES[i % 4].format(kind_of(i), i=i) + f" It is number {i}."


def tell(text: str) -> str:
    found = re.search(r"(?:picture|number) (\d+)", text)
    return kind_of(int(found[1])) if found else next((k for k in KINDS if k in text), "thing")


def write(file: Path, texts: list[str]) -> Path:
    rows = ({"image": f"{i}_{kind_of(i)}.png", "text": text} for i, text in enumerate(texts))
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module")
def captions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("cascade") / "captions.jsonl", [text_of(i) for i in range(N)])


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(thinking(tell)) as started:
        yield started


def ictc(*words: object, **env: str) -> tuple[int, dict[str, Any], str]:
    done = invoke(*words, "--json", env={**ENV, **env})
    assert "Traceback" not in done.stderr
    return done.exit_code, json.loads(done.stdout), done.stderr


def spec(server: ScriptedServer) -> str:
    return f"openai:tiny@{server.url}"


def asked(
    captions: Path, server: ScriptedServer | None, run: Path, *more: object, k: object = 4, **env: str
) -> tuple[int, dict[str, Any], str]:
    model = ("--reasoner", spec(server)) if server else ()
    words = ("run", f"recorded:{captions}", "-c", "object", "-k", k, "-o", run, "--truth", "filename", "--no-report")
    return ictc(*words, *model, *more, **env)


def rows(run: Path, revision: str = "001") -> list[dict[str, Any]]:
    return [json.loads(x) for x in (run / revision / "step3_result.jsonl").read_text().splitlines()]


def state(run: Path, revision: str = "001") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())["revisions"][revision]
    return found


def right(run: Path, among: Callable[[int], bool]) -> float:
    """Share of images whose cluster is called what they show."""
    hits = [r["cluster"] == kind_of(int(r["image"].split("_")[0])) for r in rows(run)
            if among(int(r["image"].split("_")[0]))]  # fmt: skip
    return sum(hits) / len(hits)


def distinct(server: ScriptedServer) -> int:
    return len({json.dumps(b, sort_keys=True) for b in server.bodies})


def budget_of(text: str) -> int:
    return int(ALL * float(text.rstrip("%")) / 100 + 1e-9) if text.endswith("%") else int(text)


@pytest.mark.parametrize("budget", ["5%", "12%", "60"])
def test_it_asks_no_more_than_its_budget_and_knows_more_than_the_offline_lane(
    captions: Path, server: ScriptedServer, tmp_path: Path, budget: str
) -> None:
    assert asked(captions, None, tmp_path / "offline")[0] == 0
    code, done, _ = asked(captions, server, tmp_path / "run", "--cascade", "--budget", budget)
    assert code == 0 and done["failed"] == done["unassigned"] == 0
    assert 0 < server.count == done["spent"]["requests"] <= budget_of(budget)
    assert distinct(server) == server.count, "nothing is asked twice"
    assert right(tmp_path / "run", is_ambiguous) > right(tmp_path / "offline", is_ambiguous)
    assert right(tmp_path / "run", lambda i: True) > right(tmp_path / "offline", lambda i: True)
    by = [r["by"] for r in rows(tmp_path / "run")]
    assert set(by) == {"offline", spec(server)}
    bargain = done["cascade"]
    assert by.count(spec(server)) == bargain["asked"] == bargain["uncertain"] + bargain["audited"] < server.count
    if bargain["audited"] >= 8:  # one draw of five may miss; the unit tests say how often
        true = 1 - right(tmp_path / "run", lambda i: True)
        assert bargain["low"] - 0.02 <= true <= bargain["high"] + 0.02


def test_cascade_alone_is_five_percent(captions: Path, server: ScriptedServer, tmp_path: Path) -> None:
    code, done, _ = asked(captions, server, tmp_path / "run", "--cascade")
    assert code == 0 and done["cascade"]["budget"] == "5%" and 30 < server.count <= 40


def test_the_same_again_asks_nothing_and_a_larger_budget_only_what_is_new(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    _, first, _ = asked(captions, server, tmp_path / "run", "--budget", "5%")
    before = server.count
    code, again, _ = asked(captions, server, tmp_path / "run", "--budget", " 5 %")
    assert code == 0 and again["reused"] and server.count == before
    assert again["clusters"] == first["clusters"] and again["cascade"] == first["cascade"]
    code, more, _ = asked(captions, server, tmp_path / "run", "--budget", "15%")
    assert code == 0 and more["revision"] == "002"
    assert distinct(server) == server.count <= before + budget_of("15%")
    assert more["acc"] >= first["acc"]
    both = server.count
    asked(captions, server, tmp_path / "alone", "--budget", "15%")
    assert both < before + (server.count - both), "what was answered is not asked again"


def test_the_steps_one_by_one_give_the_same_files(captions: Path, server: ScriptedServer, tmp_path: Path) -> None:
    asked(captions, server, tmp_path / "run", "--cascade", "--budget", "8%")
    whole, alone = server.count, tmp_path / "steps"
    cascade = ("--reasoner", spec(server), "--cascade", "--budget", "8%")
    assert ictc("step1", f"recorded:{captions}", "-c", "object", "-o", alone)[0] == 0
    assert ictc("step2a", alone, *cascade)[0] == 0
    assert ictc("step2b", alone, "-k", 4)[0] == 0
    code, done, _ = ictc("step3", alone)
    assert code == 0 and server.count == 2 * whole
    assert result_files(alone / "001") == result_files(tmp_path / "run/001")
    assert done["cascade"] == state(alone)["cascade"] == state(tmp_path / "run")["cascade"]


def test_descriptions_that_say_nothing_do_not_change_the_plan_between_steps(
    server: ScriptedServer, tmp_path: Path
) -> None:
    texts = ["--" if i % 4 == 1 else text_of(i) for i in range(N)]
    run = tmp_path / "run"
    code, done, _ = asked(write(tmp_path / "c.jsonl", texts), server, run, "--budget", "15%", "--fail-on-error", 1)
    assert code in (0, 3) and done["failed"] == 100
    assert distinct(server) == server.count <= budget_of("15%") * 0.75 + 1
    assert sum("label" in str(b["response_format"]) for b in server.bodies) <= 0.25 * 0.75 * budget_of("15%")


def test_going_on_with_a_cascade_keeps_the_runs_budget(captions: Path, server: ScriptedServer, tmp_path: Path) -> None:
    run = tmp_path / "run"
    _, first, _ = asked(captions, server, run, "--budget", "8%")
    before = server.count
    code, again, _ = ictc("step3", run, "--cascade")
    assert (code, again["revision"], server.count) == (0, "001", before)
    assert again["cascade"] == first["cascade"] and first["cascade"]["budget"] == "8%"
    code, other, _ = ictc("step3", run, "--cascade", "--budget", "10%")
    assert (code, other["revision"], other["cascade"]["budget"]) == (0, "002", "10%")


def test_going_on_with_a_cascade_where_there_was_none_is_five_percent(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    asked(captions, None, run)
    code, done, _ = ictc("step3", run, "--reasoner", spec(server), "--cascade")
    assert code == 0 and done["cascade"]["budget"] == "5%" and 0 < server.count <= 40


def killed(captions: Path, server: ScriptedServer, run: Path, after: int) -> None:
    """Runs it in a process of its own until so many requests came, and kills that."""
    words = ["run", f"recorded:{captions}", "-c", "object", "-k", "4", "-o", str(run), "--no-report",
             "--reasoner", spec(server), "--budget", "10%", "--concurrency", "4"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "ictc", *words], env={**os.environ, **ENV}, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    while process.poll() is None and server.count < after:
        time.sleep(0.002)
    assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    while server.at_once:
        time.sleep(0.005)


def test_killed_half_way_it_ends_the_same(captions: Path, tmp_path: Path) -> None:
    with ScriptedServer(thinking(tell)) as server:
        asked(captions, server, tmp_path / "calm", "--budget", "10%")
        calm = server.count
        server.latency = 0.05
        killed(captions, server, tmp_path / "run", calm + calm // 2)
        code, done, _ = asked(captions, server, tmp_path / "run", "--budget", "10%")
        assert code == 0 and done["revision"] == "001"
        again = server.count - calm
    assert result_files(tmp_path / "run/001") == result_files(tmp_path / "calm/001")
    assert done["cascade"] == state(tmp_path / "calm")["cascade"]
    assert calm <= again <= calm + 4, "what was in flight, four at a time, and nothing else"


def dying(server: ScriptedServer, life: int) -> Callable[[Body], Any]:
    """The server as it was; from now on it answers so many requests."""
    answer = server.respond

    def respond(body: Body) -> Any:
        return answer(body) if server.count <= life else error(401, "key revoked")

    server.respond = respond
    return answer


@pytest.mark.parametrize("life", [0, 55])
def test_with_a_fallback_a_dead_server_is_no_end(
    captions: Path, server: ScriptedServer, tmp_path: Path, life: int
) -> None:
    answer, run = dying(server, life), tmp_path / "run"
    options = ("--budget", "10%", "--concurrency", 1)
    code, done, _ = asked(captions, server, run, *options, "--fallback", "offline")
    assert code == 0 and done["assigned"] == N
    fell = [r for r in rows(run) if "unauthorized" in r["by"] or "gone" in r["by"]]
    assert len(fell) > N / 2
    assert server.count <= budget_of("10%")
    before, server.respond = server.count, answer
    code, again, _ = asked(captions, server, run, *options)
    assert code == 0 and not again["reused"] and again["revision"] == "001"
    assert {r["by"] for r in rows(run)} == {"offline", spec(server)}
    assert server.count - before <= budget_of("10%") - life


def test_a_server_that_dies_stops_the_run_and_nothing_is_lost(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    answer = dying(server, 50)
    code, told, _ = asked(captions, server, tmp_path / "run", "--budget", "10%", "--concurrency", 1)
    assert code == 4 and "unauthorized" in told["error"] and "--fallback offline" in told["hint"]
    before, server.respond = server.count, answer
    assert asked(captions, server, tmp_path / "run", "--budget", "10%")[0] == 0
    assert server.count - before <= budget_of("10%") - 50
    asked(captions, server, tmp_path / "calm", "--budget", "10%")
    assert result_files(tmp_path / "run/001") == result_files(tmp_path / "calm/001")


def test_where_no_server_is_it_says_so(captions: Path, tmp_path: Path) -> None:
    with ScriptedServer() as closed:
        url = closed.url
    words = ("run", f"recorded:{captions}", "-c", "object", "-k", 4, "-o", tmp_path / "run", "--retries", 0)
    code, told, _ = ictc(*words, "--reasoner", f"openai:tiny@{url}", "--cascade")
    assert code == 4 and "unreachable" in told["error"] and "--fallback offline" in told["hint"]


def test_answers_off_the_list_are_asked_twice_and_still_within_the_budget(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    sensible = server.respond

    def respond(body: Body) -> Any:
        answer = sensible(body)
        return '{"category": "zeppelin"}' if '"category"' in str(answer) or "zeppelin" in str(body) else answer

    server.respond = respond
    code, done, _ = asked(captions, server, tmp_path / "run", "--budget", "10%")
    assert code == 0 and done["failed"] == done["unassigned"] == 0
    assert budget_of("10%") - 20 < server.count <= budget_of("10%")
    assert {r["by"] for r in rows(tmp_path / "run")} == {"offline"}
    named_none = [r for r in rows(tmp_path / "run") if "zeppelin" in r["evidence"]]
    bargain = done["cascade"]
    assert len(named_none) == bargain["none"] == bargain["asked"] > 20
    assert bargain["changed"] == 0


def test_a_server_that_fails_every_time_costs_no_more_than_the_budget(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    sensible = server.respond

    def respond(body: Body) -> Any:
        answer = sensible(body)
        return Scripted(content="", finish="content_filter") if '"category"' in str(answer) else answer

    server.respond = respond
    run = tmp_path / "run"
    code, done, _ = asked(captions, server, run, "--budget", "10%")
    assert code == 0 and done["assigned"] == N and distinct(server) == server.count <= budget_of("10%")
    bargain = done["cascade"]
    assert bargain["asked"] == bargain["uncertain"] == bargain["audited"] == bargain["passing"] == 0
    assert (
        bargain["unanswered"] == sum("gave no usable answer: content-filter" in r["evidence"] for r in rows(run)) > 20
    )
    before = server.count
    assert asked(captions, server, run, "--budget", "10%")[1]["reused"] and server.count == before


def is_assignment(answer: Any) -> bool:
    return '"category"' in str(answer)


def test_a_server_in_trouble_is_no_result_and_is_asked_again(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    calm, run = tmp_path / "calm", tmp_path / "run"
    asked(captions, server, calm, "--budget", "10%")
    sensible = server.respond
    server.respond = lambda body: error(500) if is_assignment(sensible(body)) else sensible(body)
    code, told, _ = asked(captions, server, run, "--budget", "10%", "--retries", 0)
    assert code == 4 and "server-error" in told["error"] and "same command" in told["hint"]
    seen: list[Body] = []

    def now_and_then(body: Body) -> Any:
        answer = sensible(body)
        seen.extend([body] if is_assignment(answer) else [])
        return error(500) if is_assignment(answer) and len(seen) % 3 == 1 else answer

    server.respond = now_and_then
    code, some, notes = asked(captions, server, run, "--budget", "10%", "--retries", 0)
    assert code == 0 and 0 < some["cascade"]["passing"] == some["cascade"]["unanswered"] < some["cascade"]["asked"]
    assert "without a usable answer (the same command asks again)" in notes
    server.respond = sensible
    before = server.count
    code, done, _ = asked(captions, server, run, "--budget", "10%", "--retries", 0)
    assert code == 0 and not done["reused"] and 0 < server.count - before < some["cascade"]["asked"]
    assert done["cascade"]["unanswered"] == 0 and result_files(run / "001") == result_files(calm / "001")


def test_labels_that_failed_for_a_passing_reason_are_asked_again(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    sensible, seen, run = server.respond, [], tmp_path / "run"

    def respond(body: Body) -> Any:
        labels = "label" in str(body["response_format"])
        seen.extend([body] if labels else [])
        return error(500) if labels and len(seen) <= 2 else sensible(body)

    server.respond = respond
    code, first, _ = asked(captions, server, run, "--budget", "10%", "--retries", 0)
    assert code == 0 and first["cascade"]["passing"] == 2
    code, again, _ = asked(captions, server, run, "--budget", "10%", "--retries", 0)
    assert code == 0 and again["cascade"]["passing"] == 0 and not again["reused"]


def test_step_3_with_another_budget_asks_for_no_labels(captions: Path, server: ScriptedServer, tmp_path: Path) -> None:
    run = tmp_path / "run"
    asked(captions, server, run, "--budget", "8%")
    server.bodies.clear()
    code, done, _ = ictc("step3", run, "--cascade", "--budget", "20%")
    assert code == 0 and done["revision"] == "002" and server.bodies
    assert not any("label" in str(b["response_format"]) for b in server.bodies)


def test_a_cascade_without_a_model_says_what_to_type(captions: Path, tmp_path: Path) -> None:
    for more in (
        ("--cascade",),
        ("--budget", "5%"),
        ("--cascade", "--reasoner", "offline"),
        ("--cascade", "--dry-run"),
    ):
        code, told, _ = asked(captions, None, tmp_path / "run", *more)
        assert code == 2 and "--reasoner openai:" in told["hint"] and "--no-cascade" in told["hint"]
        assert not (tmp_path / "run").exists(), "nothing is made before it is known to be usable"


def test_a_run_that_was_a_cascade_goes_on_without_a_model_where_that_is_said(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    asked(captions, server, run, "--cascade")
    before = server.count
    code, told, _ = ictc("step3", run, "--reasoner", "offline")
    assert code == 2 and "--no-cascade" in told["hint"]
    code, done, _ = ictc("step3", run, "--reasoner", "offline", "--no-cascade")
    assert (code, done["revision"], server.count) == (0, "002", before) and "cascade" not in done


@pytest.mark.parametrize("budget", ["101%", "abc", "-3", "", " ", "5.5", "1e9%"])
def test_a_budget_that_is_none_asks_nothing(
    captions: Path, server: ScriptedServer, tmp_path: Path, budget: str
) -> None:
    code, told, _ = asked(captions, server, tmp_path / "run", "--cascade", f"--budget={budget}")
    assert code == 2 and "--budget 5%" in told["hint"]
    assert server.count == 0 and not (tmp_path / "run").exists()


def test_a_budget_of_nothing_is_the_offline_lane(captions: Path, server: ScriptedServer, tmp_path: Path) -> None:
    code, done, _ = asked(captions, server, tmp_path / "run", "--budget", "0%")
    asked(captions, None, tmp_path / "offline")
    assert code == 0 and server.count == 0 and done["cascade"]["budget"] == "0%"
    assert result_files(tmp_path / "run/001") == result_files(tmp_path / "offline/001")


@pytest.mark.parametrize("budget", ["1", "4", "19"])
def test_a_few_calls_are_names_and_assignments(
    captions: Path, server: ScriptedServer, tmp_path: Path, budget: str
) -> None:
    code, done, _ = asked(captions, server, tmp_path / "run", "--budget", budget)
    assert code == 0 and done["assigned"] == N and len(done["clusters"]) == 4
    assert 0 < server.count <= int(budget)


def test_one_call_is_enough_for_names_of_a_thousand_labels(server: ScriptedServer, tmp_path: Path) -> None:
    """More labels than fit into one request: with the whole method they are grouped in rounds."""
    ends = ["kan", "lor", "mis", "dun", "pel", "zor", "fek", "rad", "vim", "tob", "gax", "hur", "jol", "syl"]
    words = [a + b + c for a in "bdfgklmnprst" for b in ("ama", "oru", "eni", "ulo", "ita") for c in ends]
    texts = [f"A {word} lies on the table." for word in words]
    run = tmp_path / "run"
    code, done, _ = asked(write(tmp_path / "c.jsonl", texts), server, run, "--budget", 2)
    assert code == 0 and len(done["clusters"]) == 4 and 0 < server.count <= 2


def test_all_of_the_budget_asks_about_all_that_is_uncertain(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    code, done, _ = asked(captions, server, tmp_path / "run", "--budget", "100%")
    assert code == 0 and server.count <= ALL and distinct(server) == server.count
    assert done["acc"] == 1.0 and right(tmp_path / "run", lambda i: True) == 1.0


@pytest.mark.parametrize("more", [(), ("--budget", "30"), ("--budget", "100%"), ("--pack", 5)])
def test_a_dry_run_stays_within_the_budget_and_asks_nothing(
    captions: Path, server: ScriptedServer, tmp_path: Path, more: tuple[object, ...]
) -> None:
    code, plan, _ = asked(captions, server, tmp_path / "run", "--cascade", *more, "--dry-run")
    most = budget_of(str(more[1])) if "--budget" in more else budget_of("5%")
    assert code == 0 and server.count == 0 and not (tmp_path / "run").exists()
    assert 0 < plan["requests"]["low"] <= plan["requests"]["likely"] <= plan["requests"]["high"] <= most


def test_a_dry_run_plans_for_the_descriptions_that_say_something(server: ScriptedServer, tmp_path: Path) -> None:
    file = write(tmp_path / "c.jsonl", ["--" if i % 4 == 1 else text_of(i) for i in range(N)])
    _, plan, _ = asked(file, server, tmp_path / "plan", "--budget", "10%", "--dry-run")
    run = tmp_path / "run"
    assert ictc("step1", f"recorded:{file}", "-c", "object", "-o", run)[0] == 0
    _, step, _ = ictc("step2a", run, "--reasoner", spec(server), "--budget", "10%", "--dry-run")
    most = int(0.1 * (2 * 300 + 1))  # of 400, 100 say nothing
    assert step["requests"]["high"] == most // 4
    assert plan["requests"]["high"] <= most < budget_of("10%")


def test_a_dry_run_with_names_of_ones_own_plans_no_labels(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    names = tmp_path / "names.txt"
    names.write_text("\n".join(KINDS) + "\n")
    _, plan, _ = asked(captions, server, tmp_path / "run", "--cascade", "--names", names, "--dry-run", k="auto")
    requests = {s["stage"]: s["requests"]["likely"] for s in plan["steps"]}
    assert requests["label"] == requests["merge"] == 0 < requests["assign"] <= 40


def test_labels_say_whose_they_are_and_so_does_the_account(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    _, done, told = asked(captions, server, tmp_path / "run", "--budget", "10%")
    labels = [json.loads(x) for x in (tmp_path / "run/001/step2a_result.jsonl").read_text().splitlines()]
    own = sum(x["by"] == spec(server) for x in labels)
    assert {x["by"] for x in labels} == {"offline", spec(server)} and 10 <= own <= 30
    assert done["cascade"]["labelled"] == state(tmp_path / "run")["cascade"]["labelled"] == own
    assert f"labels: {own} by the model, {N - own} carried over from the nearest of them" in told


def test_names_of_ones_own_cost_no_labels(captions: Path, server: ScriptedServer, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("\n".join(KINDS) + "\n")
    code, done, _ = asked(captions, server, tmp_path / "run", "--cascade", "--names", names, k="auto")
    assert code == 0 and sorted(c["name"] for c in done["clusters"]) == sorted(KINDS)
    assert 30 < server.count <= 40 and all('"category"' in json.dumps(b) for b in server.bodies)


def test_open_names_are_kept_also_where_nothing_may_be_asked(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    names = tmp_path / "names.txt"
    names.write_text("truck\nmusical instrument\n")
    code, done, _ = asked(captions, server, tmp_path / "run", "--budget", 0, "--names", names, "--open")
    assert code == 0 and {"truck", "musical instrument"} < {c["name"] for c in done["clusters"]}
    assert server.count == 0


def test_packs_make_more_answers_of_as_many_calls(captions: Path, server: ScriptedServer, tmp_path: Path) -> None:
    code, done, _ = asked(captions, server, tmp_path / "run", "--cascade", "--pack", 5)
    assert code == 0 and 25 < server.count <= 40, "the calls are used"
    assert done["cascade"]["asked"] > 3 * 27, "of 27 for step 3, of five texts each"
    assert 5 * 4 <= done["cascade"]["audited"] <= 5 * 6, "a fifth of them"
    assert right(tmp_path / "run", is_ambiguous) > 0.75


def test_k_is_the_models_choice(captions: Path, server: ScriptedServer, tmp_path: Path) -> None:
    code, done, _ = asked(captions, server, tmp_path / "run", "--cascade", k="auto")
    assert code == 0 and len(done["clusters"]) == 2 and server.count <= 40, "it says two, whatever it is asked"
    assert "the model's choice: " in done["k_reason"] and "resamplings" in done["k_reason"]
    assert {c["name"] for c in done["clusters"]} < set(KINDS)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("budget", ["5%", "100%", "3"])
def test_few_images(server: ScriptedServer, tmp_path: Path, n: int, budget: str) -> None:
    texts = [text_of(i) for i in range(n)]
    code, done, _ = asked(write(tmp_path / "c.jsonl", texts), server, tmp_path / "run", "--budget", budget, k=min(n, 2))
    assert code == 0 and done["assigned"] == n
    assert server.count <= {"5%": 0, "3": 3, "100%": 2 * n + 1}[budget]


def test_equal_descriptions_are_asked_about_once_and_get_the_same(server: ScriptedServer, tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", ["A cat and a truck side by side."] * 100)
    code, done, _ = asked(one, server, tmp_path / "one", "--budget", "50%", k=1)
    assert code == 0 and done["assigned"] == 100 and server.count <= 3
    texts = [f"A {a} and a {b} side by side." for a in KINDS for b in KINDS] * 10
    before = server.count
    assert asked(write(tmp_path / "few.jsonl", texts), server, tmp_path / "few", "--budget", "50%")[0] == 0
    assert server.count - before <= 16 + 3 + 16
    found: dict[str, set[tuple[str, str, float | None]]] = {}
    for i, r in enumerate(rows(tmp_path / "few")):
        found.setdefault(texts[i], set()).add((r["cluster"], r["by"], r.get("confidence")))
    assert all(len(answers) == 1 for answers in found.values())


def test_images_that_are_not_sure_enough_stay_unassigned(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    asked(captions, server, tmp_path / "all", "--cascade")
    before = server.count
    code, done, _ = asked(captions, server, tmp_path / "all", "--cascade", "--min-confidence", 0.9)
    assert code in (0, 3) and server.count == before, "nothing is asked again"
    for sure, row in zip(rows(tmp_path / "all"), rows(tmp_path / "all", "002"), strict=True):
        if sure["confidence"] is None or sure["confidence"] >= 0.9:
            assert row == sure
        else:
            assert row["cluster"] is None and f"perhaps {sure['cluster']}" in row["evidence"]
    assert 0 < done["unassigned"] < N and done["off_list"] == 0, "to be unsure is no answer off the list"
    assert done["cascade"] == state(tmp_path / "all")["cascade"]
    for wrong in ("1.5", "-0.1", "nan", "x"):
        code, _, _ = asked(captions, server, tmp_path / "none", "--cascade", "--min-confidence", wrong)
        assert code == 2 and not (tmp_path / "none").exists()


def test_what_it_is_worth_stands_wherever_the_result_does(
    captions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    words = ("run", f"recorded:{captions}", "-c", "object", "-k", 4, "-o", run, "--reasoner", spec(server), "--cascade")
    code, done, _ = ictc(*words)
    bargain = done["cascade"]
    assert code == 0 and bargain == state(run)["cascade"] == ictc("show", run)[1]["cascade"]
    assert bargain["images"] == N and bargain["audited"] > 0
    estimate = f"estimated disagreement with the model on everything: {100 * bargain['disagreement']:.1f} %"
    page = (run / "report.html").read_text()
    assert estimate in page and "--budget 5%" in page
    said = invoke("show", run)
    assert " ".join(estimate.split()) in " ".join((said.stdout + said.stderr).split())


def test_options_from_the_environment_and_from_a_file(
    captions: Path, server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, done, _ = asked(captions, server, tmp_path / "env", ICTC_BUDGET="30", ICTC_MIN_CONFIDENCE="0.9")
    assert done["cascade"]["budget"] == "30" and server.count <= 30 and done["unassigned"] > 0
    _, done, _ = asked(captions, server, tmp_path / "flag", ICTC_CASCADE="1")
    assert done["cascade"]["budget"] == "5%"
    monkeypatch.chdir(tmp_path)
    Path("ictc.toml").write_text("cascade = true\n[run]\nbudget = 25\nmin-confidence = 0.9\n")
    code, done, _ = asked(captions, server, tmp_path / "file")
    assert code == 0 and done["cascade"]["budget"] == "25" and done["unassigned"] > 0
    code, done, _ = asked(captions, None, tmp_path / "offline", "--no-cascade")
    assert code == 0 and "cascade" not in done, "a person may leave it"


def test_without_a_cascade_nothing_is_said_of_one(captions: Path, tmp_path: Path) -> None:
    code, done, _ = asked(captions, None, tmp_path / "run")
    assert code == 0 and "cascade" not in done and "cascade" not in state(tmp_path / "run")
