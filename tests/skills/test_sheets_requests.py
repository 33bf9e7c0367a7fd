"""Every request that the Sheets skill makes, held against Google's own discovery document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from google_discovery import Discovery, documents
from missing import left_out
from requests import PreparedRequest, Response
from sheets_world import Desk, sheets_kit

from botkit.oauth import http
from botkit.practice.google.answers import parse_fields

METHODS = {
    "GET": "sheets.spreadsheets.values.get",
    "PUT": "sheets.spreadsheets.values.update",
    "POST": "sheets.spreadsheets.values.append",
}


class Collector:
    """Sees what leaves for the Sheets API."""

    def __init__(self) -> None:
        self.requests: list[PreparedRequest] = []

    def before(self, request: PreparedRequest) -> None:
        if "/v4/" in (request.url or ""):
            self.requests.append(request)

    def after(self, ticket: Any, response: Response | None, error: Exception | None) -> None:
        assert error is None


@pytest.fixture(scope="module")
def requests() -> Iterator[list[PreparedRequest]]:
    """What is sent when the commands are used in all their ways."""
    collector = Collector()
    with sheets_kit() as kit:
        desk = Desk(kit)
        http.watchers.append(collector)
        for text in (f"use {desk.link}#gid=1", "read", "read 'My tab'!A:C", "read a/b!A1"):
            desk.say(f"sheet {text}")
        for text in ("add a, 12.5,, =1", "set B2 007", "set B3 -5", 'set B2 ""', "set A2000 x"):
            desk.say(f"sheet {text}")
        http.watchers.remove(collector)
    yield collector.requests


@pytest.fixture(scope="module")
def sheets() -> Discovery:
    found = documents()
    if found is None:
        left_out("google-api-python-client")
    assert found is not None
    return Discovery(found["sheets"])


def method_of(request: PreparedRequest) -> str:
    values = "/values/" in urlsplit(request.url).path
    return METHODS[request.method or ""] if values else "sheets.spreadsheets.get"


def test_all_four_methods_are_used(requests):
    assert {method_of(one) for one in requests} == {"sheets.spreadsheets.get", *METHODS.values()}
    assert len(requests) >= 11  # two commands failed, and asked why


def test_every_request_is_one_that_google_describes(requests, sheets):
    for one in requests:
        method, url = sheets.method(method_of(one)), urlsplit(one.url)
        assert one.method == method["httpMethod"]
        assert url.path.endswith(":append") == (one.method == "POST")
        assert url.path.count("/") == method["flatPath"].count("/") + 1, "a range is one part"
        declared = method["parameters"] | sheets.document["parameters"]
        for name, (value,) in parse_qs(url.query).items():
            assert value in declared[name].get("enum", [value]), f"{name}={value}"
            assert declared[name]["type"] != "boolean" or value in ("true", "false")
            if name == "fields":
                assert sheets.unknown_fields(parse_fields(value), method["response"]) == []
        assert ("request" in method) == (one.body is not None)
        if one.body is not None:
            assert sheets.wrong(json.loads(one.body), method["request"]) == []


def test_writing_is_always_raw_and_asks_for_what_was_written(requests):
    writes = [one for one in requests if one.method != "GET"]
    for one in writes:
        query = parse_qs(urlsplit(one.url).query)
        assert query["valueInputOption"] == ["RAW"]
        assert query["includeValuesInResponse"] == ["true"]
        assert query.get("insertDataOption") == (["INSERT_ROWS"] if one.method == "POST" else None)
    values = [json.loads(one.body)["values"] for one in writes]
    assert values == [[["a", 12.5, "", "=1"]], [["007"]], [[-5]], [[""]], [["x"]]]


def test_the_tab_is_always_named_and_in_quotes(requests):
    ranges = [unquote(urlsplit(one.url).path.partition("/values/")[2]) for one in requests]
    named = [one for one in ranges if one]
    assert named[:3] == ["'My tab'!A1:AX1000", "'My tab'!A1:C1000", "'a/b'!A1"]
    assert named[3:5] == ["'My tab':append", "'My tab'!B2"]


def test_the_token_is_in_the_header_and_nowhere_else(requests):
    for one in requests:
        scheme, _, token = one.headers["Authorization"].partition(" ")
        assert scheme == "Bearer" and token not in f"{one.url} {one.body!r}"
