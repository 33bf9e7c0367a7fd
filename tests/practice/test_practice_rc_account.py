"""The practice RingCentral's account API: what it tells, what it takes, and from whom."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chat_world import BotApp
from rc_world import ACCOUNT, ME, World, api_error

PRESENCE, NOTIFICATIONS = f"{ME}/presence", f"{ME}/notification-settings"
KINDS = ("voicemails", "inboundFaxes", "outboundFaxes", "inboundTexts", "missedCalls")
READ = [ACCOUNT, f"{ACCOUNT}/business-hours", ME, f"{ME}/business-hours", f"{ME}/caller-id"]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.fixture
def token(world: World) -> str:
    return str(world.connect()["access_token"])


def put(world: World, token: str, path: str, **fields: Any) -> dict[str, Any]:
    answer = world.call(token, path, "PUT", json=fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


# ---- reading -----------------------------------------------------------------------------------


def test_the_company_has_number_operator_plans_and_region(world: World, token: str) -> None:
    company = world.get(token, ACCOUNT)
    assert (company["id"], company["mainNumber"]) == (2100000, "+16505550100")
    operator = company["operator"]
    assert (operator["id"], operator["extensionNumber"]) == (2101002, "102")
    service = company["serviceInfo"]
    assert service["brand"]["name"] == "RingCentral"
    assert service["brand"]["homeCountry"]["isoCode"] == "US"
    assert service["servicePlan"].keys() == {"id", "name", "edition"}
    plan = service["billingPlan"]
    assert (plan["duration"], plan["durationUnit"], plan["type"]) == (1, "Month", "Regular")
    assert company["regionalSettings"]["homeCountry"]["name"] == "United States"
    assert (company["status"], company["setupWizardState"]) == ("Confirmed", "Completed")
    week = world.get(token, f"{ACCOUNT}/business-hours")["schedule"]["weeklyRanges"]
    assert set(week) == {"monday", "tuesday", "wednesday", "thursday", "friday"}
    assert week["friday"] == [{"from": "08:00", "to": "18:00"}]


def test_a_person_has_an_extension_with_region_and_features(world: World, token: str) -> None:
    me = world.get(token)
    assert (me["id"], me["extensionNumber"], me["name"]) == (2101001, "101", "Alice Rivera")
    assert (me["type"], me["status"], me["account"]["id"]) == ("User", "Enabled", "2100000")
    assert me["contact"]["email"] == "alice@practice.example"
    assert me["permissions"]["admin"] == {"enabled": True}
    region = me["regionalSettings"]
    assert region.keys() == {
        "homeCountry",
        "timezone",
        "language",
        "greetingLanguage",
        "formattingLocale",
        "timeFormat",
    }
    assert region["timezone"]["name"] == "US/Pacific"
    features = {one["featureName"]: one for one in me["serviceFeatures"]}
    assert features["SMS"] == {"featureName": "SMS", "enabled": True}
    assert features["InternationalCalling"] == {
        "featureName": "InternationalCalling",
        "enabled": False,
        "reason": "ServicePlanLimitation",
    }


def test_a_person_has_hours_and_a_caller_id(world: World, token: str) -> None:
    week = world.get(token, f"{ME}/business-hours")["schedule"]["weeklyRanges"]
    assert week["monday"] == [{"from": "09:00", "to": "17:30"}]
    of_bob = world.connect("Bob")["access_token"]
    assert world.get(of_bob, f"{ME}/business-hours")["schedule"] == {}  # around the clock
    caller = world.get(token, f"{ME}/caller-id")
    (device,) = caller["byDevice"]
    assert device["device"].keys() == {"id", "name"}
    assert device["callerId"]["phoneInfo"]["phoneNumber"] == "+16505550101"
    by_feature = {one["feature"]: one["callerId"]["type"] for one in caller["byFeature"]}
    assert (by_feature["RingOut"], by_feature["FaxNumber"]) == ("PhoneNumber", "Blocked")
    assert caller["extensionNameForOutboundCalls"] is True


@pytest.mark.parametrize("path", [*READ[2:], PRESENCE, NOTIFICATIONS])
def test_every_person_sees_their_own(world: World, path: str) -> None:
    tokens = [world.connect(who)["access_token"] for who in ("Alice", "Bob", "Mallory")]
    seen = [world.get(token, path) for token in tokens]
    assert all(one != other for i, one in enumerate(seen) for other in seen[i + 1 :])
    assert all("uri" in one and one["uri"].startswith(world.server.url) for one in seen)


def test_a_lesson_can_read_and_change_what_the_api_tells(world: World, token: str) -> None:
    world.chat.settings_of("Alice").extension["regionalSettings"]["greetingLanguage"]["name"] = "X"
    region = world.get(token)["regionalSettings"]
    assert (region["greetingLanguage"]["name"], region["language"]["name"][:7]) == ("X", "English")
    world.chat.company["mainNumber"] = "+16505550199"
    assert world.get(token, ACCOUNT)["mainNumber"] == "+16505550199"
    with pytest.raises(ValueError, match="nobody called 'Eve'"):
        world.chat.settings_of("Eve")
    fresh = World()
    assert fresh.chat.company["mainNumber"] == "+16505550100"
    fresh.close()


# ---- changing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "seen_by_others"),
    [
        ({"userStatus": "Busy"}, "Busy"),
        ({"userStatus": "Offline"}, "Offline"),
        ({"dndStatus": "DoNotAcceptAnyCalls"}, "Busy"),
        ({"message": "back at five 🐙", "allowSeeMyPresence": False}, "Available"),
        ({}, "Available"),
    ],
)
def test_presence_changes_by_field_and_comes_back_as_it_is_now(
    world: World, token: str, change: dict[str, Any], seen_by_others: str
) -> None:
    before = world.get(token, PRESENCE)
    assert (before["userStatus"], before["dndStatus"]) == ("Available", "TakeAllCalls")
    assert (before["presenceStatus"], before["telephonyStatus"]) == ("Available", "NoCall")
    assert before["extension"]["extensionNumber"] == "101"
    after = put(world, token, PRESENCE, **change)
    assert after == before | change | {"presenceStatus": seen_by_others}
    assert world.get(token, PRESENCE) == after
    of_bob = world.get(world.connect("Bob")["access_token"], PRESENCE)
    assert (of_bob["userStatus"], of_bob["message"]) == ("Busy", "")


def test_department_calls_can_be_refused_only_by_who_is_in_a_department(world: World) -> None:
    change = {"dndStatus": "DoNotAcceptDepartmentCalls"}
    of_bob, of_alice = (world.connect(who)["access_token"] for who in ("Bob", "Alice"))
    assert put(world, of_bob, PRESENCE, **change)["dndStatus"] == "DoNotAcceptDepartmentCalls"
    answer = world.call(of_alice, PRESENCE, "PUT", json=change)
    assert api_error(answer) == (400, "CMN-101", "dndStatus")


def test_notifications_are_merged_field_by_field(world: World, token: str) -> None:
    before = world.get(token, NOTIFICATIONS)
    for kind in KINDS:
        assert (before[kind]["notifyByEmail"], before[kind]["notifyBySms"]) == (True, False)
    assert before["emailAddresses"] == ["alice@practice.example"]
    after = put(world, token, NOTIFICATIONS, missedCalls={"notifyBySms": True}, unknown={"x": 1})
    assert after == before | {"missedCalls": {"notifyByEmail": True, "notifyBySms": True}}
    put(world, token, NOTIFICATIONS, voicemails={"notifyByEmail": False}, smsPhoneNumbers=["+1"])
    stored = world.chat.settings_of("Alice").notifications
    assert stored["voicemails"]["notifyByEmail"] is False
    assert stored["voicemails"]["includeAttachment"] is True
    assert stored["smsPhoneNumbers"] == ["+1"]


@pytest.mark.parametrize(
    ("path", "sent", "parameter"),
    [
        (PRESENCE, {"userStatus": "busy"}, "userStatus"),
        (PRESENCE, {"userStatus": None}, "userStatus"),
        (PRESENCE, {"userStatus": ["Busy"]}, "userStatus"),
        (PRESENCE, {"userStatus": {"Busy": 1}}, "userStatus"),
        (PRESENCE, {"userStatus": "Busy", "dndStatus": "Unknown"}, "dndStatus"),
        (PRESENCE, {"dndStatus": ["TakeAllCalls"]}, "dndStatus"),
        (PRESENCE, {"userStatus": "Busy", "message": 5}, "message"),
        (PRESENCE, {"allowSeeMyPresence": 1}, "allowSeeMyPresence"),
        (NOTIFICATIONS, {"missedCalls": {"notifyBySms": "yes"}}, "missedCalls.notifyBySms"),
        (NOTIFICATIONS, {"missedCalls": True}, "missedCalls"),
        (NOTIFICATIONS, {"advancedMode": True, "emailAddresses": "a@b"}, "emailAddresses"),
        (NOTIFICATIONS, {"emailAddresses": ["a@b", 1]}, "emailAddresses"),
    ],
)
def test_a_wrong_value_is_named_and_changes_nothing(
    world: World, token: str, path: str, sent: dict[str, Any], parameter: str
) -> None:
    before = world.get(token, path)
    assert api_error(world.call(token, path, "PUT", json=sent)) == (400, "CMN-101", parameter)
    assert world.get(token, path) == before


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b'"Busy"', b"null", b"[" * 99999], ids=len)
def test_a_body_that_is_no_object_is_refused(world: World, token: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = world.browser.put(world.server.url + PRESENCE, data=body, headers=headers)
    assert api_error(answer)[:2] == (400, "CMN-101")


def test_changes_of_different_fields_at_the_same_time_all_stay(world: World, token: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        for kind in KINDS:
            pool.submit(put, world, token, NOTIFICATIONS, **{kind: {"notifyBySms": True}})
    now = world.get(token, NOTIFICATIONS)
    assert [kind for kind in KINDS if not now[kind]["notifyBySms"]] == []


# ---- limits, and who may ask -------------------------------------------------------------------


def test_reading_is_light_and_changing_is_medium(world: World, token: str) -> None:
    for path in (*READ, PRESENCE, NOTIFICATIONS):
        headers = world.call(token, path).headers
        assert (headers["X-Rate-Limit-Group"], headers["X-Rate-Limit-Limit"]) == ("Light", "50")
    for path in (PRESENCE, NOTIFICATIONS):
        headers = world.call(token, path, "PUT", json={}).headers
        assert (headers["X-Rate-Limit-Group"], headers["X-Rate-Limit-Limit"]) == ("Medium", "40")


def test_without_a_persons_token_nobody_learns_anything(world: World) -> None:
    for path in (*READ, PRESENCE, NOTIFICATIONS):
        assert api_error(world.call("made up", path)) == (401, "OAU-213", None)
        assert api_error(world.browser.get(world.server.url + path)) == (401, "AGW-401", None)


def test_the_bots_token_still_says_who_the_bot_is_and_opens_nobodys_account(world: World) -> None:
    app = BotApp()
    world.chat.install_bot(app.server.url + "/bot/oauth")
    app.server.stop()
    token = app.tokens[0]["access_token"]
    assert world.get(token)["type"] == "Bot"
    for path in (ACCOUNT, PRESENCE, NOTIFICATIONS):
        assert api_error(world.call(token, path)) == (403, "CMN-401", None)
