"""Answers that wait for a code: who may say it, how often, for how long, and who takes the rest."""

from __future__ import annotations

import pytest

from botkit.errors import StorageError
from botkit.storage import Authorization, CodeCheck, HeldAnswer, Service, Storage, do_job

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
PLACE = {"provider": "GitHub", "redirect_uri": "https://bot.example/github/oauth", "verifier": "v"}


def wait(storage: Storage, code: str, **who: str) -> Authorization:
    """An answer that waits for this code."""
    storage.add_authorization(f"state {code} {who}", **PLACE, **(ALICE | who))
    link = storage.claim_authorization(f"state {code} {who}", provider="GitHub")
    storage.hold_answer(link, {"code": code})
    return link


def held(code: str, **who: str) -> HeldAnswer:
    return HeldAnswer(provider="GitHub", **(ALICE | who), answer={"code": code})


def say(storage: Storage, *codes: str, **who: str) -> CodeCheck | None:
    person = ALICE | who
    person.pop("group_id")  # wherever the person says it
    awaited = storage.is_code_awaited(*person.values(), codes)
    found = storage.try_code(*person.values(), codes)
    assert awaited or found is None
    return found


def test_the_right_code_takes_its_answer_once_and_leaves_the_others(storage):
    wait(storage, "111111")
    wait(storage, "222222")
    assert say(storage, "222222") == CodeCheck(taken=held("222222"))
    assert say(storage, "222222") == CodeCheck(left=4)
    assert say(storage, "111111") == CodeCheck(taken=held("111111"))
    assert say(storage, "111111") is None


def test_a_code_may_be_said_wherever_the_bot_hears_the_person(storage):
    wait(storage, "111111")
    assert say(storage, "111111", group_id="direct").taken == held("111111")


def test_the_bots_of_two_companies_do_not_know_each_others_codes(storage):
    wait(storage, "111111")
    assert say(storage, "111111", bot_id="another") is None
    assert say(storage, "111111").taken == held("111111")


def test_a_code_that_somebody_else_says_is_used_up(storage):
    wait(storage, "111111")
    wait(storage, "222222")
    assert say(storage, "111111", user_id="mallory") == CodeCheck(foreign=[held("111111")])
    assert say(storage, "111111") == CodeCheck(left=4)
    assert say(storage, "222222").taken == held("222222")


def test_of_two_people_with_one_code_each_has_their_own(storage):
    wait(storage, "111111")
    wait(storage, "111111", user_id="bob")
    assert say(storage, "111111").taken == held("111111")
    assert say(storage, "111111", user_id="bob").taken == held("111111", user_id="bob")


def test_several_codes_together_confirm_nothing_and_are_no_try(storage):
    wait(storage, "111111")
    assert say(storage, "999999", "111111", "888888") is None
    assert say(storage, "999999", "999999") == CodeCheck(left=4)
    assert say(storage, "111111", "111111").taken == held("111111")


def test_among_several_codes_those_of_others_are_used_up(storage):
    for person in ("alice", "bob", "carol"):
        wait(storage, "111111", user_id=person)
    spoiled = say(storage, "222222", "111111", user_id="bob").foreign
    assert {one.user_id for one in spoiled} == {"alice", "carol"}
    assert say(storage, "111111", user_id="bob").taken == held("111111", user_id="bob")


def test_of_one_person_no_more_than_three_answers_wait_and_the_oldest_goes(storage, clock):
    for number in (1, 2, 3):
        wait(storage, f"{number}" * 6)
        clock.advance(seconds=1)
    wait(storage, "000000", user_id="bob")
    storage.add_authorization("one more", **PLACE, **ALICE)
    link = storage.claim_authorization("one more", provider="GitHub")
    assert storage.hold_answer(link, {"code": "444444"}) == [held("111111")]
    assert say(storage, "000000", user_id="bob").taken
    assert all(say(storage, code).taken for code in ("222222", "333333", "444444"))


def test_an_answer_that_waits_counts_among_those_of_its_account(storage):
    data = {"accessToken": "t", "account": {"id": "7", "name": "alice"}}
    same = Service(name="GitHub", data=data)
    assert not storage.shares_account(same, ["GitHub"])
    storage.add_authorization("state", **PLACE, **ALICE)
    link = storage.claim_authorization("state", provider="GitHub")
    storage.hold_answer(link, {"code": "111111", "data": data})
    assert storage.shares_account(same, ["GitHub"])
    assert not storage.shares_account(same, ["GitHub"], leaving={"bot_id": "bot"})
    assert say(storage, "111111").taken
    assert not storage.shares_account(same, ["GitHub"])


def test_the_fifth_wrong_code_ends_the_waiting(storage):
    wait(storage, "111111")
    assert [say(storage, "999999").left for _ in range(4)] == [4, 3, 2, 1]
    assert say(storage, "999999") == CodeCheck(spoiled=[held("111111")])
    assert say(storage, "111111") is None


