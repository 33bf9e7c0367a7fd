"""The assistant when something is wrong: refusals, nonsense, the end of a connection."""

from __future__ import annotations

import copy

import pytest
from assistant_world import ME, PRESENCE, answer_next, assistant_kit, last

from botkit.oauth import http
from botkit.skills.ringcentral.facts import FACTS

LOST = (
    "I can no longer act for you at RingCentral: your permission has expired or was taken back. "
    "I have removed the connection. [Connect your RingCentral account](http"
)
PATIENCE = "Nothing is wrong with your connection."
LATER = "Please try again in a moment."


@pytest.fixture(scope="module")
def running():
    kit = assistant_kit()
    yield kit
    kit.close()


@pytest.fixture
def kit(running):
    """Alice is connected, and all is well."""
    running.world.ringcentral_app.trouble.clear()
    running.alice.say("connect ringcentral")
    running.alice.browser.visit(running.alice.link).approve()
    running.alice.reads()
    return running


def rows(kit):
    return kit.storage.find_services(bot_id=kit.bot_id)


# ---- the connection ends


@pytest.mark.parametrize("command", ["presence", "set presence busy", "email voicemail off"])
def test_a_revoked_grant_is_told_its_row_removed_and_a_new_link_sent(kit, command):
    kit.world.ringcentral_app.revoke("Alice")
    assert last(kit.alice.say(command)).startswith(LOST)
    assert rows(kit) == []
    kit.alice.browser.visit(kit.alice.link).approve()
    assert "I now act for **Alice Rivera**" in last(kit.alice.reads())
    assert last(kit.alice.say("presence")).startswith("Your presence:")


def test_a_grant_that_was_not_used_for_a_week_is_told_in_the_same_way(kit):
    (row,) = rows(kit)
    kit.storage.update_service(row.id, {"expiresAt": "2020-01-01T00:00:00+00:00"})
    answer_next(kit, {"error": "invalid_grant"}, path="/restapi/oauth/token", status=400)
    assert last(kit.alice.say("presence")).startswith(LOST)
    assert rows(kit) == []


def test_without_a_refresh_token_the_end_of_the_access_token_is_the_end(kit):
    (row,) = rows(kit)
    kit.storage.update_service(row.id, {"refreshToken": None})
    kit.world.ringcentral_app.expire_everything()
    assert last(kit.alice.say("presence")).startswith(LOST)
    assert rows(kit) == []


def test_an_expired_access_token_is_refreshed_and_nobody_notices(kit):
    kit.world.ringcentral_app.expire_everything()
    assert last(kit.alice.say("presence")).startswith("Your presence:")
    assert len(rows(kit)) == 1


def test_who_has_connected_again_meanwhile_keeps_the_new_connection(kit):
    (row,) = rows(kit)
    (skill,) = kit.bot.services
    kit.storage.update_service(row.id, {"accessToken": "newer"})
    skill._delete_refused(row)
    assert [one.access_token for one in rows(kit)] == ["newer"]
    kit.storage.update_service(row.id, {"needsReconnect": True})
    skill._delete_refused(row)
    skill._delete_refused(row)
    assert rows(kit) == []


def test_a_row_of_the_original_bot_is_found_and_used(kit):
    (row,) = rows(kit)
    token = {
        "access_token": row.access_token,
        "refresh_token": row.refresh_token,
        "token_type": "bearer",
        "expires_in": 3600,
        "owner_id": kit.world.ringcentral.person("Alice").id,
    }
    kit.storage.delete_service(row)
    old = {"id": token["owner_id"], "token": token}
    place = {"bot_id": row.bot_id, "group_id": row.group_id, "user_id": row.user_id}
    kit.storage.save_service("RingCentral", **place, data=old)
    assert last(kit.alice.say("time zone")).startswith("Your time zone: US/Pacific")
    kit.world.ringcentral_app.expire_everything()
    assert last(kit.alice.say("time zone")).startswith("Your time zone: US/Pacific")
    assert last(kit.alice.say("disconnect")).startswith("Disconnected. RingCentral has forgotten")


# ---- RingCentral says no, or nothing that makes sense


def refusal(code, message):
    reason = {"errorCode": code, "message": message}
    return reason | {"errors": [reason]}


USER = "In order to call this API endpoint, user needs to have [%s] permission."
APP = "In order to call this API endpoint, application needs to have [%s] permission."
ADMIN = "Your company's administrator at RingCentral must allow it."
DENIED = "RingCentral does not allow you to do that"


@pytest.mark.parametrize(
    "body, sentence",
    [
        (
            refusal("CMN-408", USER % "ReadPresenceStatus"),
            f"{DENIED}: the permission ReadPresenceStatus is missing. {ADMIN}",
        ),
        (
            {"errors": [{"errorCode": "CMN-408", "permissionName": "ReadCompanyInfo"}]},
            f"{DENIED}: the permission ReadCompanyInfo is missing. {ADMIN}",
        ),
        (
            refusal("CMN-401", APP % "ReadPresence"),
            "This bot's app is not allowed to do that at RingCentral: the permission ReadPresence "
            "is missing. The owner of this bot must give the app that permission.",
        ),
        (refusal("CMN-408", USER % "see http://evil.example"), f"{DENIED}. {ADMIN}"),
        (refusal("CMN-408", USER % ("x" * 5000)), f"{DENIED}. {ADMIN}"),
        ({"errorCode": None, "message": None, "errors": [None, 7, {}]}, f"{DENIED}. {ADMIN}"),
        ("<html>", f"{DENIED}. {ADMIN}"),
    ],
)
def test_a_missing_permission_is_told_with_who_can_give_it(kit, body, sentence):
    answer_next(kit, body, path=PRESENCE, status=403)
    assert last(kit.alice.say("presence")) == sentence
    assert len(rows(kit)) == 1


