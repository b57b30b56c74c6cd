"""Every key, and one line for everything that can be wrong with it."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.channels.kinds import KINDS
from bot.config import BadConfig, Config, read_config
from bot.desks.kinds import DESKS
from bot.places import Places
from bot.starter import example

ORG = '[org]\nname = "Neighbours"\n'


def read(folder: Path, text: str) -> Config:
    (folder / "config.toml").write_text(text, "utf-8")
    return read_config(folder / "config.toml")


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(BadConfig) as refused:
        read(folder, text)
    said = str(refused.value)
    assert "\n" not in said
    assert said.startswith(str(folder / "config.toml"))
    return said.removeprefix(str(folder / "config.toml")).lstrip(": ")


def test_only_a_name_is_needed(tmp_path: Path) -> None:
    config = read(tmp_path, ORG)
    assert config.database_url == f"sqlite:///{tmp_path / 'doorstep.db'}"
    assert (config.key_file, config.flows_folder) == (tmp_path / "doorstep.key", tmp_path / "flows")


def leaves(section: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in section.items():
        found |= leaves(value, (*path, key)) if isinstance(value, dict) else {(*path, key): value}
    return found


def test_the_example_writes_every_default_and_every_key() -> None:
    written = leaves(tomllib.loads(example()))
    defaults = leaves(Config.model_validate({"org": {"name": "Your group"}}).model_dump(exclude={"base"}))
    for path, value in written.items():
        default = defaults[path]
        assert value == (list(default) if isinstance(default, tuple) else default), path
    absent = {path for path in defaults if path[0] not in {"channels", "desks"}} - set(written)
    assert absent == set()


def test_every_channel_and_desk_of_the_example_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = re.sub(r"^# (\[|\w+ = )", r"\1", example(), flags=re.MULTILINE)
    text = text.replace('phone_number_id = ""', 'phone_number_id = "1"')
    text = text.replace('channel = ""', 'channel = "C1"').replace('chat = ""', 'chat = "-100"')
    for name in re.findall(r'"env:(\w+)"', text):
        begins = {"SLACK_BOT_TOKEN": "xoxb-", "SLACK_APP_TOKEN": "xapp-"}.get(name, "")
        monkeypatch.setenv(name, f"{begins}value of {name}")
    config = read(tmp_path, text)
    assert config.channels.telegram["main"].token == "value of TELEGRAM_TOKEN"
    assert config.channels.matrix["main"].homeserver == "https://matrix.example.org"
    assert config.desks.telegram is not None
    assert config.channels.slack["main"].app_token == "xapp-value of SLACK_APP_TOKEN"
    assert config.desks.slack is not None
    assert set(type(config.channels).model_fields) == set(KINDS)
    assert set(type(config.desks).model_fields) == set(DESKS)


def test_a_platform_may_have_several_accounts(tmp_path: Path) -> None:
    config = read(tmp_path, ORG + '[channels.telegram.north]\ntoken = "a"\n[channels.telegram.south]\ntoken = "b"\n')
    assert {name: each.token for name, each in config.channels.telegram.items()} == {"north": "a", "south": "b"}


def test_a_group_of_telegram_may_be_a_number_or_not_known_yet(tmp_path: Path) -> None:
    for written, chat in (("chat = -1001\n", "-1001"), ("", "")):
        desk = read(tmp_path, f'{ORG}[desks.telegram]\ntoken = "t"\n{written}').desks.telegram
        assert desk is not None
        assert desk.chat == chat


def test_a_group_names_its_own_districts_and_what_is_wrong_in_them_is_told_by_row(tmp_path: Path) -> None:
    ours, text = tmp_path / "ours.csv", ORG + 'time_zone = "Europe/London"\nplace = "Leeds"\ndistricts = "ours.csv"\n'
    ours.write_text("name,lat,lon,also\nHyde Park,53.81,-1.56,LS6\n", "utf-8")
    places = Places.of(read(tmp_path, text))
    assert [place.name for place in places.candidates("LS6")] == ["Hyde Park"]
    ours.write_text("name,lat,lon\nHyde Park,-151.56,53.81\n,1,1\n", "utf-8")
    told = complaint(tmp_path, text)
    assert told.startswith("[org] districts: ours.csv:2: lat: write degrees from -90 to 90: are lat and lon swapped?")
    assert "; ours.csv:3: name: write a name" in told


MATRIX = '[channels.matrix]\nhomeserver = "https://m.example"\nuser = "bot"\n'

WRONG = {
    "no way in": (ORG + MATRIX, "[channels.matrix] main: give either `password` or `access_token`"),
    "two ways in": (ORG + MATRIX + 'password = "p"\naccess_token = "t"\n', "[channels.matrix] main: give either"),
    "no name": ("", "the section [org] is missing: add it"),
    "empty name": ('[org]\nname = ""', "[org] `name`: it must not be empty"),
    "unknown section": (ORG + "[servers]\nport = 1", "`servers` is not known here (did you mean `server`?)"),
    "unknown key": (ORG + "[server]\nprot = 1", "[server] `prot` is not known here (did you mean `port`?)"),
    "misspelt name": ('[org]\nnmae = "x"', "[org] `nmae` is not known here (did you mean `name`?)"),
    "section as value": ("org = 3", "`org` is a section"),
    "weights as value": (ORG + "[pairing]\nweights = 3", "`weights` is a section: write [pairing.weights]"),
    "zone": (ORG + 'time_zone = "Madrid"', "[org] `time_zone`: `Madrid` is not a time zone"),
    "zone outside": (ORG + 'time_zone = "../../etc/passwd"', "[org] `time_zone`: "),
    "zone folder": (ORG + 'time_zone = "Europe"', "[org] `time_zone`: "),
    "blank name": ('[org]\nname = "  "', "[org] `name`: it must not be empty"),
    "no languages": (ORG + "languages = []", "[org] `languages`: it must not be empty"),
    "language": (ORG + 'languages = ["en", "Español!"]', "[org] `languages`: `Español!` is not a language"),
    "no districts": (ORG + 'districts = "ours.csv"', "[org] districts: ours.csv cannot be read: No such file"),
    "one language": (ORG + 'languages = "en"', '[org] `languages`: write a list, like ["en", "es"]'),
    "language number": (ORG + "languages = [3]", "[org] `languages`: "),
    "privacy": (ORG + 'privacy_url = "example.org"', "[org] `privacy_url`: `example.org` is not an address"),
    "url": (ORG + '[storage]\nurl = "mysql://x/y"', "[storage] `url`: write it like sqlite:///"),
    "no file": (ORG + '[storage]\nurl = "sqlite:///"', "[storage] `url`: "),
    "memory": (ORG + '[storage]\nurl = "sqlite:///:memory:"', "[storage] `url`: "),
    "no host": (ORG + '[storage]\nurl = "postgresql://user@host:many/name"', "[storage] `url`: "),
    "port": (ORG + "[server]\nport = 70000", "[server] `port`: "),
    "port word": (ORG + '[server]\nport = "eighty"', "[server] `port`: write a whole number, without quotes"),
    "public": (ORG + '[server]\npublic_url = "ftp://x"', "[server] `public_url`: "),
    "quiet": (ORG + '[reminders]\nquiet_hours = "night"', "[reminders] `quiet_hours`: `night` is not a span of hours"),
    "quiet in a zone": (ORG + '[reminders]\nquiet_hours = "21:00-08:00Z"', "[reminders] `quiet_hours`: `21:00-0"),
    "quiet in three": (ORG + '[reminders]\nquiet_hours = "21:00-08:00-09:00"', "[reminders] `quiet_hours`: `21:00-0"),
    "true cap": (ORG + "[reminders]\nweekly_cap = true", "[reminders] `weekly_cap`: write a number, without quotes"),
    "cap": (ORG + "[reminders]\nweekly_cap = -1", "[reminders] `weekly_cap`: it must be greater than"),
    "reach": (ORG + "[pairing]\nreach_km = 0", "[pairing] `reach_km`: "),
    "approval": (ORG + '[pairing]\napproval = "maybe"', "[pairing] `approval`: "),
    "answer": (ORG + '[pairing]\nanswer_within = "soon"', "[pairing] `answer_within`: `soon` is not a duration"),
    "days": (ORG + "[retention]\nmessage_days = 0", "[retention] `message_days`: "),
    "true days": (ORG + "[retention]\nmessage_days = true", "[retention] `message_days`: write a number"),
    "days without end": (ORG + f"[retention]\nmessage_days = {10**20}", "[retention] `message_days`: it must be less"),
    "no key": (ORG + '[storage]\nkey_file = ""', "[storage] `key_file`: it must not be empty"),
    "every address": (ORG + '[server]\nhost = ""', "[server] `host`: it must not be empty"),
    "nothing of a channel": (ORG + "[channels.telegram]", "[channels.telegram] `token` is missing: add it"),
    "a name for one of two": (
        ORG + '[channels.telegram]\ntoken = "t"\n[channels.telegram.north]\ntoken = "u"',
        "[channels] `telegram`: where there are several accounts each has a name",
    ),
    "an account twice": (
        ORG + '[channels.telegram.north]\ntoken = "t"\n[channels.telegram.south]\ntoken = "t"',
        "[channels.telegram.south] is the same account as north: take one of them out",
    ),
    "token": (ORG + '[channels.telegram]\nmode = "polling"', "[channels.telegram] `token` is missing: add it"),
    "empty token": (ORG + '[channels.telegram]\ntoken = ""', "[channels.telegram] `token`: "),
    "secret": (ORG + '[channels.telegram]\ntoken = "t"\nsecret = "ä"', "[channels.telegram] `secret`: Telegram takes"),
    "webhook": (ORG + '[channels.telegram]\ntoken = "t"\nmode = "webhook"', "[channels.telegram] main: a webhook"),
    "mode": (ORG + '[channels.telegram]\ntoken = "t"\nmode = "push"', "[channels.telegram] `mode`: it must be 'po"),
    "account": (ORG + '[channels.telegram.north]\ntokn = "t"', "[channels.telegram.north] `tokn` is not known here"),
    "base": (ORG + '[channels.slack]\nbot_token = "xoxb-t"\napi_base = "slack"', "[channels.slack] `api_base`: "),
    "bot token": (ORG + '[channels.slack]\nbot_token = "xapp-1"', "[channels.slack] `bot_token`: a bot's token begins"),
    "app token": (
        ORG + '[channels.slack]\nbot_token = "xoxb-1"\napp_token = "xoxb-1"', "[channels.slack] `app_token`: an app's"
    ),
    "no ears": (ORG + '[channels.slack]\nbot_token = "xoxb-1"', "[channels.slack] main: add app_token for Socket Mode"),
    "platform": (ORG + '[channels.sms]\ntoken = "t"', "[channels] `sms` is not known here"),
    "desk channel": (
        ORG + '[desks.slack]\nchannel = "#coordinators"', "[desks.slack] `channel`: `#coordinators` is not a"
    ),
    "desk's group": (
        ORG + '[desks.telegram]\ntoken = "t"\nchat = "@us"', "[desks.telegram] `chat`: `@us` is not a group's number"
    ),
    "one bot twice": (
        ORG + '[channels.telegram]\ntoken = "t"\n[desks.telegram]\ntoken = "t"',
        "[desks.telegram] `token`: that is the bot of [channels.telegram] main",
    ),
    "desk": (ORG + '[desks.slack]\nchannel = "C1"', "[desks.slack] uses the tokens of [channels.slack]"),
    "not toml": ("[org\nname", "this is not TOML"),
    "the base": ('base = "/"\n' + ORG, "`base` is not known here"),
    "one passphrase for both": (
        ORG + '[server]\npassphrase = "one"\nchat_passphrase = "one"', "[server] chat_passphrase: whoever chats would"
    ),
    "a chat alone": (ORG + '[server]\nchat_passphrase = "one"', "[server] chat_passphrase: nothing is served"),
    "env": (ORG + '[server]\npassphrase = "env:NOT_SET_AT_ALL"', "[server] `passphrase`: the environment has no"),
    "env in a channel": (ORG + '[channels.telegram]\ntoken = "env:NOT_SET_AT_ALL"', "[channels.telegram] `token`: the"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_one_line_with_file_section_and_key(tmp_path: Path, text: str, said: str) -> None:
    assert complaint(tmp_path, text).startswith(said)


def test_a_secret_never_stands_in_the_complaint(tmp_path: Path) -> None:
    assert "hunter2" not in complaint(tmp_path, ORG + '[channels.telegram]\ntoken = ["hunter2"]\n')


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"absent\.toml: cannot be read"):
        read_config(tmp_path / "absent.toml")


def test_a_file_that_windows_wrote_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf" + ORG.replace("\n", "\r\n").encode())
    assert read_config(tmp_path / "config.toml").org.name == "Neighbours"


def test_a_file_in_another_encoding_is_told_by_its_byte(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes('[org]\nname = "Grün"\n'.encode("latin-1"))
    with pytest.raises(BadConfig, match="byte 17 is not UTF-8 text: save the file as UTF-8"):
        read_config(tmp_path / "config.toml")


def test_a_number_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORSTEP_PORT", "8123")
    assert read(tmp_path, ORG + '[server]\nport = "env:DOORSTEP_PORT"\n').server.port == 8123
