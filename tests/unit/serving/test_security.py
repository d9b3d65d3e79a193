"""Every rule of the served page, with the attack it is there for, against the real server."""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ictc.serving.security import MOST, Keys, Rules
from tests.conftest import ictc
from tests.serving import Served, small_run

PLAN = {"revision": "001", "changes": [{"do": "rename", "cluster": "red", "name": "crimson"}]}
EVERYWHERE = ["/", "/api/state", "/api/revision/001", "/api/jobs/1", "/static/serve.js", "/image/0", "/nothing",
              "/report_files/data/columns-0000000000000000.js"]  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(small_run(tmp_path_factory.mktemp("security"))) as one:
        one.ready()
        yield one


@pytest.fixture
def tab(served: Served) -> Iterator[httpx2.Client]:
    """A browser's tab that was opened with the address: it has the cookie, and the key from the page."""
    with httpx2.Client(base_url=served.base) as client:
        page = client.get("/", params={"token": served.token})
        client.headers["x-ictc-key"] = re.findall(r'<meta name="ictc-key" content="([^"]+)">', page.text)[0]
        client.headers["sec-fetch-site"] = "same-origin"
        yield client


def test_the_tab_may_look_and_ask(served: Served, tab: httpx2.Client) -> None:
    assert tab.get("/").status_code == 200
    assert tab.get("/api/state").json()["current"] == "001"
    assert tab.post("/api/plan", json=PLAN, headers={"origin": served.base}).status_code == 202
    served.ready()


@pytest.mark.parametrize("path", EVERYWHERE)
def test_without_a_token_nothing_is_told(served: Served, path: str) -> None:
    with httpx2.Client(base_url=served.base) as stranger:
        for given in ({}, {"authorization": "Bearer wrong"}, {"cookie": f"ictc_{served.port}=wrong"}):
            answer = stranger.get(path, headers=given)
            assert answer.status_code == 401 and "set-cookie" not in answer.headers
            assert "colour" not in answer.text and served.token not in answer.text
        assert stranger.get(path, params={"token": "wrong"}).status_code == 401
        assert stranger.post("/api/undo", json={}).status_code == 401


@pytest.mark.parametrize("path", ["/api/state", "/static/serve.js", "/image/0"])
def test_the_token_in_an_address_opens_the_page_alone(served: Served, path: str) -> None:
    assert httpx2.get(served.base + path, params={"token": served.token}).status_code == 401


def test_the_cookie_alone_gets_no_data_and_changes_nothing(served: Served, tab: httpx2.Client) -> None:
    """Ports share their cookies: another program of this machine may be sent it."""
    del tab.headers["x-ictc-key"]
    assert tab.get("/api/state").status_code == 401
    assert tab.post("/api/plan", json=PLAN).status_code == 401


def test_the_cookie_is_strict_and_no_script_can_read_it(served: Served) -> None:
    answer = httpx2.get(served.base + "/", params={"token": served.token})
    [cookie] = answer.headers.get_list("set-cookie")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert served.token not in cookie + answer.text


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "localhost.",
     "user@localhost", "127.0.0.1:8765:1", "[::1", "", "localhost/x", "0.0.0.0", "127.0.0.1 evil.example"],
)  # fmt: skip
def test_names_that_are_not_this_machines_are_refused(served: Served, host: str) -> None:
    """DNS rebinding: a site's name leads here, and its scripts are of one origin with the page then."""
    status, body = raw(served, "GET", "/api/state", [("Host", host)])
    assert status in (400, 421) and b"current" not in body


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "LOCALHOST:{port}", "localhost"]
)
def test_names_of_loopback_are_answered(served: Served, host: str) -> None:
    status, body = raw(served, "GET", "/api/state", [("Host", host.format(port=served.port))])
    assert status == 200 and b"current" in body


def test_two_host_headers_are_refused(served: Served) -> None:
    hosts = [("Host", f"localhost:{served.port}"), ("Host", "evil.example")]
    assert raw(served, "GET", "/api/state", hosts)[0] in (400, 421)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
@pytest.mark.parametrize("verb", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_no_request_of_another_site_on_any_verb(tab: httpx2.Client, verb: str, site: str) -> None:
    for path in EVERYWHERE:
        answer = tab.request(verb, path, headers={"sec-fetch-site": site})
        assert answer.status_code in (403, 405), path
        assert not {h for h in answer.headers if h.startswith("access-control")}


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "https://127.0.0.1", "file://"]
)
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_no_request_with_another_origin(served: Served, tab: httpx2.Client, verb: str, origin: str) -> None:
    """Browsers without Sec-Fetch-Site."""
    del tab.headers["sec-fetch-site"]
    assert tab.request(verb, "/api/state", headers={"origin": origin}).status_code == 403
    assert tab.post("/api/plan", json=PLAN, headers={"origin": origin}).status_code == 403
    assert served.ready()["current"] == "001"


def test_a_click_on_a_link_elsewhere_does_not_open_it(served: Served) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert httpx2.get(served.url, headers=link).status_code == 403
    assert httpx2.get(served.url, headers={**link, "sec-fetch-site": "none"}).status_code == 200


