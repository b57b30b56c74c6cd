"""Every command that shows, takes or changes what is people's leaves a line in the audit trail; no other does."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import roles
from flows.reader import STARTER
from storage import schema
from storage.audit import ORGANIZER
from storage.tables import AUDIT
from storage.transaction import Transaction
from tests.bot.commands.given import config, kept
from tests.bot.running import finished

WORDS = "the blue door"
MORE = f'passphrase = "{WORDS}"\n[flows]\nfolder = "{STARTER}"\n'

AUDITED = {
    "people list": "listed everybody",
    "people contact": "looked at somebody's contact details",
    "people import": "imported 1 people",
    "stats --person": "read somebody's story",
    "send": "looked who welcome would go to",
    "move": "moved",
    "forget": "forgot somebody",
    "export": "exported everything",
    "import": "imported everything",
    "backup": "made a backup",
    "restore": "restored a backup",
    "keys rotate": "rotated the keys",
    "burn": "burned everything",
    "action add": "published an action",
    "action import": "published an action",
    "action change": "changed an action",
    "action cancel": "called an action off",
}
"""What the trail says of each command first."""
NOBODYS = {
    "check", "test", "draw", "translate", "init", "chat", "try", "run", "migrate", "passphrase", "rehearse", "pair",
    "action list", "action code", "action campaign", "stats",
}  # fmt: skip
"""Commands that show nobody, and decide nothing."""


async def trail(folder: Path) -> list[str]:
    """What the organizer did, the oldest first, even of what was burned."""
    with schema.connection(f"sqlite:///{folder / 'doorstep.db'}") as opened:
        rows = opened.execute(AUDIT.select().order_by(AUDIT.c.id)).mappings().all()
    assert all(row["who"].startswith(f"{ORGANIZER}:") for row in rows)
    return [row["what"] for row in rows]


def test_of_every_command_it_is_said_whether_it_is_audited() -> None:
    assert {name.partition(" --")[0] for name in AUDITED} | NOBODYS == set(roles.COMMANDS)


async def done(folder: Path, *arguments: str, said: str = "") -> str:
    code, out, err = await finished(*arguments, "--config", str(folder / "config.toml"), said=said)
    assert code == 0, err
    return out


@pytest.mark.slow
async def test_each_of_them_leaves_its_line(tmp_path: Path) -> None:
    one, other, third = tmp_path / "one", tmp_path / "other", tmp_path / "third"
    for folder in (one, other, third):
        folder.mkdir()
        config(folder, MORE)
    soon = datetime.now(UTC).date() + timedelta(days=30)
    (one / "people.csv").write_text("name\nAna\n")
    (one / "actions.csv").write_text(f"title,starts\nPicnic,{soon} 10:00\n")
    lines: list[str] = []

    async def leaves(name: str, *arguments: str, folder: Path = one, said: str = "") -> None:
        await done(folder, *name.partition(" --")[0].split(), *arguments, said=said)
        lines.append(name)
        assert (await trail(folder))[-1].startswith(AUDITED[name]), name

    await leaves("people import", str(one / "people.csv"))
    await leaves("people list")
    await leaves("people contact", "1", said=f"{WORDS}\n")
    await leaves("stats --person", "--person", "1")
    await leaves("send", "welcome", "--to", "true", "--dry-run")
    await leaves("action add", "Clean-up", "--starts", f"{soon} 10:00")
    await leaves("action import", str(one / "actions.csv"))
    await leaves("action change", "1", "--title", "Clean up")
    await leaves("action cancel", "1")
    await leaves("backup", str(tmp_path / "b.gz"), "--keys", str(tmp_path / "k.db"))
    await leaves("export", str(tmp_path / "out"), "--yes", said=f"{WORDS}\n")
    await leaves("import", str(tmp_path / "out"), folder=other)
    (third / "doorstep.key").write_bytes((one / "doorstep.key").read_bytes())
    await leaves("restore", str(tmp_path / "b.gz"), "--keys", str(tmp_path / "k.db"), folder=third)
    await leaves("keys rotate")
    await leaves("forget", "1", "--yes")
    await leaves("burn", said="Leeds Neighbours\nburn\n")
    assert set(lines) == set(AUDITED) - {"move"}, "of which its own test knows"


@pytest.mark.slow
async def test_contact_details_and_an_export_want_the_passphrase_again_and_the_desk_hears_of_the_export(
    tmp_path: Path,
) -> None:
    file = config(tmp_path, MORE)

    async def somebody(tx: Transaction) -> None:
        await tx.people.add("web", "web", "ana", "en")

    await kept(tmp_path, somebody)
    export = "export", str(tmp_path / "out"), "--yes"
    for said, command in (("", export), ("\n", export), ("the red door\n", export), ("", ("people", "contact", "1"))):
        code, _, err = await finished(*command, "--config", str(file), said=said)
        assert (code, "not the passphrase" in err) == (2, True)
    assert await trail(tmp_path) == []
    assert not (tmp_path / "out").exists()
    assert await kept(tmp_path, lambda tx: tx.cards.open(9)) == []
    await done(tmp_path, "export", str(tmp_path / "out"), "--yes", said=f"{WORDS}\n")
    (card,) = await kept(tmp_path, lambda tx: tx.cards.open(9))
    assert (card.kind, card.urgent, card.person_id) == ("exported", True, None)
    assert json.dumps(dict(card.body)).count("by") == 1
