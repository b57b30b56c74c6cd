"""What WhatsApp's Cloud API refuses, as its documentation has it.

Sources, all below developers.facebook.com/documentation/business-messaging/whatsapp/: [text] messages/text-messages,
[buttons] messages/interactive-reply-buttons-messages, [list] messages/interactive-list-messages, [place]
messages/location-request-messages, [media] business-phone-numbers/media, [document] messages/document-messages, [image]
messages/image-messages, [template] templates/overview, [codes] support/error-codes, [ids] business-scoped-user-ids,
[send] reference/whatsapp-business-phone-number/message-api, [rates] throughput. The words of [upload] are as people
quote them from Meta's answers: text/csv, text/html and application/xml were refused, and went as text/plain.
"""

import re
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
"""[ids] "prefixed with the user's two-letter country code and a period, followed by up to 128 alphanumeric"."""

TAKEN = {
    "audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg", "audio/opus", "application/vnd.ms-powerpoint",
    "application/msword", "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/pdf", "text/plain",
    "application/vnd.ms-excel", "image/jpeg", "image/png", "image/webp", "video/mp4", "video/3gpp",
}  # fmt: skip
"""[upload]"""

LARGEST = {"image": 5 * 2**20, "application": 100 * 2**20, "text": 100 * 2**20}
"""[media], bytes."""

LONGEST_MARK = 512
"""[send] biz_opaque_callback_data."""


class Refused(Exception):
    """Meta's answer is no: its code and the HTTP status, as [codes] lists them."""

    def __init__(self, code: int, title: str, details: str = "", status: int = 400, subcode: int = 0) -> None:
        super().__init__(code, title)
        self.code, self.title, self.details, self.status, self.subcode = code, title, details, status, subcode

    @property
    def body(self) -> Json:
        """[codes] "Error response syntax"."""
        kind = "GraphMethodException" if self.code == 100 and self.subcode else "OAuthException"
        error: Json = {
            "message": f"(#{self.code}) {self.title}",
            "type": kind,
            "code": self.code,
            "fbtrace_id": "Az8or",
        }
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode:
            error["error_subcode"] = self.subcode
        return {"error": error}


def invalid(details: str) -> Refused:
    return Refused(131009, "Parameter value is not valid", details)


def whom(given: Json) -> str:
    """The number or the id that a message is for. [ids]: where both are given, the number counts."""
    if given.get("messaging_product") != "whatsapp":
        raise Refused(100, "The parameter messaging_product is required.")
    if len(str(given.get("biz_opaque_callback_data") or "")) > LONGEST_MARK:
        raise invalid("biz_opaque_callback_data is too long")
    if number := given.get("to"):
        if not re.fullmatch(r"\+?\d{5,15}", str(number)):
            raise invalid("to is no phone number")
        return str(number).removeprefix("+")
    if not (user := given.get("recipient")):
        raise Refused(131008, "Required parameter is missing", "to or recipient")
    if not BSUID.fullmatch(str(user)):
        raise invalid("recipient is no business-scoped user ID")
    return str(user)


def checked(given: Json, media: Mapping[str, Json], templates: Mapping[tuple[str, str], Json]) -> Json:
    """A message that can be shown. Raises Refused."""
    kind = str(given.get("type") or "text")
    content = given.get(kind)
    if not isinstance(content, dict):
        raise Refused(131008, "Required parameter is missing", kind)
    if kind == "text":
        _length("text.body", content.get("body"), 1, 4096)  # [text]
    elif kind == "interactive":
        _interactive(content, media)
    elif kind in ("image", "document"):
        if "caption" in content:
            _length("caption", content["caption"], 1, 1024)  # [document], [image]
        _media(kind, content, media)
    elif kind == "template":
        _template(content, templates)
    else:
        raise Refused(131051, "Unsupported message type")
    return {"type": kind, kind: content}


def _length(name: str, value: Any, least: int, most: int) -> None:
    if not isinstance(value, str) or not value.strip() or not least <= len(value) <= most:
        raise invalid(f"{name} must have {least} to {most} characters")


