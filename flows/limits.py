"""What each platform can show. Data only; every number names its source."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages within so many seconds, evenly; `burst` of them may come at once, and are borrowed."""

    messages: int
    seconds: float = 1.0
    burst: int = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message of a platform can hold. Lengths are in characters; None: no limit that matters here.

    text           the longest text; a longer one is split when it is stored
    buttons        how many buttons one message can have; 0: choices become a numbered list
    label          the longest label of a button
    account        how fast one account of ours may send to everyone together
    chat           how fast it may send into one chat
    once           a message sent again under the same id is seen once, so that it may be sent again at any time
    window         how long after they wrote people may be written to freely; what is decided later waits for them
    """

    text: int
    buttons: int | None
    label: int | None
    account: Rate | None = None
    chat: Rate | None = None
    once: bool = False
    window: timedelta | None = None


WEB = Limits(text=20_000, buttons=None, label=None, once=True)
"""The console's own chat page: no platform in between. The length is what a person can scroll through.
It reads what is stored by its number, so that what is sent twice stands there once."""

TERMINAL = Limits(text=20_000, buttons=0, label=None, once=True)
"""`doorstep chat`: a terminal has no buttons. Where it was killed, a line printed twice is better than none."""

TELEGRAM_ACCOUNT = Rate(30)
"""python-telegram-bot's constants.FloodLimit.MESSAGES_PER_SECOND, from Telegram's bots FAQ ("about 30 a second")."""

TELEGRAM_CHAT = Rate(1)
"""constants.FloodLimit.MESSAGES_PER_SECOND_PER_CHAT; short bursts may pass, "but eventually" there is a 429."""

TELEGRAM = Limits(text=4096, buttons=100, label=40, account=TELEGRAM_ACCOUNT, chat=TELEGRAM_CHAT)
"""text: core.telegram.org/bots/api#sendmessage, in code points by core.telegram.org/constructor/config. buttons:
python-telegram-bot's constants.InlineKeyboardMarkupLimit.TOTAL_BUTTON_NUMBER. label: no limit is published, but phones
cut in the middle what is longer than a line, so longer ones are listed in the text."""

SLACK_CHAT = Rate(1)
"""api.slack.com/docs/rate-limits: one message a second into a channel."""

SLACK = Limits(text=3000, buttons=25, label=75, chat=SLACK_CHAT)
"""text: of a section, docs.slack.dev/reference/block-kit/blocks/section-block (slack_sdk's SectionBlock); no limit is
published for rich text. buttons: slack_sdk's ActionsBlock.elements_max_length. label: ButtonElement.text_max_length.
What a whole workspace may be sent is not published ("several hundred" a minute): `Retry-After` is obeyed."""

WHATSAPP_ACCOUNT = Rate(80)
"""developers.facebook.com/docs/whatsapp/throughput: 80 a second of a number, unless Meta has raised it to 1,000."""

WHATSAPP_CHAT = Rate(1, 6.0, burst=45)
"""Cloud API's pair rate limit (error 131056): one in 6 seconds to the same person, of which 45 may be borrowed."""

WHATSAPP_LABEL = 20
"""Characters of a reply button: Cloud API, "Interactive reply buttons messages", BUTTON_LABEL_TEXT."""

WHATSAPP = Limits(
    text=4096,
    buttons=10,
    label=WHATSAPP_LABEL,
    account=WHATSAPP_ACCOUNT,
    chat=WHATSAPP_CHAT,
    window=timedelta(hours=24),
)
"""text: Cloud API, "Text messages", body. buttons: "Interactive list messages" has up to 10 rows; up to three choices
are reply buttons. window: "Customer service windows" (error 131047 outside of it)."""

MATRIX = Limits(text=4000, buttons=0, label=None, once=True)
"""text: an event holds 65,536 bytes (spec.matrix.org, Client-Server API, size limits); this is a quarter of it at four
bytes a character, so that a change, which holds its text twice, and choices fit. No pace: each homeserver has its own
and tells it with a 429 (Synapse's `rc_message` is one in 5 seconds and 10 at once, unless an account is exempt).
once: a PUT under the same transaction id from the same device is one event (the same, transaction identifiers)."""
