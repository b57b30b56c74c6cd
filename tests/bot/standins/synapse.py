"""A real Synapse on a loopback port: one for all tests of a process, begun by the first that needs it.

People, bots and a bridge are made over its application service interface: an account costs one request, and a bridge's
ghosts speak there as mautrix/go makes them speak.
"""

import hmac
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx

from tests.bot.running import free_port
from tests.waiting import PATIENCE

SERVER = "localhost"
"""The part of every id behind the colon."""

AS_TOKEN = "as-token-of-the-bridge"
SHARED_SECRET = "a-shared-secret"

_MEMORY = Path("/dev/shm")
_PLENTY = {"per_second": 100_000, "burst_count": 100_000}
_begun: list["Synapse"] = []

Json = dict[str, Any]


def synapse() -> "Synapse":
    """The one of this process. `end` ends it."""
    if not _begun:
        # In memory where there is such a place: it waits for the disk at each event.
        _begun.append(Synapse(Path(mkdtemp(prefix="doorstep-synapse-", dir=_MEMORY if _MEMORY.is_dir() else None))))
    return _begun[0]


def end() -> None:
    """Ends the one of this process, where there is one."""
    while _begun:
        _begun.pop().kill()


class Synapse:
    """A homeserver of its own, in a folder that is removed with it."""

    def __init__(self, folder: Path) -> None:
        self.folder, port = folder, free_port()
        self.url = f"http://127.0.0.1:{port}"
        (folder / "service.yaml").write_text(json.dumps(_service()))
        (folder / "homeserver.yaml").write_text(json.dumps(_config(folder, port)))
        begin = [sys.executable, "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]
        subprocess.run([*begin, "--generate-keys"], cwd=folder, check=True, capture_output=True)
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(begin, cwd=folder, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, (folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "Synapse does not come up"
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/_matrix/client/versions", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def register(self, name: str, password: str) -> None:
        """An account with a password, as a homeserver's admin makes it (Synapse, shared-secret registration)."""
        address = f"{self.url}/_synapse/admin/v1/register"
        nonce = httpx.get(address).json()["nonce"]
        words = "\0".join((nonce, name, password, "notadmin")).encode()
        body = {"nonce": nonce, "username": name, "password": password, "admin": False}
        answer = httpx.post(address, json={**body, "mac": hmac.digest(SHARED_SECRET.encode(), words, "sha1").hex()})
        assert answer.status_code == 200, answer.text

    def kill(self) -> None:
        """Ends it at once: nothing of it is needed any more."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Hands:
    """Acts in the names of people and ghosts. It waits for each answer: who asks what is shown wants to know now."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=30, headers={"Authorization": f"Bearer {AS_TOKEN}"})
        self._sent = 0

    def ask(self, method: str, path: str, user: str = "", body: Any = None, **query: str) -> Json:
        """The answer; fails where it is no."""
        params = {**query, "user_id": user} if user else query
        answer = self.client.request(method, f"/_matrix/client/v3/{path}", params=params, json=body)
        assert answer.status_code == 200, (method, path, answer.text)
        read: Json = answer.json()
        return read

    def join_server(self, name: str, shown: str = "", *, device: bool = False) -> Json:
        """A new account; its token and device, where it is to have one."""
        body = {"type": "m.login.application_service", "username": name, "inhibit_login": not device}
        made = self.ask("POST", "register", body=body)
        if shown:
            user = f"@{name}:{SERVER}"
            self.ask("PUT", f"profile/{user}/displayname", user, {"displayname": shown})
        return made

    def create_room(self, user: str, *invited: str, state: list[Json] | None = None, **more: Any) -> str:
        """A private room of theirs."""
        body = {"preset": "trusted_private_chat", "invite": list(invited), "initial_state": state or []} | more
        return str((self.ask("POST", "createRoom", user, body))["room_id"])

    def send(self, user: str, room: str, content: Mapping[str, Any], kind: str = "m.room.message", **query: str) -> str:
        """They send this; the event's id."""
        self._sent += 1
        path = f"rooms/{room}/send/{kind}/hands-{id(self)}-{self._sent}"
        return str((self.ask("PUT", path, user, content, **query))["event_id"])

    def say(self, user: str, room: str, text: str, **query: str) -> str:
        """They write this."""
        return self.send(user, room, {"msgtype": "m.text", "body": text}, **query)

    def state(self, user: str, room: str, kind: str, content: Json, key: str = "") -> None:
        """They change the room."""
        self.ask("PUT", f"rooms/{room}/state/{kind}/{key}", user, content)

    def messages(self, user: str, room: str) -> list[Json]:
        """All events of a room, oldest first, as they see them now."""
        events: list[Json] = []
        place = ""
        while True:
            page = self.ask(
                "GET", f"rooms/{room}/messages", user, dir="f", limit="500", **({"from": place} if place else {})
            )
            events += page["chunk"]
            place = page.get("end", "")
            if not place:
                return events


def _config(folder: Path, port: int) -> Json:
    rates = ("rc_message", "rc_registration", "rc_admin_redaction", "rc_media_create", "rc_room_creation", "rc_reports")
    return {
        "server_name": SERVER,
        "listeners": [{
            "bind_addresses": ["127.0.0.1"], "port": port, "type": "http", "tls": False, "x_forwarded": False,
            "resources": [{"names": ["client"], "compress": False}],
        }],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "media_store_path": str(folder / "media"),
        "signing_key_path": str(folder / "signing.key"),
        "registration_shared_secret": SHARED_SECRET,
        "macaroon_secret_key": "m", "form_secret": "f",
        "report_stats": False, "trusted_key_servers": [],
        "app_service_config_files": [str(folder / "service.yaml")],
        # The least that bcrypt has: nothing here is worth guarding.
        "bcrypt_rounds": 4,
        "presence": {"enabled": False},
        **dict.fromkeys(rates, _PLENTY),
        "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), _PLENTY),
        "rc_joins": {"local": _PLENTY, "remote": _PLENTY},
        "rc_joins_per_room": _PLENTY,
        "rc_invites": dict.fromkeys(("per_room", "per_user", "per_issuer"), _PLENTY),
    }  # fmt: skip


def _service() -> Json:
    return {
        "id": "bridge", "url": None, "as_token": AS_TOKEN, "hs_token": "hs-token", "sender_localpart": "whatsappbot",
        "rate_limited": False,
        "namespaces": {"users": [{"exclusive": False, "regex": ".*"}], "aliases": [], "rooms": []},
    }  # fmt: skip
