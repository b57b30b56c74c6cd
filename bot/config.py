"""The configuration file: every key, its default, and one clear sentence for everything wrong with it."""

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError

from bot import districts
from bot.complaints import sentence
from bot.districts import District
from flows.pages import nearest
from flows.times import QuietHours, duration

_LANGUAGE = re.compile("[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")

_ACCOUNT = {
    "telegram": ("token",), "slack": ("bot_token",), "whatsapp": ("phone_number_id",), "matrix": ("homeserver", "user"),
}  # fmt: skip
"""What makes an account of each platform this one and no other."""

LONGEST_KEPT = 36_500
"""Days: a hundred years. Nobody means to keep anything longer, and calendars end."""

MOST_NEWCOMERS = 10_000
"""Nobody has so many at once."""


class BadConfig(Exception):
    """The configuration cannot be used; the message says what, where and how to mend it, in one line."""


class Section(BaseModel):
    """One section: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _web_address(value: str) -> str:
    if value and not (value.startswith(("https://", "http://")) and _parsed(value)):
        raise ValueError(f"`{value}` is not an address; write it like https://example.org")
    return value


def _parsed(url: str) -> str:
    """The host of an address; "" where it has none, or cannot be read."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    return host or "" if port != 0 else ""


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("float_type", "a number")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
Needed = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
Count = Annotated[int, BeforeValidator(_no_truth)]
Number = Annotated[float, BeforeValidator(_no_truth)]


class Org(Section):
    """The group."""

    name: Needed
    bot_name: Needed = "Doorstep"
    time_zone: str = "UTC"
    place: str = ""
    districts: str = ""
    languages: tuple[str, ...] = Field(default=("en",), min_length=1)
    privacy_url: WebAddress = ""
    contact: str = ""

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            return str(ZoneInfo(value))
        except (KeyError, ValueError, OSError):
            raise ValueError(f"`{value}` is not a time zone; write it like Europe/Madrid") from None

    @field_validator("languages")
    @classmethod
    def _codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for code in value:
            if not _LANGUAGE.fullmatch(code):
                raise ValueError(f"`{code}` is not a language; write its code, like es or pt-BR")
        return value


class Storage(Section):
    """Where everything is kept."""

    url: str = "sqlite:///doorstep.db"
    key_file: Needed = "doorstep.key"

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        kind, _, rest = value.partition("://")
        file = kind == "sqlite" and rest.startswith("/") and rest.strip("/") and ":memory:" not in rest
        if not file and not (kind == "postgresql" and (_parsed(value) or "host=" in rest)):
            raise ValueError("write it like sqlite:///doorstep.db or postgresql://user@host/name")
        return value


class Flows(Section):
    """The folder with library/, languages/ and dialogs/."""

    folder: str = "flows"


class Server(Section):
    """The web server. Without a passphrase it serves only health and metrics."""

    host: Needed = "127.0.0.1"
    port: Count = Field(default=8000, ge=0, le=65535)
    public_url: WebAddress = ""
    passphrase: str = ""
    chat_passphrase: str = ""

    @field_validator("passphrase", "chat_passphrase")
    @classmethod
    def _whole(cls, value: str) -> str:
        from bot.passphrase import readable

        if not readable(value):
            raise ValueError("this begins like a hash and is none: take all that `doorstep passphrase` prints")
        return value


class Telegram(Section):
    """A Telegram bot."""

    token: Needed
    api_base: WebAddress = "https://api.telegram.org"
    mode: Literal["polling", "webhook"] = "polling"
    secret: str = ""

    @field_validator("secret")
    @classmethod
    def _header(cls, value: str) -> str:
        if not re.fullmatch("[A-Za-z0-9_-]{0,256}", value):
            raise ValueError("Telegram takes at most 256 of the signs A-Z a-z 0-9 _ - here")
        return value


class Slack(Section):
    """A Slack app: by Socket Mode with an app token, called by Slack with a signing secret."""

    bot_token: Needed
    app_token: str = ""
    signing_secret: str = ""
    api_base: WebAddress = "https://slack.com/api/"

    @field_validator("bot_token")
    @classmethod
    def _of_a_bot(cls, value: str) -> str:
        if not value.startswith("xoxb-"):
            raise ValueError("a bot's token begins with xoxb-; take it from OAuth & Permissions")
        return value

    @field_validator("app_token")
    @classmethod
    def _of_an_app(cls, value: str) -> str:
        if value and not value.startswith("xapp-"):
            raise ValueError("an app's token begins with xapp-; take it from Basic Information, App-Level Tokens")
        return value


