"""The report of the contract: what it says, what it leaves out, and what it never shows."""

from __future__ import annotations

from dataclasses import replace

from contract_world import examined, report_of, running

from botkit.oauth import Provider
from botkit.providers.contract import front_channel
from botkit.providers.contract.report import NOT_SEEN, said


def test_what_a_service_says_is_shown_only_where_it_is_a_plain_sentence():
    provider = Provider("Tea", "id", "s3cret", "", "", "", ())
    token = "tpa_0123456789abcdef"
    assert said(provider, "no_tea", "There is no tea.") == "It said no_tea: “There is no tea”."
    assert said(provider, None, "There is no tea.") == "It said “There is no tea”."
    assert said(provider, None, None) == ""
    for hidden in ("The s3cret is wrong.", f"Wrong: {token}", "a \x1b[31m b", "tea", "a " * 99, 7):
        assert said(provider, "no_tea", hidden) == "It said no_tea."
    assert said(provider, "<b>no tea</b>", "<" * 200) == "It said an unnamed error."


def test_what_is_found_wrong_does_not_hide_what_comes_after_it():
    with running("Teapot") as (provider, world):
        report = examined(replace(provider, account_id_field="id", scope_separator=" "), world)
    assert report.broken == ["scopes", "account"]
    assert "–" not in {line.mark for line in report.lines}


def test_a_provider_without_revocation_is_not_broken():
    with running("Teapot") as (provider, world):
        report = examined(replace(provider, revocation=None), world)
    assert report.kept
    assert report["revoke"].mark == "–"
    assert report.not_tried == ["revoke"]


def test_a_report_says_what_the_bot_will_call_the_account():
    with running("Teapot") as (provider, world):
        swapped = replace(provider, account_id_field="nickname", account_name_field="guest_id")
        report = examined(swapped, world)
    assert report["account"].text.startswith("The bot will call the account “tp-101”; its id there")


def test_a_report_says_at_its_end_what_it_cannot_see():
    assert " ".join(str(report_of("Teapot")).split()).endswith(f"· not seen {NOT_SEEN}")


def test_trouble_that_no_field_is_known_for_names_none(monkeypatch):
    monkeypatch.setattr(front_channel, "handle_callback", lambda *_: 1 / 0)
    assert report_of.__wrapped__("Teapot")["state"].text == "This ended in ZeroDivisionError."


def test_a_service_that_is_not_there_is_told_and_raises_nothing():
    with running("Teapot") as (provider, world):
        pass
    report = examined(provider, world)
    assert report.broken == ["deny", "callback", "API", "errors"]
    assert "cannot be reached" in report["deny"].text


def test_a_report_names_neither_secrets_nor_tokens():
    with running("Teapot") as (provider, world):
        for changes in ({}, {"client_auth": "body"}, {"client_secret": "another-secret-of-mine"}):
            text = repr(examined(replace(provider, **changes), world))
            assert provider.client_secret not in text
            assert "another-secret-of-mine" not in text
            assert "tpa_" not in text and "tpr_" not in text
