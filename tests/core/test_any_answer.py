"""Whatever a provider answers is read within bounds, or refused by name."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from any_json import fields, texts, thoroughly, values
from hypothesis import given
from hypothesis import strategies as st

from botkit.errors import ProviderNonsense
from botkit.oauth import Provider, is_token, missing_scopes, read_account, token_data
from botkit.oauth.http import LONGEST_LIMIT, LONGEST_TOKEN, read_fields, seconds_to_wait
from botkit.oauth.tokens import LONGEST_LIFE, error_name
from botkit.storage import Service, Storage, read_moment
from botkit.storage.tables import UtcDateTime

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
PLACE = {"authorize_url": "https://a/x", "token_url": "https://a/y", "api_url": "https://a"}
PROVIDER = Provider("A", "id", "secret", slug="a", **PLACE, scopes=("read", "write"))
TOKEN_FIELDS = ("expires_in", "scope", "refresh_token", "token_type", "id_token", "access_token")
HEADERS = ("Retry-After", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Content-Type")


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    response = requests.Response()
    response.status_code = status
    response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response.headers.update(headers or {})
    return response


@thoroughly
@given(fields(*TOKEN_FIELDS))
def test_what_is_kept_of_a_tokens_answer_has_known_types_and_grants_no_more(said):
    data = token_data(PROVIDER, {"access_token": "t", **said} | {"access_token": "t"}, NOW)
    assert json.loads(json.dumps(data)) == data
    if data["expiresAt"] is not None:
        life = datetime.fromisoformat(data["expiresAt"]) - NOW
        assert timedelta() <= life <= timedelta(seconds=LONGEST_LIFE)
        assert type(data["expiresIn"]) is int
    if "refreshToken" in data:
        assert is_token(data["refreshToken"])
    written = said.get("scope")
    if written is not None:
        assert isinstance(data["scope"], list) and all(type(one) is str for one in data["scope"])
        said_words = (
            " ".join(one for one in written if isinstance(one, str))
            if isinstance(written, list)
            else written
        )
        granted = said_words.split() if isinstance(said_words, str) else []
        assert set(data["scope"]) <= set(granted)
        missing = missing_scopes(PROVIDER, Service(data=data))
        assert set(PROVIDER.scopes) - set(granted) <= set(missing)


@thoroughly
@given(st.sampled_from([200, 201, 204, 302, 401, 404, 500]), values("id", "name"))
def test_an_account_has_an_id_and_a_name_in_one_short_line_or_is_none(status, body):
    try:
        account = read_account(PROVIDER, answer(body, status))
    except ProviderNonsense as error:
        assert str(error) == "A did not say whose account it is."
        return
    assert status == 200 and isinstance(body.get("id"), str | int)
    for value, longest in ((account["id"], 255), (account["name"], 300)):
        assert type(value) is str and 0 < len(value) <= longest and "\n" not in value
        assert value.encode("utf-8") and value != "None"


@thoroughly
@given(
    st.sampled_from([200, 403, 429, 503]),
    st.dictionaries(st.sampled_from(HEADERS), texts, max_size=4),
    values("message"),
)
def test_a_wait_is_never_longer_than_a_day_and_never_negative(status, headers, body):
    seconds = seconds_to_wait(answer(body, status, headers))
    assert seconds is None or (0 <= seconds <= LONGEST_LIMIT and math.isfinite(seconds))
    assert status != 200 or seconds is None


@thoroughly
@given(st.binary(max_size=60) | texts.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_as_fields(body):
    assert isinstance(read_fields(answer(body)), dict)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert all(type(value) is str for value in read_fields(answer(body, 200, form)).values())


@pytest.mark.parametrize("body", ["[" * 100_000, "9" * 10_000, '{"a": ' * 50_000])
def test_an_answer_made_to_break_readers_has_no_fields(body):
    assert read_fields(answer(body.encode())) == {}


@thoroughly
@given(values())
def test_only_the_name_of_an_error_is_repeated(value):
    name = error_name(value)
    assert len(name) <= 64 and name.isascii() and name.isprintable()


@thoroughly
@given(values())
def test_a_moment_that_is_believed_can_be_counted_with(value):
    found = read_moment(value)
    if found is not None:
        assert found + timedelta(days=365) > found - timedelta(days=365)
        assert found.astimezone(UTC) == found
    written = UtcDateTime().process_result_value(value, Storage()._engine.dialect)
    assert written is None or written + timedelta(days=1) > written


@thoroughly
@given(values("accessToken", "tokens", "token", "access_token", "account", "id", "expiresAt"))
def test_whatever_a_row_holds_its_token_and_account_have_known_types(data):
    service = Service(data=data)
    assert service.access_token is None or type(service.access_token) is str
    assert service.refresh_token is None or type(service.refresh_token) is str
    assert isinstance(service.account, dict)
    assert service.expires_at is None or service.expires_at.tzinfo
    assert isinstance(missing_scopes(PROVIDER, service), list)


@pytest.mark.parametrize("length, fits", [(LONGEST_TOKEN, True), (LONGEST_TOKEN + 1, False)])
def test_a_token_fits_into_a_header(length, fits):
    assert is_token("x" * length) is fits
