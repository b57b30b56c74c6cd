"""What is read from events and of rooms, without a homeserver."""

from typing import Any

import pytest

from bot.channels.matrix_bridge import Portal, event_name, plain_name, portal, speaks, unrelayed
from bot.channels.matrix_heard import Heard, heard
from bot.channels.matrix_rooms import Rooms
from flows.model import Said

Json = dict[str, Any]


def event(content: Any, kind: str = "m.room.message", **more: Any) -> Json:
    return {"type": kind, "event_id": "$1", "sender": "@ana:s", "origin_server_ts": 1000, "content": content, **more}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"msgtype": "m.text", "body": "hello"}, Said("hello")),
        ({"msgtype": "m.emote", "body": "waves"}, Said("waves")),
        ({"msgtype": "m.notice", "body": "beep"}, None),
        ({"msgtype": "m.file", "body": "a.pdf", "url": "mxc://s/1"}, Said("")),
        ({"msgtype": "m.image", "body": "me", "filename": "1.jpg", "url": "mxc://s/1"}, Said("me", photo="mxc://s/1")),
        ({"msgtype": "m.text", "body": "> <@b:s> ?\n\nLeeds", "m.relates_to": {"m.in_reply_to": {}}}, Said("Leeds")),
        ({"msgtype": "m.text", "body": "> quoted by hand"}, Said("> quoted by hand")),
        ({"msgtype": "m.text", "body": 7}, Said("")),
        ({"msgtype": "m.text", "body": "🛑\ufe0f"}, Said("/stop")),
        ({"msgtype": "m.text", "body": "🛑 the bulldozers"}, Said("🛑 the bulldozers")),
        ({"msgtype": "m.text", "body": "x", "m.relates_to": "odd"}, Said("x")),
        ({"msgtype": "m.key.verification.request", "body": "?"}, None),
        ({}, None),
        (None, None),
    ],
)  # fmt: skip
def test_what_was_said_is_read_and_nothing_else(content: Any, said: Said | None) -> None:
    read = heard(event(content))
    assert (read.said if read else None) == said


@pytest.mark.parametrize(
    ("key", "said"), [("🛑", Said("/stop")), ("🛑\ufe0f", Said("/stop")), ("👍", None), (7, None), (None, None)]
)
def test_of_reactions_one_is_heard(key: Any, said: Said | None) -> None:
    read = heard(event({"m.relates_to": {"rel_type": "m.annotation", "event_id": "$0", "key": key}}, "m.reaction"))
    assert (read.said if read else None) == said


@pytest.mark.parametrize(
    ("uri", "point"),
    [
        ("geo:53.79648,-1.54785", (53.79648, -1.54785)),
        ("geo:53.8,-1.5;u=35", (53.8, -1.5)),
        ("geo:53.8,-1.5,70", (53.8, -1.5)),
        ("geo:153.8,-1.5", None),
        ("https://elsewhere.example", None),
        (7, None),
    ],
)
def test_a_point_is_read_where_there_is_one(uri: Any, point: tuple[float, float] | None) -> None:
    read = heard(event({"msgtype": "m.location", "body": "53.79648 -1.54785", "geo_uri": uri}))
    assert read is not None
    assert (read.point, read.said) == (point, Said())


def test_state_and_a_time_that_nobody_wrote_at_are_not_believed() -> None:
    assert heard(event({"msgtype": "m.text", "body": "x"}, state_key="")) is None
    read = heard(event({"msgtype": "m.text", "body": "x"}, origin_server_ts=10**18))
    assert read is not None
    assert read.at == 0


BY_PHONE = Portal("@whatsappbot:s", "4917@s.whatsapp.net", "4930", direct=True)
BY_HIDDEN_ID = Portal("@whatsappbot:s", "98@lid", "4930", direct=True)
ON_SIGNAL = Portal("@signalbot:s", "a1-b2", "c3-d4", direct=True)


