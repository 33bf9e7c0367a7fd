"""The table of what differs among providers, made of their descriptions."""

from __future__ import annotations

from dataclasses import replace

from botkit import providers
from botkit.lessons.comparison import compare

GITHUB = providers.github("client-1", "secret-2", server="http://127.0.0.1:1234")
DRIVE = providers.google_drive("client-3", "secret-4")


def test_every_row_says_what_the_descriptions_say():
    rows = compare([GITHUB, DRIVE]).rows
    assert rows["1 authorize at"] == ["/login/oauth/authorize", "/o/oauth2/v2/auth"]
    assert rows["1 scopes"] == ["read:user", "drive.readonly userinfo.email"]
    assert rows["1 extra parameters"] == ["–", "access_type=offline prompt=consent"]
    assert rows["end: revoke with"] == [
        "DELETE /api/v3/applications/{client_id}/grant",
        "POST /revoke",
    ]


def test_it_names_the_rows_that_differ_and_no_other():
    other = replace(GITHUB, name="Other", token_url="http://127.0.0.1:1234/other", scopes=())
    assert compare([GITHUB, other]).different == ["1 scopes", "2 token from"]


def test_it_shows_neither_a_port_nor_an_id_nor_a_secret():
    table = compare([GITHUB, DRIVE])
    for shown in repr(table), table._repr_html_():
        for hidden in "1234", "client-", "secret-":
            assert hidden not in shown
    assert "<script>" not in compare([replace(GITHUB, name="<script>")])._repr_html_()


def test_as_text_its_columns_are_aligned():
    lines = repr(compare([GITHUB, DRIVE])).splitlines()
    assert (
        len({line.index(cell) for line, cell in zip(lines, ("GitHub", "/login"), strict=False)})
        == 1
    )
