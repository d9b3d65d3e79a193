"""Prices: whose they are, what is unknown, what is local, and what a person says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictc.errors import UsageError
from ictc.spending.prices import LOCAL, UNKNOWN, Pictures, Price, is_local, parse_prices, price_of


@pytest.fixture(autouse=True)
def no_base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.mark.parametrize("spec", ["openai:gpt-4o", "vlm:openai:gpt-4o", "openai:gpt-4o-2024-08-06"])
def test_a_listed_model_has_its_price(spec: str) -> None:
    price = price_of(spec)
    assert (price.input, price.output) == (2.5, 10.0)
    assert price.cost(1_000_000, 100_000) == pytest.approx(3.5)


def test_a_snapshot_with_a_price_of_its_own_keeps_it() -> None:
    assert price_of("openai:gpt-4o-2024-05-13").input == 5.0


@pytest.mark.parametrize(
    "spec",
    ["openai:no-such-model", "openai:gpt-4o@https://proxy.example.com/v1", "other:thing"],
)
def test_what_is_not_listed_is_unknown_and_never_free(spec: str) -> None:
    assert price_of(spec) == UNKNOWN
    assert price_of(spec).cost(1000, 1000) is None


@pytest.mark.parametrize(
    "spec",
    [
        "offline",
        "recorded:x.jsonl",
        "hf:some/model,4bit",
        "vllm:some/model",
        "vlm:hf:some/model",
        "openai:m@http://127.0.0.1:8000/v1",
        "openai:m@http://localhost:11434/v1",
        "openai:m@http://[::1]:1/v1",
        "openai:gpt-4o@http://192.168.1.7:8000/v1",
        "openai:m@http://gpu-box:8000/v1",
    ],
)
def test_what_runs_here_costs_no_money(spec: str) -> None:
    assert price_of(spec) == LOCAL


def test_the_sdks_base_url_is_where_the_model_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert price_of("openai:gpt-4o") == LOCAL
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.example.com/v1")
    assert price_of("openai:gpt-4o") == UNKNOWN


def test_public_addresses_are_not_local() -> None:
    assert not any(map(is_local, ["8.8.8.8", "api.openai.com", "local.example.com", ""]))


def test_batches_cost_half_at_openai_and_the_same_where_there_are_none() -> None:
    assert price_of("openai:gpt-4o", batch=True).output == 5.0
    anthropic = "openai:claude-opus-5@https://api.anthropic.com/v1"
    assert price_of(anthropic, batch=True) == price_of(anthropic)


def test_a_persons_price_goes_first_and_one_models_before_that_for_all() -> None:
    own = parse_prices(["1,2", "mine=3,4.5"])
    assert price_of("openai:gpt-4o", own).output == 2.0
    assert price_of("openai:mine@http://127.0.0.1:1/v1", own).output == 4.5
    assert price_of("hf:some/model", own) == LOCAL


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "-1,2", "nan,1", "inf,1", "gpt-4o=", "gpt-4o"])
def test_what_is_no_price_says_how_to_type_one(text: str) -> None:
    with pytest.raises(UsageError, match="is no price") as caught:
        parse_prices([text])
    assert "--price" in caught.value.hint


AMOUNTS = st.floats(0, 1000, allow_nan=False)
TOKENS = st.integers(0, 10**9)


@given(AMOUNTS, AMOUNTS)
def test_prices_survive_being_typed(given_: float, taken: float) -> None:
    (price,) = parse_prices([f"{given_!r},{taken!r}"]).values()
    assert (price.input, price.output) == (given_, taken)


@given(AMOUNTS, AMOUNTS, TOKENS, TOKENS, TOKENS, TOKENS)
def test_costs_add_up(a: float, b: float, i: int, j: int, o: int, p: int) -> None:
    price = Price(a, b)
    assert price.cost(i + j, o + p) == pytest.approx((price.cost(i, o) or 0) + (price.cost(j, p) or 0))


@pytest.mark.parametrize(
    ("pictures", "size", "tokens"),
    [  # the examples of OpenAI's and Anthropic's guides
        (Pictures(tile=(85, 170)), (1024, 1024), 765),
        (Pictures(tile=(85, 170)), (2048, 4096), 1105),
        (Pictures(tile=(85, 170)), (512, 512), 255),
        (Pictures(patch=1.0), (1024, 1024), 1024),
        (Pictures(), (1092, 1092), 1590),
    ],
)
def test_picture_tokens_as_the_providers_say(pictures: Pictures, size: tuple[int, int], tokens: int) -> None:
    assert pictures.tokens(*size) == pytest.approx(tokens, rel=0.001)


@given(st.sampled_from([Pictures((85, 170)), Pictures(patch=1.62), Pictures()]), *[st.integers(1, 5000)] * 2)
def test_a_turned_picture_takes_the_same(pictures: Pictures, width: int, height: int) -> None:
    assert pictures.tokens(width, height) == pictures.tokens(height, width) > 0