def test_a_form_of_another_site_cannot_be_sent(served: Served, tab: httpx2.Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        sent = {"content-type": kind, "origin": served.base}
        assert tab.post("/api/plan", content=json.dumps(PLAN), headers=sent).status_code == 415
    assert tab.post("/api/undo", json={}, headers={"sec-fetch-site": "none"}).status_code == 403


@pytest.mark.parametrize("path", [*EVERYWHERE, "/%2e%2e/etc/passwd"])
def test_every_answer_has_the_headers(served: Served, path: str) -> None:
    with httpx2.Client(base_url=served.base) as stranger:
        for client in (served.client, stranger):
            headers = client.get(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cache-control"] == "no-store"
            assert headers["x-frame-options"] == "DENY"
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy and "server" not in headers


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_long_is_refused_before_it_is_read(served: Served, declared: bool) -> None:
    part = b" " * 65536

    def endless() -> Iterator[bytes]:
        for _ in range(MOST // len(part) + 1):
            yield part

    headers = {"content-type": "application/json", **({"content-length": str(1 << 40)} if declared else {})}
    if declared:
        status, _ = raw(served, "POST", "/api/plan", [("Host", f"localhost:{served.port}"), *headers.items()])
    else:
        status = served.client.post("/api/plan", content=endless(), headers=headers).status_code
    assert status == 413


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[" * 100_000, b"null", b"[]", b'{"revision":"001"}', b'{"revision":1,"changes":[]}', b"\xff",
     b'{"revision":"../../x","changes":[{"do":"pin","cluster":"red"}]}',
     b'{"revision":"001","changes":[]}', b'{"revision":"001","changes":[{"do":"__class__"}]}',
     b'{"revision":"001","changes":[{"do":["rename"]}]}', b'{"revision":"001","changes":[7]}',
     b'{"revision":"001","changes":[{"do":"rename","cluster":"red"}]}',
     b'{"revision":"001","changes":[{"do":"rename","cluster":"red","name":{"a":1}}]}',
     b'{"revision":"001","changes":[{"do":"anew","k":0}]}', b'{"revision":"001","changes":[{"do":"anew","k":true}]}',
     b'{"revision":"001","changes":[{"do":"split","cluster":"red","into":2.5}]}',
     b'{"revision":"001","changes":[{"do":"move","cluster":"red","images":["../../etc/passwd"]}]}',
     b'{"revision":"001","changes":[{"do":"move","cluster":"red","images":[99]}]}',
     b'{"revision":"001","changes":[{"do":"move","cluster":"red","images":[-1]}]}',
     b'{"revision":"001","changes":[{"do":"move","cluster":"red","images":[true]}]}',
     b'{"revision":"001","changes":[{"do":"move","cluster":"red","images":[0],"contents":["x"]}]}',
     b'{"revision":"001","changes":[{"do":"pin","cluster":"red"}],"more":1}'],
)  # fmt: skip
def test_what_is_not_understood_is_one_clear_refusal(served: Served, body: bytes) -> None:
    served.ready()
    answer = served.client.post("/api/plan", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400 and set(answer.json()) == {"error", "hint"}


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"revision":1}', b'{"revision":"../x"}', b'{"revision":"001","changes":[]}']
)
def test_suggestions_are_asked_for_in_one_way(served: Served, tab: httpx2.Client, body: bytes) -> None:
    served.ready()
    answer = served.client.post("/api/suggest", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400 and set(answer.json()) == {"error", "hint"}
    whole = {"revision": "001"}
    assert tab.post("/api/suggest", json=whole, headers={"origin": "http://evil.example"}).status_code == 403
    assert tab.post("/api/suggest", json=whole, headers={"x-ictc-key": ""}).status_code == 401
    assert served.client.get("/api/suggest").status_code == 405


def test_nothing_is_done_that_was_not_planned(served: Served) -> None:
    for body in ({"plan": 999}, {"plan": "1"}, {"plan": True}, PLAN, {}, []):
        assert served.client.post("/api/apply", json=body).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/report_files/../run.json", "/report_files/%2e%2e/run.json", "/report_files/..%2frun.json", "/run.json",
     "/store.sqlite", "/static/../app.py", "/static/..%2fapp.py", "/static/waiting.html", "/image/12", "/image/-1",
     "/image/../0", "/image/red/red-0.png", "/report_files//etc/passwd", "/report_files/data/x.js",
     "/report_files/pictures-160/ab/0123456789abcdef.jpg", "/001/images.jsonl"],
)  # fmt: skip
def test_no_other_file_is_given_out(served: Served, path: str) -> None:
    status, body = raw(served, "GET", path, [("Host", f"localhost:{served.port}")])
    assert status == 404 and b"sha256" not in body and b"root:" not in body and b"def " not in body


def test_images_are_encoded_anew(served: Served) -> None:
    answer = served.client.get("/image/0")
    assert answer.headers["content-type"] == "image/jpeg" and answer.content.startswith(b"\xff\xd8\xff")
    assert answer.content not in {p.read_bytes() for p in served.run.parent.glob("images/*/*")}