@pytest.mark.parametrize(
    ("user", "where", "bridge", "is_them"),
    [
        ("@whatsapp_4917:s", BY_PHONE, "whatsapp", True),
        ("@whatsapp_lid-98:s", BY_PHONE, "whatsapp", True),
        ("@whatsapp_4930:s", BY_PHONE, "whatsapp", False),
        ("@whatsapp_4917:elsewhere", BY_PHONE, "whatsapp", False),
        ("@ana:s", BY_PHONE, "whatsapp", False),
        ("@whatsappbot:s", BY_PHONE, "whatsapp", False),
        ("@whatsapp_lid-98:s", BY_HIDDEN_ID, "whatsapp", True),
        ("@whatsapp_lid-11:s", BY_HIDDEN_ID, "whatsapp", False),
        ("@whatsapp_4917:s", BY_HIDDEN_ID, "whatsapp", True),
        ("@signal_a1-b2:s", ON_SIGNAL, "signal", True),
        ("@signal_c3-d4:s", ON_SIGNAL, "signal", False),
    ],
)
def test_in_a_portal_only_the_ghost_of_the_other_one_speaks(
    user: str, where: Portal, bridge: str, is_them: bool
) -> None:
    assert speaks(user, where, bridge) is is_them


def test_a_portal_of_another_bridge_or_a_group_is_no_chat_with_a_person() -> None:
    info = {"bridgebot": "@b:s", "protocol": {"id": "whatsapp"}, "channel": {"id": "1@g.us"}}
    read = portal(info, "whatsapp")
    assert read is not None
    assert not read.direct
    assert portal(info, "signal") is None
    assert portal({}, "whatsapp") is None
    direct = portal({**info, "channel": {"id": "1@lid"}, "com.beeper.room_type.v2": "dm"}, "whatsapp")
    assert direct is not None
    assert direct.direct


@pytest.mark.parametrize(
    ("shown", "name"), [("Ana (WA)", "Ana"), ("+49 170 123 (WA)", ""), ("Ana (Leeds)", "Ana (Leeds)"), ("Ana", "Ana")]
)
def test_a_ghosts_name_is_without_what_the_bridge_adds(shown: str, name: str) -> None:
    assert plain_name(shown) == name


@pytest.mark.parametrize(
    ("text", "markup", "words", "name"),
    [
        ("*Ana*: 2", "<strong>Ana</strong>: 2", "2", "Ana"),
        ("Ana & Co: 2", "<b>Ana &amp; Co</b>: 2", "2", "Ana & Co"),
        ("*Sat*: yes", "", "*Sat*: yes", ""),
        ("Ana: 2", "", "Ana: 2", ""),
    ],
)
def test_only_a_name_as_a_relay_writes_it_is_taken_off(text: str, markup: str, words: str, name: str) -> None:
    said, relayed = unrelayed(Heard("$1", "@g:s", 1, Said(text), markup=markup))
    assert (said.said.text, relayed) == (words, name)


def test_the_same_words_at_the_same_time_have_one_name_and_others_have_their_own() -> None:
    one = Heard("$1", "@whatsapp_1:s", 1000, Said("yes"))
    assert event_name(one) == event_name(Heard("$2", "@whatsapp_lid-1:s", 1000, Said("yes")))
    others = [
        Heard("$1", "@g:s", 2000, Said("yes")),
        Heard("$1", "@g:s", 1000, Said("no")),
        Heard("$1", "@g:s", 1000, Said("yes"), edits="$0"),
        Heard("$1", "@g:s", 1000, Said("yes", photo="mxc://s/1")),
        Heard("$1", "@g:s", 1000, Said("yes"), point=(1.0, 2.0)),
    ]
    assert len({event_name(each) for each in [one, *others]}) == 6


def member(user: str, membership: str = "join") -> Json:
    return {"type": "m.room.member", "state_key": user, "content": {"membership": membership}}


def test_a_room_is_for_one_person_until_another_comes_and_empty_once_they_have_left() -> None:
    rooms = Rooms("")
    rooms.me = "@bot:s"
    for events, crowded, empty in (
        ([member("@bot:s"), member("@ana:s")], False, False),
        ([member("@ben:s", "invite")], True, False),
        ([member("@ben:s", "leave")], False, False),
        ([member("@ana:s", "leave")], False, True),
    ):
        rooms.learn({"rooms": {"join": {"!r:s": {"timeline": {"events": events}}}}})
        room = rooms.joined["!r:s"]
        assert (rooms.crowded(room), rooms.empty(room)) == (crowded, empty)
    assert rooms.shared_with("@ana:s") == []
