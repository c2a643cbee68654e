"""Flags: which adapter serves a domain, as one short text. Knows neither where the text came from nor what is open.

| text                | meaning                                                                           |
|---------------------|-----------------------------------------------------------------------------------|
| `postgres`          | that adapter serves every call; likewise `supabase_legacy` and `memory`           |
| `canary:5`          | 5 % of the subjects are on the candidate, all others on the primary; steps of 0.01 |
| `canary:5:checkout` | the same, and domains of one rollout group move the same subjects                 |
| `shadow`            | the primary serves; every read is repeated on the candidate and compared          |
| `shadow:0.1`        | the same for one read in ten                                                      |
"""

import enum
import re
from decimal import Decimal

import attrs

from homeport.settings.errors import SettingsError

BUCKETS = 10_000
"""Subjects fall into so many buckets: a percentage has steps of 0.01."""

FORMS = "postgres, supabase_legacy, memory, canary:PERCENT[:GROUP], shadow[:SAMPLE]"

_NUMBER = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")
_GROUP = re.compile(r"[A-Za-z0-9_.-]{1,63}")


class FlagError(SettingsError):
    """A flag is none of the known modes, or its numbers are out of range."""


class Mode(enum.StrEnum):
    """Which adapter serves a call: always the one that is named, or one of two."""

    POSTGRES = "postgres"
    SUPABASE_LEGACY = "supabase_legacy"
    MEMORY = "memory"
    CANARY = "canary"
    SHADOW = "shadow"


ADAPTERS = (Mode.POSTGRES.value, Mode.SUPABASE_LEGACY.value, Mode.MEMORY.value)


def percentage(value: Decimal | int) -> Decimal:
    """0 to 100 in steps of 0.01. Raises FlagError."""
    percent = Decimal(value)
    if not percent.is_finite() or not 0 <= percent <= 100 or percent * 100 % 1:
        raise FlagError(f"a percentage is 0 to 100 in steps of 0.01, not {str(value)[:20]}")
    return percent


def percentage_of(text: str) -> Decimal:
    """The percentage that is written there, in plain digits. Raises FlagError."""
    if not _NUMBER.fullmatch(text):
        raise FlagError(f"a percentage is 0 to 100 in steps of 0.01, not {text[:20]!r}")
    return percentage(Decimal(text))


def _adapter(_: object, attribute: "attrs.Attribute[str]", value: str) -> None:
    if value not in ADAPTERS:
        raise FlagError(f"{attribute.name}: no adapter {value[:40]!r}; known: {', '.join(ADAPTERS)}")


def _sample(_: object, __: object, value: float) -> None:
    if not 0.000001 <= value <= 1:
        raise FlagError("a sample is 0.000001 to 1")


def _group(_: object, __: object, value: str) -> None:
    if value and not _GROUP.fullmatch(value):
        raise FlagError("a rollout group is 1 to 63 letters, digits, '_', '.' or '-'")


@attrs.frozen(kw_only=True)
class Flag:
    """One domain's flag. `str` is the text that `parse` reads; primary, candidate and domain are no part of it.

    Attributes:
        group: the rollout group; empty for the domain's own.
        domain: whose flag it is.
        salt: what subjects are hashed with: the group, else the domain.
        served: how many of the BUCKETS are on the candidate.
        fixed: the adapter that serves every call; None where a subject decides.
    """

    mode: Mode
    primary: str = attrs.field(default=Mode.SUPABASE_LEGACY.value, validator=_adapter)
    candidate: str = attrs.field(default=Mode.POSTGRES.value, validator=_adapter)
    percent: Decimal = attrs.field(default=Decimal(0), converter=percentage)
    group: str = attrs.field(default="", validator=_group)
    sample: float = attrs.field(default=1.0, validator=_sample)
    domain: str = ""
    salt: str = attrs.field(init=False, repr=False, eq=False)
    served: int = attrs.field(init=False, repr=False, eq=False)
    fixed: str | None = attrs.field(init=False, repr=False, eq=False)

    @salt.default
    def _salt(self) -> str:
        return self.group or self.domain

    @served.default
    def _served(self) -> int:
        return int(self.percent * 100)

    @fixed.default
    def _fixed(self) -> str | None:
        if self.mode is Mode.SHADOW:
            return self.primary
        if self.mode is not Mode.CANARY:
            return self.mode.value
        return {0: self.primary, BUCKETS: self.candidate}.get(self.served)

    @classmethod
    def parse(
        cls,
        text: str,
        domain: str = "",
        *,
        primary: str = Mode.SUPABASE_LEGACY.value,
        candidate: str = Mode.POSTGRES.value,
    ) -> "Flag":
        """The flag of that text. Raises FlagError, with the forms that are known."""
        word, *rest = text.split(":")
        mode = _mode(word)
        flag = cls(mode=mode, primary=primary, candidate=candidate, domain=domain)
        match mode, rest:
            case Mode.CANARY, [percent]:
                return attrs.evolve(flag, percent=percentage_of(percent))
            case Mode.CANARY, [percent, group] if group:
                return attrs.evolve(flag, percent=percentage_of(percent), group=group)
            case Mode.SHADOW, [sample] if _NUMBER.fullmatch(sample):
                return attrs.evolve(flag, sample=float(sample))
            case ((Mode.POSTGRES | Mode.SUPABASE_LEGACY | Mode.MEMORY | Mode.SHADOW), []):
                return flag
            case _:
                raise FlagError(f"{mode.value} is not written so; known: {FORMS}")

    def __str__(self) -> str:
        match self.mode:
            case Mode.CANARY:
                text = f"canary:{written(self.percent)}"
                return f"{text}:{self.group}" if self.group else text
            case Mode.SHADOW:
                return "shadow" if self.sample == 1 else f"shadow:{f'{self.sample:.6f}'.rstrip('0')}"
            case _:
                return self.mode.value


def written(percent: Decimal) -> str:
    """The percentage in the fewest digits: 5, 0.25, 100."""
    return f"{percent.normalize():f}"


def _mode(word: str) -> Mode:
    try:
        return Mode(word)
    except ValueError:
        raise FlagError(f"no mode {word[:40]!r}; known: {FORMS}") from None