class WhatsApp(Section):
    """A phone number of the WhatsApp Cloud API."""

    phone_number_id: Needed
    token: Needed
    app_secret: Needed
    verify_token: Needed
    api_base: WebAddress = "https://graph.facebook.com"
    template: str = ""
    template_language: Needed = "en"
    business_account_id: str = ""


class Matrix(Section):
    """A Matrix account; with a bridge it is the bridge's."""

    homeserver: Annotated[WebAddress, Field(min_length=1)]
    user: Needed
    password: str = ""
    access_token: str = ""
    bridge: Literal["", "whatsapp", "signal"] = ""


class SlackDesk(Section):
    """Where coordinators work in Slack; uses the Slack channel's tokens."""

    channel: Needed

    @field_validator("channel")
    @classmethod
    def _number(cls, value: str) -> str:
        if not re.fullmatch("[CG][A-Z0-9]+", value):
            raise ValueError(
                f"`{value}` is not a channel's id, like C0123456789: in Slack it stands below a channel's details"
            )
        return value


class TelegramDesk(Section):
    """Where coordinators work in Telegram: a bot of its own in a group. It tells there what `chat` is to be."""

    token: Needed
    chat: str = ""
    api_base: WebAddress = "https://api.telegram.org"

    @field_validator("chat", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        written = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(written, str) and not re.fullmatch(r"(-\d+)?", written):
            raise ValueError(
                f"`{value}` is not a group's number, like -1001234567890: leave it out, and write /doorstep in the "
                "group where the bot is; it says the number"
            )
        return written


class Pairing(Section):
    """Who is introduced to whom."""

    reach_km: Number = Field(default=25, gt=0)
    capacity: Count = Field(default=3, ge=1, le=MOST_NEWCOMERS)
    approval: Literal["none", "coordinator"] = "none"
    answer_within: str = "24 hours"
    minimum_age: Count = Field(default=18, ge=0)
    weights: dict[str, Annotated[Number, Field(ge=0, allow_inf_nan=False)]] = {}

    @field_validator("weights")
    @classmethod
    def _rules(cls, value: dict[str, float]) -> dict[str, float]:
        from bot.pairing.rules import SOFT

        known = [rule.__name__ for rule in SOFT]
        for name in value:
            if name not in known:
                raise ValueError(f"there is no rule `{name}` ({nearest(name, known)})")
        return value

    @field_validator("answer_within")
    @classmethod
    def _duration(cls, value: str) -> str:
        if duration(value) is None:
            raise ValueError(f"`{value}` is not a duration; write it like 24 hours")
        return value


class Reminders(Section):
    """When nobody is written to, and how often at most."""

    quiet_hours: str = "21:00-08:00"
    weekly_cap: Count = Field(default=4, ge=0)

    @field_validator("quiet_hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        try:
            QuietHours.read(value)
        except ValueError:
            raise ValueError(f"`{value}` is not a span of hours; write it like 21:00-08:00") from None
        return value


class Retention(Section):
    """How long things are kept."""

    message_days: Count = Field(default=30, ge=1, le=LONGEST_KEPT)
    quiet_person_days: Count = Field(default=365, ge=1, le=LONGEST_KEPT)


class Channels(Section):
    """The accounts of each platform, by name; the one that has none is called `main`."""

    telegram: dict[str, Telegram] = {}
    slack: dict[str, Slack] = {}
    whatsapp: dict[str, WhatsApp] = {}
    matrix: dict[str, Matrix] = {}

    @field_validator("*", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        named = [isinstance(each, dict) for each in value.values()] if isinstance(value, dict) else [True]
        if any(named) and not all(named):
            raise ValueError("where there are several accounts each has a name: give this one one too")
        return value if any(named) else {"main": value}


class Desks(Section):
    """Where coordinators work."""

    slack: SlackDesk | None = None
    telegram: TelegramDesk | None = None


class Config(Section):
    """The whole configuration. `base` is the folder that relative paths start from."""

    org: Org
    storage: Storage = Storage()
    flows: Flows = Flows()
    server: Server = Server()
    channels: Channels = Channels()
    desks: Desks = Desks()
    pairing: Pairing = Pairing()
    reminders: Reminders = Reminders()
    retention: Retention = Retention()
    base: Path = Path()

    @property
    def database_url(self) -> str:
        """The database's address, a relative SQLite path made whole."""
        url = self.storage.url
        if not url.startswith("sqlite:///"):
            return url
        return f"sqlite:///{self.base / url.removeprefix('sqlite:///')}"

    @property
    def key_file(self) -> Path:
        """The group's key."""
        return self.base / self.storage.key_file

    @property
    def flows_folder(self) -> Path:
        """The folder of the flows."""
        return self.base / self.flows.folder

    def own_districts(self) -> tuple[District, ...]:
        """The group's own names of places, read from its file. Raises as `bot.districts.read` does."""
        return districts.read(self.base / self.org.districts) if self.org.districts else ()


def read_config(file: Path) -> Config:
    """The configuration in a file, with every `env:NAME` looked up. Raises BadConfig."""
    try:
        written = tomllib.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise BadConfig(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadConfig(f"{file}: byte {error.start + 1} is not UTF-8 text: save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{file}: this is not TOML: {error}") from None
    if "base" in written:
        raise BadConfig(f"{file}: `base` is not known here")
    try:
        config = Config.model_validate({**_looked_up(written, str(file)), "base": file.resolve().parent})
    except ValidationError as error:
        raise BadConfig(f"{file}: {sentence(error, Config)}") from None
    _check_passphrases(file, config.server)
    _check_desks(file, config)
    _check_accounts(file, config.channels)
    _check_districts(file, config)
    for name, each in config.channels.slack.items():
        if not each.app_token and not each.signing_secret:
            raise BadConfig(
                f"{file}: [channels.slack] {name}: add app_token for Socket Mode, or signing_secret where Slack calls "
                "this server"
            )
    for name, matrix in config.channels.matrix.items():
        if bool(matrix.password) == bool(matrix.access_token):
            raise BadConfig(f"{file}: [channels.matrix] {name}: give either `password` or `access_token`")
    hooked = next((name for name, each in config.channels.telegram.items() if each.mode == "webhook"), None)
    if hooked is not None and not config.server.public_url.startswith("https://"):
        raise BadConfig(f"{file}: [channels.telegram] {hooked}: a webhook needs [server] public_url, with https://")
    return config


def _check_passphrases(file: Path, server: Server) -> None:
    if server.chat_passphrase and not server.passphrase:
        raise BadConfig(f"{file}: [server] chat_passphrase: nothing is served without a passphrase: add `passphrase`")
    if server.chat_passphrase and server.chat_passphrase == server.passphrase:
        raise BadConfig(f"{file}: [server] chat_passphrase: whoever chats would open the desk too: take another one")


def _check_desks(file: Path, config: Config) -> None:
    if config.desks.slack and not config.channels.slack:
        raise BadConfig(f"{file}: [desks.slack] uses the tokens of [channels.slack], which is missing: add it")
    if config.desks.telegram:
        same = (name for name, each in config.channels.telegram.items() if each.token == config.desks.telegram.token)
        if (account := next(same, None)) is not None:
            raise BadConfig(
                f"{file}: [desks.telegram] `token`: that is the bot of [channels.telegram] {account}; make another one "
                "with @BotFather"
            )


def _check_accounts(file: Path, channels: Channels) -> None:
    for kind, keys in _ACCOUNT.items():
        known: dict[tuple[str, ...], str] = {}
        for name, account in getattr(channels, kind).items():
            other = known.setdefault(tuple(getattr(account, key) for key in keys), name)
            if other != name:
                what = f"[channels.{kind}.{name}] is the same account as {other}"
                raise BadConfig(f"{file}: {what}: take one of them out")


def _check_districts(file: Path, config: Config) -> None:
    try:
        config.own_districts()
    except OSError as error:
        raise BadConfig(f"{file}: [org] districts: {config.org.districts} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadConfig(f"{file}: [org] districts: {'; '.join(str(error).splitlines())}") from None


def _looked_up(written: Any, where: str, key: str = "") -> Any:
    if isinstance(written, dict):
        inside = f"{where} [{key}]" if "[" not in where else f"{where[:-1]}.{key}]"
        return {name: _looked_up(value, inside if key else where, name) for name, value in written.items()}
    if isinstance(written, list):
        return [_looked_up(value, where, key) for value in written]
    if isinstance(written, str) and written.startswith("env:"):
        name = written.removeprefix("env:")
        if name not in os.environ:
            raise BadConfig(f"{where} `{key}`: the environment has no `{name}`: set it")
        return os.environ[name]
    return written
