"""The RingCentral assistant's edits: what is sent, and that it tells what it has read back."""

from __future__ import annotations

import pytest
from assistant_world import (
    NOTIFICATIONS,
    PRESENCE,
    answer_next,
    calls,
    connect,
    last,
)

from botkit.skills.ringcentral.commands import normalize
from botkit.skills.ringcentral.edits import KINDS, PHRASES, Edit, read_edit

WHICH_STATUS = (
    "Your status can be Available, Busy or Offline. Say for example **set presence busy**."
)
ON_OR_OFF = "Say **do not disturb on** or **do not disturb off**."
WHICH_KIND = (
    "I can switch e-mail and SMS on or off for voicemail, missed calls, received faxes, sent faxes "
    "and texts. Say for example **email voicemail on** or **sms missed calls off**."
)


@pytest.fixture
def kit(connected):
    """Alice's settings as on the first day, and nothing left over from another test."""
    connected.world.ringcentral_app.trouble.clear()
    alice = connected.world.ringcentral_app.settings_of("Alice")
    before = alice.presence.copy(), {**alice.notifications}
    yield connected
    alice.presence, alice.notifications = before


def alice_of(kit):
    return kit.world.ringcentral_app.settings_of("Alice")


def edit(command):
    """The path, member and value of an edit; or what is said about a wrong one."""
    found = read_edit(normalize(command))
    return (found.path, found.member, found.value) if isinstance(found, Edit) else found


# ---- presence


@pytest.mark.parametrize("status", ["Available", "Busy", "Offline"])
def test_presence_is_set_and_read_back(kit, status):
    assert last(kit.alice.say(f"set presence {status}")) == f"Your status is now **{status}**."
    assert alice_of(kit).presence["userStatus"] == status
    assert f"* You have set: {status}" in last(kit.alice.say("presence"))


def test_do_not_disturb_is_set_and_read_back(kit):
    on = last(kit.alice.say("do not disturb on"))
    assert on == "Do not disturb is now **on (no call rings)**."
    assert alice_of(kit).presence["dndStatus"] == "DoNotAcceptAnyCalls"
    assert last(kit.alice.say("set presence available")) == (
        "Your status is now **Available**. Others see **Busy**."
    )
    off = last(kit.alice.say("do not disturb off"))
    assert off == "Do not disturb is now **off (all calls ring)**."
    assert alice_of(kit).presence["dndStatus"] == "TakeAllCalls"


def test_an_edit_looks_changes_and_looks_again(kit):
    before = len(calls(kit, PRESENCE.split("~")[-1]))
    kit.alice.say("set presence busy")
    methods = [one.method for one in calls(kit, "/presence")][before:]
    assert methods == ["GET", "PUT", "GET"]


# ---- notifications


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way, flag", [("email", "notifyByEmail"), ("sms", "notifyBySms")])
def test_a_notification_is_switched_and_all_others_stay(kit, way, flag, kind):
    alice_of(kit).notifications["smsEmailAddresses"] = ["alice@sms.example"]
    before = {**alice_of(kit).notifications}
    on = not before[kind][flag]
    said = last(kit.alice.say(f"{way} {KINDS[kind]} {'on' if on else 'off'}"))
    shown = {"email": "E-mail", "sms": "SMS"}[way]
    assert said == f"{shown} for {KINDS[kind]} is now **{'on' if on else 'off'}**."
    assert alice_of(kit).notifications == {**before, kind: {**before[kind], flag: on}}


def test_one_group_is_sent_whole_and_the_rest_not_at_all():
    found = read_edit("email voicemail off")
    before = {
        "uri": "https://platform.example/notification-settings",
        "emailAddresses": ["alice@practice.example"],
        "includeManagers": False,
        "voicemails": {"notifyByEmail": True, "includeAttachment": True},
        "missedCalls": {"notifyByEmail": True},
    }
    assert found.body(before) == {
        "voicemails": {"notifyByEmail": False, "includeAttachment": True},
        "includeManagers": False,  # RingCentral takes it for true when it is left out
    }
    assert found.body({}) == found.body({"voicemails": None, "includeManagers": "x"})
    assert found.body({}) == {"voicemails": {"notifyByEmail": False}}


def test_sms_that_goes_to_nobody_is_pointed_out(kit):
    nobody = "But there is no number yet to which it can go: set one at RingCentral."
    said = last(kit.alice.say("sms texts on"))
    assert said == f"SMS for texts is now **on**. {nobody}"
    assert last(kit.alice.say("sms texts off")) == "SMS for texts is now **off**."
    alice_of(kit).notifications |= {"advancedMode": True, "smsEmailAddresses": ["a@b.example"]}
    assert last(kit.alice.say("sms texts on")) == "SMS for texts is now **on**."  # not said where
    own = {"notifyBySms": False, "advancedSmsEmailAddresses": []}
    alice_of(kit).notifications["inboundTexts"] = own
    assert last(kit.alice.say("sms texts on")).endswith(nobody)


# ---- how it is said


