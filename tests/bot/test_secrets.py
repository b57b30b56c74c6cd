"""What a configuration holds that nobody may read: in no log line of any level, no page, no complaint, no traceback."""

import base64
import io
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from bot.config import BadConfig, read_config
from tests.bot.channels.test_contract import logged  # noqa: F401 - a fixture
from tests.bot.channels.test_telegram_run import telegram
from tests.bot.channels.test_whatsapp_run import whatsapp
from tests.bot.running import PASSPHRASE, finished, free_port, running_here, write_config
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.whatsapp import APP_SECRET, TOKEN, VERIFY, WhatsAppServer
from tests.bot.test_killed import CHAIN
from tests.waiting import PATIENCE, until

CANARY = "Canary7Kz"
MOST_DOWN = 5
NOWHERE = "http://127.0.0.1:9"
SECRETS = (f"1:{CANARY}one", f"2:{CANARY}two", f"3:{CANARY}desk", f"xoxb-{CANARY}", f"xapp-{CANARY}", f"{CANARY}signs")


def sections(one: TelegramServer, two: WhatsAppServer, three: SlackServer, port: int) -> str:
    """Every channel and desk: of each platform an account that works, or one whose platform refuses it, or is away."""
    away = f'api_base = "{NOWHERE}'
    hidden = f'app_secret = "{CANARY}app"\nverify_token = "{CANARY}verify"\n{away}"'
    return "\n".join([
        telegram(one, SECRETS[0], "main"),
        telegram(one, SECRETS[1], "wrong"),
        f'[channels.telegram.hook]\ntoken = "4:{CANARY}"\nmode = "webhook"\nsecret = "{CANARY}hook"\n{away}"',
        f'[desks.telegram]\ntoken = "{SECRETS[2]}"\nchat = "-1001"\napi_base = "{one.url}"',
        whatsapp(two, port).replace("[channels.whatsapp]", "[channels.whatsapp.main]"),
        f'[channels.whatsapp.away]\nphone_number_id = "7"\ntoken = "{CANARY}meta"\n{hidden}',
        f'[channels.slack.main]\nbot_token = "{SECRETS[3]}"\napp_token = "{SECRETS[4]}"\napi_base = "{three.url}"',
        f'[channels.slack.south]\nbot_token = "{SECRETS[3]}2"\nsigning_secret = "{SECRETS[5]}"\n{away}/"',
        f'[channels.matrix]\nhomeserver = "{NOWHERE}"\nuser = "@bot:example.org"\npassword = "{CANARY}matrix"',
    ])  # fmt: skip


def forms(secret: str) -> Iterator[str]:
    """The secret as it is, as an address has it, and as a header does."""
    yield from (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("="))


@pytest.fixture
async def answers(tmp_path: Path, migrated: Path, logged: io.StringIO) -> AsyncIterator[list[str]]:  # noqa: F811
    """What anybody and a member get from a bot on all of this, while people write, turns break and others try to."""
    async with TelegramServer() as one, WhatsAppServer() as two, SlackServer() as three:
        port, bot = free_port(), one.bot(SECRETS[0])
        one.bot(SECRETS[2])
        three.app(SECRETS[3], app_token=SECRETS[4])
        shutil.copy(migrated, tmp_path / "d.db")
        more = sections(one, two, three, port)
        file = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port, {"chain": CHAIN}, more)
        written = file.read_text().replace("[server]", '[server]\npublic_url = "https://bot.example"')
        file.write_text(written.replace(PASSPHRASE, f"{CANARY} door"))
        shown: list[str] = []

        async def keep(answer: httpx.Response) -> None:
            await answer.aread()
            shown.append(f"{answer.headers}{answer.text}")

        async with (
            running_here(file),
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", verify=False, timeout=PATIENCE, event_hooks={"response": [keep]}
            ) as http,
        ):
            ana = bot.chat(7, "Ana")
            ana.say("hello")
            two.person("447700900001", "Ben").say("hello")
            await until(lambda: ana.sent and bot.calls)
            for passphrase in ("a guess", f"{CANARY} door"):
                for path in ("/", "/desk", "/healthz", "/metrics", "/enter", "/nowhere", "/chat/messages"):
                    await http.get(path)
                for path in ("/whatsapp/main", "/whatsapp/away", "/telegram/hook", "/slack/south", "/chat/open"):
                    await http.post(path, content=b"{}", headers={"X-Telegram-Bot-Api-Secret-Token": "wrong"})
                await http.get("/whatsapp/away", params={"hub.mode": "subscribe", "hub.verify_token": "wrong"})
                await http.post("/enter", data={"passphrase": passphrase})
            await until(lambda: logged.getvalue().count("is down") >= MOST_DOWN)
            await http.get("/readyz")
        yield shown


async def test_no_log_line_and_no_page_tells_a_secret_of_the_configuration(
    tmp_path: Path,
    answers: list[str],
    logged: io.StringIO,  # noqa: F811
) -> None:
    key = (tmp_path / "doorstep.key").read_bytes()
    secrets = [CANARY, APP_SECRET, TOKEN, VERIFY, key.decode("latin-1").strip(), key.hex(), repr(key)]
    lines = logged.getvalue()
    assert "is down" in lines
    assert len(answers) > 25
    for secret in secrets:
        for form in forms(secret):
            assert form not in lines, next(line for line in lines.splitlines() if form in line)
            assert not [each for each in answers if form in each]


WRONG = {
    "bot_token": f'[channels.slack]\nbot_token = "{CANARY}"\napp_token = "xapp-1"',
    "app_token": f'[channels.slack]\nbot_token = "xoxb-1"\napp_token = "{CANARY}"',
    "a list": f'[channels.telegram]\ntoken = ["{CANARY}"]',
    "a section": f'[channels.telegram]\ntoken = {{a = "{CANARY}"}}',
    "secret": f'[channels.telegram]\ntoken = "1:a"\nsecret = "{CANARY} é"',
    "the desk's": f'[channels.telegram]\ntoken = "1:{CANARY}"\n[desks.telegram]\ntoken = "1:{CANARY}"',
    "neither of two": f'[channels.matrix]\nhomeserver = "https://x.example"\nuser = "@a:b"\npassword = "{CANARY}"\n'
    f'access_token = "{CANARY}"',
    "cut hash": f'[server]\npassphrase = "$argon2id${CANARY}"',
    "url": f'[storage]\nurl = "postgres://bot:{CANARY}@127.0.0.1/x"',
    "port": f'[storage]\nurl = "postgresql://bot:{CANARY}@127.0.0.1:port/x"',
    "no quotes": f"[channels.telegram]\ntoken = {CANARY}",
    "no end": f'[channels.telegram]\ntoken = "{CANARY}',
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_configuration_is_said_without_the_secret_in_it(tmp_path: Path, what: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[org]\nname = "Neighbours"\n{WRONG[what]}\n')
    with pytest.raises(BadConfig) as refused:
        read_config(file)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("command", ["stats", "migrate"])
async def test_a_command_that_cannot_reach_the_database_does_not_tell_its_password(
    tmp_path: Path, command: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[org]\nname = "N"\n[storage]\nurl = "postgresql://bot:{CANARY}@127.0.0.1:9/x"\n')
    code, out, err = await finished(command, "--config", str(file))
    assert code != 0
    assert err
    assert CANARY not in out + err
