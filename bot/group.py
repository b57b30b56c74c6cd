"""What the bot knows of the group it works for, besides people."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from babel import Locale
from babel.core import UnknownLocaleError

from bot.config import Config
from flows.model import Option, Value
from flows.times import QuietHours


@dataclass(frozen=True, slots=True)
class Group:
    """The group.

    org        what flows may read as `org`
    zone       IANA name of the time zone in which times are read
    languages  what people can choose from, the first being what is spoken before anybody has chosen
    quiet      when nobody is written to by themselves, each in their own zone; None: never
    weekly_cap on how many days of a week somebody gets reminders
    """

    org: Mapping[str, Value] = field(
        default_factory=lambda: {"name": "Your group", "bot_name": "Doorstep", "message_days": 30}
    )
    zone: str = "UTC"
    languages: tuple[str, ...] = ("en",)
    quiet: QuietHours | None = field(default_factory=lambda: QuietHours.read("21:00-08:00"))
    weekly_cap: int = 4

    @classmethod
    def of(cls, config: Config) -> "Group":
        """The group of a configuration."""
        org = config.org
        return cls(
            org={
                "name": org.name,
                "bot_name": org.bot_name,
                "contact": org.contact,
                "privacy_url": org.privacy_url,
                "time_zone": org.time_zone,
                "message_days": config.retention.message_days,
            },
            zone=org.time_zone,
            languages=org.languages,
            quiet=QuietHours.read(config.reminders.quiet_hours),
            weekly_cap=config.reminders.weekly_cap,
        )

    def language(self, wanted: str) -> str:
        """The language of the group's that a platform's code like `es-MX` means; the first where it means none."""
        code = wanted.replace("_", "-").lower()
        known = {language.lower(): language for language in self.languages}
        return known.get(code) or known.get(code.partition("-")[0]) or self.languages[0]

    def language_options(self) -> tuple[Option, ...]:
        """The languages to choose from, each in its own words; none where there is only one."""
        return tuple(Option(code, _own_name(code)) for code in self.languages) if len(self.languages) > 1 else ()


def _own_name(code: str) -> str:
    try:
        return (Locale.parse(code.replace("-", "_")).get_display_name() or code).capitalize()
    except (ValueError, UnknownLocaleError):
        return code