@pytest.mark.parametrize(
    "status, body, sentence",
    [
        (500, "oops", f"RingCentral has a problem of its own (it answered 500). {LATER}"),
        (502, "", f"RingCentral has a problem of its own (it answered 502). {LATER}"),
        (200, "<html>", f"RingCentral sent an answer that cannot be read. {LATER}"),
        (200, '{"userStatus": "Bu', f"RingCentral sent an answer that cannot be read. {LATER}"),
        (200, "[1]", f"RingCentral sent an answer that cannot be read. {LATER}"),
        (200, "", f"RingCentral sent an answer that cannot be read. {LATER}"),
        (404, "", "RingCentral has nothing like that for your extension."),
        (429, "", f"RingCentral asks us to wait. {PATIENCE} Try again in a minute."),
    ],
)
def test_trouble_at_ringcentral_is_told_in_one_sentence(kit, status, body, sentence):
    answer_next(kit, body, path=PRESENCE, status=status)
    assert last(kit.alice.say("presence")) == sentence
    assert last(kit.alice.say("presence")).startswith("Your presence:")


def test_a_penalty_is_told_with_its_length(kit):
    answer_next(kit, "", PRESENCE, 429, **{"Retry-After": "60"})
    said = last(kit.alice.say("presence"))
    assert said == f"RingCentral asks us to wait 60 seconds. {PATIENCE} Try again after that."


def test_silence_is_told(kit, monkeypatch):
    monkeypatch.setattr(http, "TOTAL_SECONDS", 2.0)
    kit.world.ringcentral_app.trouble.next(path=PRESENCE, delay=30)
    said = last(kit.alice.say("set presence busy"))
    kit.world.ringcentral_app.trouble.clear()
    assert said == f"RingCentral did not answer in time. {LATER}"


def test_without_an_extension_number_the_name_is_said(kit):
    kit.alice.say("connect ringcentral")
    answer_next(kit, {"id": 2101001, "name": "Alice [x](http://evil)"}, path=ME)  # step 2 asks
    answer_next(kit, "oops", path=ME, status=500)  # and then the skill
    kit.alice.browser.visit(kit.alice.link).approve()
    assert last(kit.alice.reads()) == (
        "Connected to RingCentral: I now act for **Alice ［x］(http://evil)**. "
        "Say **help ringcentral** to see what you can ask."
    )


# ---- answers with gaps, and with strange things in them


def answers(kit):
    """What the practice RingCentral answers to each question, by path."""
    (row,) = rows(kit)
    (skill,) = kit.bot.services
    with skill.api(row) as api:
        return {fact.path: api.get(fact.path).json() for fact in FACTS}


def variations(answer):
    """The answer with each of its parts in turn left out, or replaced by something else."""
    places = [answer]
    for place in places:
        inner = place.values() if isinstance(place, dict) else place
        places += [one for one in inner if isinstance(one, dict | list)]
        for name in list(place) if isinstance(place, dict) else range(len(place)):
            kept = place[name]
            for other in (None, 7, -1.5, True, "[x](http://evil)\n**", [], {}, [None], [[]]):
                place[name] = other
                yield answer
            del place[name]
            yield answer
            place.insert(name, kept) if isinstance(place, list) else place.update({name: kept})


def test_whatever_is_missing_or_strange_in_an_answer_a_sentence_comes_out(kit):
    seen = 0
    for fact in FACTS:
        original = answers(kit)[fact.path]
        assert fact.wording(original, False)
        for variation in variations(copy.deepcopy(original)):
            for others in (True, False):
                said = fact.wording(variation, others)
                assert said.startswith(("Your ", "Services ")) and "None" not in said
                assert "[x]" not in said and len(said) < 5000
                seen += 1
    assert seen > 5000


@pytest.mark.parametrize("body", ['{"uri": "x"}', '{"uri": "x", "schedule": null, "contact": 7}'])
def test_where_nothing_is_set_it_says_so(kit, body):
    for fact in FACTS:
        answer_next(kit, body)
        assert last(kit.alice.say(fact.command)).endswith(": not set."), fact.command


def test_a_list_that_never_ends_is_cut(kit):
    features = [{"featureName": f"Feature{n}", "enabled": n % 2 == 0} for n in range(5000)]
    answer_next(kit, {"serviceFeatures": features}, path=ME)
    assert last(kit.alice.say("available services")).endswith("and 2400 more.")
    answer_next(kit, {"serviceFeatures": features}, path=ME)
    assert last(kit.alice.say("unavailable services")).endswith("* and 2400 more")
    answer_next(kit, {"name": "y" * 20_000}, path=ME)
    assert len(last(kit.alice.say("personal info"))) < 400