def test_a_person_has_five_tries_in_all_whatever_waits(storage):
    wait(storage, "111111")
    for _ in range(3):
        say(storage, "999999")
    wait(storage, "222222")
    assert say(storage, "999999") == CodeCheck(left=1)
    spoiled = say(storage, "999999").spoiled
    assert sorted(one.answer["code"] for one in spoiled) == ["111111", "222222"]
    assert say(storage, "222222") is None


def test_wrong_codes_still_count_when_the_answer_they_were_meant_for_has_gone(storage, clock):
    wait(storage, "111111")
    for _ in range(3):
        say(storage, "999999")
    clock.advance(minutes=5)
    wait(storage, "222222")
    clock.advance(minutes=6)
    assert say(storage, "111111") == CodeCheck(left=1)


def test_the_tries_before_the_count_was_stored_are_none(storage):
    wait(storage, "111111")
    with storage._writing() as connection:
        connection.exec_driver_sql("UPDATE authorizations SET tries = NULL")
    assert say(storage, "999999") == CodeCheck(left=4)


def test_an_answer_waits_for_ten_minutes_from_the_moment_in_which_it_came(storage, clock):
    storage.add_authorization("state", **PLACE, **ALICE)
    clock.advance(minutes=9)
    link = storage.claim_authorization("state", provider="GitHub")
    storage.hold_answer(link, {"code": "111111"})
    clock.advance(minutes=9, seconds=59, milliseconds=999)
    assert storage.take_answers() == []
    assert say(storage, "999999").left == 4
    clock.advance(milliseconds=1)
    assert say(storage, "111111") is None
    assert storage.take_answers() == [held("111111")]
    assert storage.take_answers() == []


def test_an_answer_for_a_link_that_was_removed_is_refused(storage):
    link = wait(storage, "111111")
    storage.delete_group("bot", "team")
    with pytest.raises(StorageError, match="removed in the same moment"):
        storage.hold_answer(link, {"code": "111111"})


def test_the_answers_of_a_bot_or_a_chat_that_goes_are_taken_out_whatever_their_age(storage, clock):
    wait(storage, "111111")
    wait(storage, "222222", group_id="another")
    wait(storage, "333333", bot_id="another")
    clock.advance(minutes=5)
    assert storage.take_answers(bot_id="bot", group_id="team") == [held("111111")]
    wait(storage, "444444")
    taken = storage.take_answers(bot_id="bot")
    assert sorted(one.answer["code"] for one in taken) == ["222222", "444444"]
    assert storage.take_answers() == []  # the last one is of another bot, and not too old
    assert say(storage, "333333", bot_id="another").taken


def test_a_json_null_is_no_answer(storage):
    wait(storage, "111111")
    with storage._writing() as connection:
        connection.exec_driver_sql("UPDATE authorizations SET answer = 'null'")
    assert say(storage, "111111") is None and storage.take_answers(bot_id="bot") == []


# ---- counting and sweeping the links -----------------------------------------------------------


def test_links_that_may_still_be_used_are_counted(storage, clock):
    for number in range(3):
        storage.add_authorization(f"{number}", **PLACE, **ALICE)
    storage.add_authorization("other", **PLACE, **(ALICE | {"bot_id": "another"}))
    storage.claim_authorization("0", provider="GitHub")
    assert storage.count_waiting_links("bot") == 2
    clock.advance(minutes=9, seconds=59)
    assert storage.count_waiting_links("bot") == 2
    clock.advance(seconds=1)
    assert storage.count_waiting_links("bot") == 0


def test_links_are_forgotten_an_hour_after_their_end_but_never_an_answer_that_waits(storage, clock):
    storage.add_authorization("0", **PLACE, **ALICE)
    clock.advance(minutes=10)
    storage.add_authorization("1", **PLACE, **ALICE)
    wait(storage, "111111")
    clock.advance(hours=1)
    assert storage.sweep_links() == 0
    clock.advance(seconds=1)
    assert storage.sweep_links() == 1
    clock.advance(hours=5)
    assert storage.sweep_links() == 1
    assert storage.take_answers() == [held("111111")]
    assert storage.sweep_links() == 1  # its link, now that nothing waits


def test_the_job_that_deletes_an_answer_is_written_with_it_or_not_at_all(storage):
    link, jobs = wait(storage, "111111"), [do_job("expired", "1", seconds=60)]
    assert storage.messages.next_due(within=3600) == {}
    storage.hold_answer(link, {"code": "222222"}, jobs=jobs)
    assert list(storage.messages.next_due(within=3600)) == ["do"]
    storage.delete_group("bot", "team")
    with pytest.raises(StorageError):
        storage.hold_answer(link, {"code": "333333"}, jobs=[do_job("expired", "2")])
    assert storage.messages.next_due(within=30) == {}
