"""What people look at in the practice Google: their files, and which apps have access to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
import requests
from google_world import CALLBACK, World, text_of


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_the_home_page_lists_the_files_of_whoever_looks(world: World) -> None:
    world.google.trash(world.google.add_file("alice", "Old.txt"))
    world.google.add_file("bob", "Not yours.txt")
    page = text_of(world.browser.get(world.server.url))
    assert "Old.txt in the trash" in page and "My bot" in page
    assert "Not yours.txt" not in page
    assert "Not yours.txt" in text_of(world.browser.get(f"{world.server.url}/?login_hint=bob"))


def test_the_connections_page_shows_what_was_granted_and_takes_it_back(world: World) -> None:
    token, url = world.token(), f"{world.server.url}/connections"
    assert "See and download all of your Google Drive files" in text_of(world.browser.get(url))
    assert "No app has access" in text_of(world.browser.get(f"{url}?login_hint=bob"))
    page = world.browser.post(url, data={"project": "practice-project"})
    assert [step.status_code for step in page.history] == [303]
    assert "No app has access" in text_of(page)
    assert world.call(token, "GET", "/drive/v3/files").status_code == 401


def test_a_file_and_a_sheet_have_pages_that_only_their_owner_sees(world: World) -> None:
    google, evil = world.google, "<script>alert('x')</script>"
    file = google.add_file("alice", evil)
    book = google.spreadsheet_file(google.add_spreadsheet("alice", "Plans"))
    google.type_cells(book.id, "B2", [["=1+2", evil]])
    shown = [world.browser.get(google.link(each)) for each in (file, book)]
    assert evil in text_of(shown[0])
    assert f"A B C 1 2 3 {evil}" in text_of(shown[1])
    for each in (file, book):
        stranger = requests.get(google.link(each), params={"login_hint": "bob"})
        assert stranger.status_code == 404


def test_the_pages_carry_no_inline_script_or_style_and_only_relative_links(world: World) -> None:
    name = "<script>alert('x')</script>"
    world.google.change_redirect_uris(world.client_id, [CALLBACK])
    evil_id, _ = world.google.register_client(name, [CALLBACK])
    world.decide(client_id=evil_id)
    file = world.google.add_file("alice", name)
    book = world.google.add_spreadsheet("alice", name, [name])
    paths = ["/", "/connections", "/nowhere<script>", f"/file/d/{file.id}/view"]
    paths.append(f"/spreadsheets/d/{book}/edit")
    pages = [world.browser.get(world.server.url + path) for path in paths]
    pages.append(world.open(client_id=evil_id, prompt="consent"))
    for page in pages:
        assert "<script" not in page.text and "style=" not in page.text
        assert not re.search(r"""(href|src|action)=["'](/|https?:)""", page.text)
        links = re.findall(r'rel="stylesheet" href="([^"]+)"', page.text)
        sheets = [requests.get(urljoin(page.url, link)) for link in links]
        kinds = [sheet.headers["Content-Type"].split(";")[0] for sheet in sheets]
        assert kinds == ["text/css", "text/css"]
