"""Whatever is written into a field of a description, it works or gets a sentence."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from any_json import thoroughly, values
from described import gitlab
from hypothesis import given
from hypothesis import strategies as st

from botkit.errors import AuthorizationError, SettingsError
from botkit.oauth import Provider, Revocation, base_url, callback_path
from botkit.practice.any import AnyService
from botkit.providers import describe_service

SECRET = "planted-secret"
GOOD = gitlab("id", SECRET)
FIELDS = [one.name for one in fields(Provider) if one.name != "client_secret"]
PLACES = [*FIELDS, *(f"revocation.{one.name}" for one in fields(Revocation))]
ODD = (..., b"x", (1,), (None,), {"a": 1}, {1: "a"}, {"a": "b"}, {"a": (1,)}, SECRET, "none")
ODD += ("https://", "https://x:y", "https://[", "http://x.example", "https://x.example/<id>")
ODD += ("https://x.example",)


def with_field(place: str, value: object) -> Provider:
    name, _, below = place.partition(".")
    assert GOOD.revocation
    return replace(GOOD, **{name: replace(GOOD.revocation, **{below: value}) if below else value})


@thoroughly
@given(st.sampled_from(PLACES), st.sampled_from(ODD) | values())
def test_any_value_of_a_field_works_or_gets_a_sentence(place, value):
    try:
        provider = describe_service(lambda *_: with_field(place, value), "id", SECRET)
    except SettingsError as error:
        assert "wanted: " in str(error) and SECRET not in str(error) and error.advice
        return
    assert callback_path(provider) and base_url(provider.api_url)
    service = AnyService("any", now=lambda: datetime.now(UTC))
    service.address = "http://127.0.0.1:8090"
    try:
        service.play(provider)
    except ValueError as error:  # it says what cannot be played
        assert str(error)


@pytest.mark.parametrize("place", PLACES)
def test_a_field_of_another_type_is_named(place):
    with pytest.raises(SettingsError) as caught:
        describe_service(lambda *_: with_field(place, 7), "id", SECRET)
    name = place.rpartition(".")[2]
    assert name in str(caught.value) and "is 7; wanted: " in str(caught.value)


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("That is odd."), RuntimeError(SECRET)])
def test_a_description_that_fails_gets_a_sentence(error):
    def odd(client_id, client_secret):
        raise error

    with pytest.raises(SettingsError, match=r"^odd failed with ") as caught:
        describe_service(odd, "id", SECRET)
    assert ".." not in str(caught.value) and SECRET not in str(caught.value)


def test_an_error_of_botkit_is_raised_as_it_is():
    def odd(client_id, client_secret):
        raise AuthorizationError("No.")

    with pytest.raises(AuthorizationError, match="No"):
        describe_service(odd, "id", SECRET)
