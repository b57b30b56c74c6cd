"""The template that is sent to people who have not written for long, for nothing else may be sent to them."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels.whatsapp_shown import Json


@dataclass(frozen=True, slots=True)
class Template:
    """A template of the WhatsApp Manager: no gaps to fill, and a quick reply, whose press opens the conversation.

    business_account_id  where it is looked up when the bot starts; "": it is not
    """

    name: str
    language: str
    business_account_id: str = ""


def unusable(template: Template, known: Sequence[Json]) -> str:
    """Why it cannot be used, of those that WhatsApp has under this name; "" where it can."""
    languages = {str(each.get("language")): each for each in known}
    if not languages:
        return "is not there: make it in the WhatsApp Manager"
    found = languages.get(template.language)
    if found is None:
        return f"is not there in `{template.language}`, only in {', '.join(sorted(languages))}: see template_language"
    if found.get("status") != "APPROVED":
        return f"is not approved: WhatsApp says {str(found.get('status')).lower()}"
    parts = found.get("components") or []
    if any("{{" in str(part.get("text") or "") for part in parts):
        return "has gaps: write it without {{…}}"
    buttons = [button for part in parts for button in part.get("buttons") or []]
    if not any(button.get("type") == "QUICK_REPLY" for button in buttons):
        return 'has no quick reply: add one, like "Read it"'
    return ""