def test_pieces_of_a_hostile_run_are_data_and_links_lead_nowhere(tmp_path: Path, served: Served) -> None:
    """Whoever made the run may have put anything beside its page."""
    run = tmp_path / "run"
    shutil.copytree(served.run, run)
    data = run / "report_files" / "data"
    pictures = run / "report_files" / "pictures-160" / "ab"
    data.mkdir(parents=True)
    pictures.mkdir(parents=True)
    own, alert, fetch, other = (f"columns-{i:016d}" for i in range(4))
    (data / f"{own}.js").write_text(f'ictcData("{own}",{{"a":"</script>"}})\n')
    (data / f"{alert}.js").write_text(f'ictcData("{alert}",alert(1))\n')
    (data / f"{fetch}.js").write_text(f'fetch("/api/undo");ictcData("{fetch}",{{}})\n')
    (data / f"{other}.js").write_text(f'ictcData("{own}",{{}})\n')
    (data / "texts-0000000000000000.js").symlink_to(run / "run.json")
    (pictures / "0123456789abcdef.jpg").write_text("<script>alert(1)</script>")
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"\xff\xd8\xff secret")
    (pictures / "0123456789abcdee.jpg").symlink_to(secret)
    (run / "report_files" / "pictures-176").symlink_to(tmp_path)
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "0123456789abcdef.jpg").write_bytes(b"\xff\xd8\xff secret")
    with Served(run) as one:
        known = one.client.get(f"/report_files/data/{own}.js")
        assert known.status_code == 200 and known.headers["content-type"].startswith("text/javascript")
        assert known.text == f'ictcData("{own}",{{"a":"\\u003c/script>"}})\n'
        for path in (
            *(f"data/{n}.js" for n in (alert, fetch, other, "texts-0000000000000000")),
            *(f"pictures-160/ab/{n}.jpg" for n in ("0123456789abcdef", "0123456789abcdee")),
            "pictures-176/ab/0123456789abcdef.jpg",
        ):
            assert one.client.get(f"/report_files/{path}").status_code == 404, path


def test_only_ictcs_own_scripts_run_whatever_the_page_says(tmp_path: Path, served: Served) -> None:
    run = tmp_path / "run"
    shutil.copytree(served.run, run)
    with Served(run) as other:
        other.ready()
        page = run / "report.html"
        page.write_text(page.read_text().replace("</head>", "<script>alert(1)</script></head>"))
        answer = other.client.get("/")
    assert "alert(1)" in answer.text
    [scripts] = re.findall(r"script-src ([^;]+)", answer.headers["content-security-policy"])
    own, digest = scripts.split()
    assert own == "'self'" and digest.startswith("'sha256-")
    assert '<meta http-equiv="Content-Security-Policy"' not in answer.text


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_other_machines_only_with_a_token_of_ones_own(served: Served, host: str) -> None:
    refused = ictc("serve", served.run, "--host", host, "--port", 0)
    assert refused.returncode == 2 and "--token" in refused.stderr and "token=" not in refused.stdout


def test_a_token_of_ones_own_is_long_enough(served: Served) -> None:
    for token in ("short", "with blanks in the midst", "naïve-token-naïve-token"):
        refused = ictc("serve", served.run, "--port", 0, "--token", token)
        assert refused.returncode == 2 and "at least 16 characters" in refused.stderr


def test_open_to_the_network_it_answers_to_addresses_and_not_to_names(served: Served) -> None:
    token = "a-token-of-my-own-0123456789"
    with Served(served.run, "--host", "0.0.0.0", env={"ICTC_TOKEN": token}) as other:
        assert other.token == token
        for host, status in (("192.168.7.7:80", 200), ("127.0.0.1", 200), ("evil.example", 421)):
            assert raw(other, "GET", "/api/state", [("Host", host)])[0] == status
        assert "not encrypted" in other.end()[1]


def test_a_port_that_is_taken(served: Served) -> None:
    refused = ictc("serve", served.run, "--port", served.port)
    assert refused.returncode == 2 and "--port 0" in refused.stderr


def test_a_ticket_opens_once() -> None:
    keys = Keys()
    ticket = keys.ticket()
    assert keys.opens(ticket) and not keys.opens(ticket) and keys.opens(keys.token) and not keys.opens("")


def test_hosts_of_an_address_that_was_given() -> None:
    rules = Rules(Keys(), "c", frozenset({"box.lan"}))
    assert rules.knows("box.lan:8765") and rules.knows("BOX.LAN") and not rules.knows("192.168.1.1")


def raw(served: Served, verb: str, path: str, headers: list[tuple[str, Any]]) -> tuple[int, bytes]:
    """A request just as it is written here, with the token: status and what came."""
    lines = [f"{verb} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers)]
    lines += [f"Authorization: Bearer {served.token}", "Connection: close", "", ""]
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as sock:
        sock.sendall("\r\n".join(lines).encode())
        came = b""
        while part := sock.recv(65536):
            came += part
    return int(came.split()[1]), came