@pytest.mark.parametrize(
    "text, meaning",
    [
        ("Set my presence to Busy!", "set presence busy"),
        ("change my status to offline", "set presence offline"),
        ("status available", "set presence available"),
        ("DND on", "do not disturb on"),
        ("please turn on do not disturb.", "do not disturb on"),
        ("switch do not disturb off", "do not disturb off"),
        ("E-mail for voicemail: off", "email voicemail off"),
        ("turn off SMS notifications for missed calls", "sms missed calls off"),
        ("Voicemails by e-mail on", "email voicemail on"),
        ("email faxes on", "email received faxes on"),
        ("email fax off", "email received faxes off"),
        ("sms sent fax on", "sms sent faxes on"),
    ],
)
def test_an_edit_may_be_said_in_other_words(text, meaning):
    assert isinstance(edit(meaning), tuple)
    assert edit(text) == edit(meaning)


def test_what_is_suggested_can_be_done():
    assert len(PHRASES) == 25
    assert len({edit(phrase) for phrase in PHRASES if isinstance(edit(phrase), tuple)}) == 25


@pytest.mark.parametrize(
    "text, hint",
    [
        ("set presence", WHICH_STATUS),
        ("set presence sleeping", WHICH_STATUS),
        ("set status", WHICH_STATUS),
        ("set presence busy offline", WHICH_STATUS),
        ("set presence on", WHICH_STATUS),
        ("set presence {'userStatus': 'Busy'}", WHICH_STATUS),
        ("do not disturb", ON_OR_OFF),
        ("do not disturb maybe", ON_OR_OFF),
        ("DND on off", ON_OR_OFF),
        ("email on", WHICH_KIND),
        ("sms off", WHICH_KIND),
        ("email pigeons on", WHICH_KIND),
        ("sms texts", WHICH_KIND),
        ("email sms voicemail on", WHICH_KIND),
        ("email voicemail", WHICH_KIND),
        ("email voicemail on; rm -rf /", None),
        ("set", None),
        ("set the table", None),
        ("presence sleeping", None),
        ("email me the report", None),
    ],
)
def test_a_wrong_edit_brings_one_hint_and_no_request(kit, text, hint):
    before = len(calls(kit))
    said = last(kit.alice.say(text))
    assert edit(text) == hint
    assert said == hint if hint else said.startswith("I did not understand that.")
    assert len(calls(kit)) == before


# ---- what is read back


def test_a_change_that_was_not_kept_is_told(kit, monkeypatch):
    monkeypatch.setattr(alice_of(kit), "change_presence", lambda sent: None)
    monkeypatch.setattr(alice_of(kit), "change_notifications", lambda sent: None)
    took = "RingCentral took the change, but says that"
    assert last(kit.alice.say("set presence offline")) == f"{took} your status is **Available**."
    said = last(kit.alice.say("do not disturb on"))
    assert said == f"{took} do not disturb is **off (all calls ring)**."
    said = last(kit.alice.say("sms voicemail on"))
    assert said == f"{took} SMS for voicemail is **off**."


@pytest.mark.parametrize("value", [None, 7, [], {}, "", "missing"])
def test_a_change_of_which_nothing_can_be_read_is_told(value):
    now = {} if value == "missing" else {"userStatus": value, "voicemails": value}
    unknown = "RingCentral took the change, but does not say what is set now."
    assert read_edit("set presence busy").outcome(now) == unknown
    assert read_edit("email voicemail on").outcome(now) == unknown
    assert read_edit("email voicemail on").outcome({"voicemails": {"notifyByEmail": 1}}) == unknown


def test_a_change_that_cannot_be_read_back_is_told(kit):
    alice = alice_of(kit)
    change = alice.change_presence

    def change_and_fail_next(sent):
        change(sent)
        answer_next(kit, "oops", path=PRESENCE, status=500)

    alice.change_presence = change_and_fail_next
    said = last(kit.alice.say("set presence busy"))
    del alice.change_presence
    assert said == (
        "I have sent the change, but cannot read back what is set now: "
        "RingCentral has a problem of its own (it answered 500)."
    )
    assert alice.presence["userStatus"] == "Busy"


def test_a_change_that_is_refused_is_told_and_not_made(kit, monkeypatch):
    from botkit.practice.ringcentral.settings import WrongValue

    def refuse(sent):
        raise WrongValue("userStatus")

    monkeypatch.setattr(alice_of(kit), "change_presence", refuse)
    said = last(kit.alice.say("set presence busy"))
    assert said == "RingCentral did not accept that (CMN-101). Nothing was changed."


def test_an_edit_is_made_for_the_one_who_asks(kit):
    connect(kit.bob, chat="Team")
    kit.bob.say("@bot set presence offline", chat="Team")
    kit.bob.say("@bot email texts off", chat="Team")
    bob = kit.world.ringcentral_app.settings_of("Bob")
    assert bob.presence["userStatus"] == "Offline"
    assert bob.notifications["inboundTexts"]["notifyByEmail"] is False
    assert alice_of(kit).presence["userStatus"] == "Available"
    assert alice_of(kit).notifications["inboundTexts"]["notifyByEmail"] is True
    assert calls(kit, NOTIFICATIONS, "PUT")
