"""What a flow may know of a person, gathered for `advance`."""

from collections.abc import Mapping

from bot.group import Group
from flows.model import Facts, Value
from storage.people import Person


def gather(person: Person, fields: Mapping[str, Value], group: Group) -> Facts:
    """The facts of one person; `fields` are theirs as they are in this turn."""
    language = str(fields.get("language") or person.language or group.languages[0])
    me = {
        "meetings": 0,
        "attended": 0,
        "hosted": 0,
        "invited": 0,
        "has_buddy": False,
        **fields,
        "language": language,
        "channel": person.channel,
        "role": person.role or "supporter",
        "joined": person.created_at,
    }
    return Facts(
        person=person.id,
        me=me,
        org=group.org,
        lists={"languages": group.language_options()},
        zone=group.zone,
        language=language,
    )
