"""What Slack refuses, each rule with its source.

[block] docs.slack.dev/reference/block-kit/blocks and /block-elements, /composition-objects · [sdk] slack_sdk 3.47,
models/blocks and models/views · [post] docs.slack.dev/reference/methods/chat.postMessage · [text]
docs.slack.dev/messaging/formatting-message-text · [views] docs.slack.dev/reference/views
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]

LONGEST_TEXT = 40_000
"""[post] "text": longer ones are cut, and `msg_too_long` where they are far longer."""
MOST_BLOCKS, MOST_VIEW_BLOCKS = 50, 100
"""[block]: 50 in a message, 100 in a modal or a home tab."""
LONGEST_SECTION = 3000
"""[sdk] SectionBlock; [block] section."""
LONGEST_FIELD, MOST_FIELDS = 2000, 10
"""[sdk] SectionBlock.fields_max_length; a field's text 2,000."""
LONGEST_HEADER = 150
"""[sdk] HeaderBlock.text_max_length."""
LONGEST_ID = 255
"""[sdk] Block.block_id_max_length, InteractiveElement.action_id_max_length."""
MOST_ELEMENTS = 25
"""[sdk] ActionsBlock.elements_max_length."""
MOST_IN_CONTEXT = 10
"""[sdk] ContextBlock.elements_max_length."""
LONGEST_BUTTON, LONGEST_VALUE, LONGEST_URL = 75, 2000, 3000
"""[sdk] ButtonElement.text_max_length, value_max_length, url_max_length."""
MOST_BOXES, MOST_OPTIONS = 10, 100
"""[block] checkboxes, radio buttons: 10 options; [sdk] SelectElement.options_max_length 100."""
LONGEST_OPTION, LONGEST_OPTION_VALUE = 75, 150
"""[sdk] Option.label_max_length, value_max_length."""
LONGEST_TITLE, LONGEST_META = 24, 3000
"""[sdk] View.title_max_length, private_metadata_max_length."""

_ACTIVE = {
    "button", "checkboxes", "radio_buttons", "static_select", "multi_static_select", "users_select", "overflow",
    "datepicker", "timepicker", "datetimepicker", "conversations_select", "external_select",
}  # fmt: skip
_INPUTS = _ACTIVE - {"button", "overflow"} | {"plain_text_input", "number_input", "email_text_input", "url_text_input"}
_RICH = {"text", "link", "user", "usergroup", "channel", "broadcast", "emoji", "color", "date"}
_RICH_BLOCKS = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}