def _interactive(content: Json, media: Mapping[str, Json]) -> None:
    kind, action = content.get("type"), content.get("action") or {}
    body = (content.get("body") or {}).get("text")
    header, footer = content.get("header"), content.get("footer")
    if footer is not None:
        _length("footer", footer.get("text"), 1, 60)  # [buttons], [list]
        if kind not in ("button", "list"):
            raise invalid("a footer stands below buttons and lists")
    if kind == "button":
        _length("body", body, 1, 1024)  # [buttons]
        replies = [button.get("reply") or {} for button in action.get("buttons") or []]
        if not 1 <= len(replies) <= 3:  # [buttons] "Supports up to 3 buttons"
            raise invalid("there must be 1 to 3 buttons")
        _titles(replies, 20, 256)  # [buttons]
        if header and header["type"] != "text":
            _media(header["type"], header[header["type"]], media)
    elif kind == "list":
        _length("body", body, 1, 4096)  # [list]
        _length("action.button", action.get("button"), 1, 20)  # [list]
        sections = action.get("sections") or []
        rows = [row for section in sections for row in section.get("rows") or []]
        if not 1 <= len(rows) <= 10 or (
            len(sections) > 1 and not all(each.get("title") for each in sections)
        ):  # [list]
            raise invalid("there must be 1 to 10 rows, and titles of several sections")
        _titles(rows, 24, 200)  # [list]
        if any(len(row.get("description") or "") > 72 for row in rows) or (header and header["type"] != "text"):
            raise invalid("a description has at most 72 characters, a header is text")
    elif kind == "location_request_message":
        _length("body", body, 1, 1024)  # [place]
        if action != {"name": "send_location"} or header:
            raise invalid("action.name must be send_location")
    else:
        raise invalid(f"interactive.type {kind}")


def _titles(given: list[Json], longest: int, longest_id: int) -> None:
    """[buttons] "Must be unique if using multiple buttons"."""
    for each in given:
        _length("title", each.get("title"), 1, longest)
        _length("id", each.get("id"), 1, longest_id)
    for key in ("title", "id"):
        if len({each[key] for each in given}) < len(given):
            raise invalid(f"Duplicated {key}")


def _media(kind: str, content: Json, media: Mapping[str, Json]) -> None:
    found = media.get(str(content.get("id")))
    if found is None:
        raise Refused(131009, "Parameter value is not valid", "media id is not valid")
    image = found["type"].startswith("image/")
    if image != (kind == "image"):
        raise Refused(131053, "Media upload error", f"{kind} cannot be {found['type']}")


def uploaded(kind: str, content: bytes) -> None:
    """Raises Refused where Meta does not take such a file."""
    if kind not in TAKEN:
        took = ", ".join(sorted(TAKEN))
        words = f"Param file must be a file with one of the following types: {took}. Received file of type '{kind}'."
        raise Refused(100, words)
    if not content or len(content) > LARGEST[kind.split("/", maxsplit=1)[0]]:
        raise Refused(100, "Param file is empty or too large")
    if kind == "image/png" and not content.startswith(b"\x89PNG"):
        raise Refused(131053, "Media upload error", "the file is not what its type says")


def _template(content: Json, templates: Mapping[tuple[str, str], Json]) -> None:
    """[codes] 132001: "does not exist in the specified language or has not been approved"; 132000: the count of
    parameters is another; 132015, 132016: paused, disabled."""
    found = templates.get((str(content.get("name")), str((content.get("language") or {}).get("code"))))
    if found is None or found["status"] in ("PENDING", "REJECTED"):
        raise Refused(132001, "Template name does not exist in the translation", status=404)
    if found["status"] in ("PAUSED", "DISABLED"):
        raise Refused(132015 if found["status"] == "PAUSED" else 132016, "Template is paused or disabled")
    gaps = sum(len(re.findall(r"\{\{.+?\}\}", str(part.get("text")))) for part in found["components"])
    given = sum(len(part.get("parameters") or []) for part in content.get("components") or [] if part["type"] == "body")
    if gaps != given:
        raise Refused(132000, "Number of parameters does not match the expected number of params")