class Refused(Exception):
    """An answer with `ok: false`: Slack's own word for it."""

    def __init__(self, error: str, status: int = 200, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(error)
        self.error, self.status, self.headers, self.more = error, status, dict(headers or {}), more


def _bad(what: str) -> Refused:
    """[post] invalid_blocks, with what is wrong in response_metadata.messages."""
    return Refused("invalid_blocks", response_metadata={"messages": [f"[ERROR] {what}"]})


def _need(holds: object, what: str) -> None:
    if not holds:
        raise _bad(what)


def loaded(given: Any) -> Any:
    """A structure, which a form carries as JSON."""
    return json.loads(given) if isinstance(given, str) and given else given


def text_of(given: Mapping[str, Any]) -> str:
    """The text of a message. Raises Refused."""
    text = given.get("text") or ""
    if not isinstance(text, str):
        raise Refused("invalid_arguments")
    if not text.strip() and not given.get("blocks") and not given.get("attachments"):
        raise Refused("no_text")
    if len(text) > LONGEST_TEXT:
        raise Refused("msg_too_long")
    return text


def blocks_of(given: Mapping[str, Any], most: int = MOST_BLOCKS, view: bool = False) -> list[Json]:
    """The blocks of a message or a view, each with a block_id. Raises Refused."""
    blocks = loaded(given.get("blocks")) or []
    _need(isinstance(blocks, list), "must be an array")
    _need(len(blocks) <= most, f"no more than {most} items allowed [json-pointer:/blocks]")
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        block.setdefault("block_id", f"b{number}x")
        _need(0 < len(block["block_id"]) <= LONGEST_ID, "block_id must be less than 256 characters")
        _need(block["block_id"] not in seen, f"duplicate block_id {block['block_id']}")
        seen.add(block["block_id"])
        _block(block, view)
    return list(blocks)


def _block(block: Json, view: bool) -> None:
    kind = block.get("type")
    if kind == "section":
        _need(block.get("text") or block.get("fields"), "section needs text or fields")
        if block.get("text"):
            _text(block["text"], LONGEST_SECTION)
        _need(len(block.get("fields") or []) <= MOST_FIELDS, "too many fields")
        for each in block.get("fields") or []:
            _text(each, LONGEST_FIELD)
        _elements([block["accessory"]] if block.get("accessory") else [], _ACTIVE | {"image"})
    elif kind == "header":
        _text(block.get("text"), LONGEST_HEADER, "plain_text")
    elif kind == "actions":
        _need(1 <= len(block.get("elements") or []) <= MOST_ELEMENTS, "actions has 1 to 25 elements")
        _elements(block["elements"], _ACTIVE)
    elif kind == "context":
        _need(1 <= len(block.get("elements") or []) <= MOST_IN_CONTEXT, "context has 1 to 10 elements")
        for each in block["elements"]:
            if each.get("type") != "image":
                _text(each, LONGEST_SECTION)
    elif kind == "input":
        _need(view or not block.get("dispatch_action"), "input")
        _text(block.get("label"), 2000, "plain_text")
        _elements([block.get("element") or {}], _INPUTS)
    elif kind == "rich_text":
        _rich(block)
    elif kind == "image":
        _need(block.get("image_url") or block.get("slack_file"), "image needs a picture")
        _need(0 < len(block.get("alt_text") or "") <= 2000, "image needs alt_text")
    else:
        _need(kind == "divider", f"unsupported type: {kind}")


def _text(text: Any, longest: int, only: str = "") -> None:
    _need(isinstance(text, dict) and text.get("type") in ("plain_text", "mrkdwn"), "missing text object")
    _need(not only or text["type"] == only, f"text must be {only}")
    _need(0 < len(text.get("text") or "") <= longest, f"must be 1 to {longest} characters")
    _need(text["text"].strip(), "must not be blank")
    _need("emoji" not in text or text["type"] == "plain_text", "emoji is for plain_text")
    _need("verbatim" not in text or text["type"] == "mrkdwn", "verbatim is for mrkdwn")


def _elements(elements: list[Json], kinds: set[str]) -> None:
    seen: set[str] = set()
    for each in elements:
        kind = each.get("type")
        _need(kind in kinds, f"unsupported element: {kind}")
        if kind == "image":
            continue
        name = each.setdefault("action_id", f"a{len(seen)}")
        _need(0 < len(name) <= LONGEST_ID, "action_id must be less than 256 characters")
        _need(name not in seen, f"action_id {name} already exists")
        seen.add(name)
        if kind == "button":
            _text(each.get("text"), LONGEST_BUTTON, "plain_text")
            _need(len(each.get("value") or "") <= LONGEST_VALUE, "value must be less than 2001 characters")
            _need(len(each.get("url") or "") <= LONGEST_URL, "url must be less than 3001 characters")
            _need(each.get("style", "primary") in ("primary", "danger"), "style is primary or danger")
        if "confirm" in each:
            _confirm(each["confirm"])
        if kind in ("checkboxes", "radio_buttons", "static_select", "multi_static_select", "overflow"):
            _options(each, MOST_BOXES if kind in ("checkboxes", "radio_buttons") else MOST_OPTIONS)


def _confirm(dialog: Json) -> None:
    """[sdk] ConfirmObject: title 100, text 300, confirm and deny 30."""
    for name, longest in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        if name in dialog or name == "text":
            _text(dialog.get(name), longest)


def _options(element: Json, most: int) -> None:
    options = element.get("options") or [
        option for group in element.get("option_groups") or [] for option in group["options"]
    ]
    _need(1 <= len(options) <= most, f"1 to {most} options")
    for option in options:
        _text(option.get("text"), LONGEST_OPTION)
        _need(0 < len(option.get("value") or "") <= LONGEST_OPTION_VALUE, "an option's value has 1 to 150 characters")
    values = [option["value"] for option in options]
    _need(len(set(values)) == len(values), "an option's value is unique")
    first = element.get("initial_options")
    _need(first is None or first, "initial_options must not be empty")
    chosen = [*(first or []), *([element["initial_option"]] if element.get("initial_option") else [])]
    _need(all(option in options for option in chosen), "initial options must be exactly among the options")


def _rich(block: Json) -> None:
    _need(block.get("elements"), "rich_text needs elements")
    for part in block["elements"]:
        _need(part.get("type") in _RICH_BLOCKS, f"unsupported element: {part.get('type')}")
        for each in part.get("elements") or []:
            if part["type"] == "rich_text_list":
                continue
            _need(each.get("type") in _RICH, f"unsupported element: {each.get('type')}")
            _need(each["type"] != "text" or each.get("text"), "text must be more than 0 characters")
            _need(each["type"] != "link" or re.match("(https?|mailto|slack|tel):", each.get("url", "")), "invalid url")


def view_of(given: Mapping[str, Any]) -> Json:
    """A modal or a home tab. Raises Refused."""
    view = loaded(given.get("view"))
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        raise Refused("invalid_arguments")
    for name, longest in (("title", LONGEST_TITLE), ("submit", LONGEST_TITLE), ("close", LONGEST_TITLE)):
        if name in view or (name == "title" and view["type"] == "modal"):
            _text(view.get(name), longest, "plain_text")
    _need(len(view.get("callback_id") or "") <= LONGEST_ID, "callback_id")
    _need(len(view.get("private_metadata") or "") <= LONGEST_META, "private_metadata")
    view["blocks"] = blocks_of(view, MOST_VIEW_BLOCKS, view=True)
    has_input = any(block["type"] == "input" for block in view["blocks"])
    _need(view["type"] == "home" or not has_input or "submit" in view, "a modal with inputs needs submit")
    return view


# --- how it looks -----------------------------------------------------------------------------------------------


def shown(message: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The words of a message as people read them, without buttons, and what is alive in it: mentions, hidden links."""
    pieces: list[str] = []
    alive: list[str] = []
    for block in message.get("blocks") or []:
        for text, living in _words(block):
            pieces.append(text)
            alive += living
    if not message.get("blocks"):
        text, living = mrkdwn(message.get("text") or "")
        return text, tuple(living)
    # The text beside blocks is what a notification shows: what pings there, pings.
    alive += [each for each in mrkdwn(message.get("text") or "")[1] if each != "link"]
    return "\n".join(pieces), tuple(alive)


def _words(block: Json) -> Iterator[tuple[str, list[str]]]:
    if block["type"] == "rich_text":
        parts = [each for part in block["elements"] for each in part.get("elements") or []]
        yield "".join(map(_piece, parts)), [kind for each in parts for kind in _living(each)]
    for text in [block.get("text"), *(block.get("fields") or []), *(block.get("elements") or [])]:
        if isinstance(text, dict) and text.get("type") == "mrkdwn":
            yield mrkdwn(text["text"])
        elif isinstance(text, dict) and text.get("type") == "plain_text":
            yield plain(text), []


def plain(text: Json) -> str:
    """[text] A plain_text: as it stands; with `emoji`, :colons: become pictures."""
    words = str(text["text"])
    return re.sub(r":[a-z0-9_+-]+:", "🙂", words) if text.get("emoji") else words


def _piece(each: Json) -> str:
    return str(
        each.get("text") or each.get("url") or f"@{each.get('name') or each.get('range') or each.get('user_id')}"
    )


def _living(each: Json) -> list[str]:
    if each["type"] in ("user", "usergroup", "broadcast", "channel"):
        return [each["type"]]
    return ["link"] if each["type"] == "link" and each.get("text", each["url"]) != each["url"] else []


def mrkdwn(text: str) -> tuple[str, list[str]]:
    """[text] What stands between < and > is a link, a mention or a command; the rest has its stars and dashes."""
    alive: list[str] = []

    def special(match: re.Match[str]) -> str:
        target, _, label = match[1].partition("|")
        if target.startswith(("@", "#", "!")):
            alive.append({"@": "user", "#": "channel", "!": "broadcast"}[target[0]])
        elif label and label != target:
            alive.append("link")
        return label or target

    text = re.sub("<([^<>]+)>", special, text)
    for sign in "*_~`":
        mark = re.escape(sign)
        text = re.sub(rf"(?<!\w){mark}(?!\s)([^{mark}\n]+?)(?<!\s){mark}(?!\w)", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"), alive
