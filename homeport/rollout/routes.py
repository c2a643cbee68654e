"""What a flag means for the sessions of one domain, and what becomes of a flag that can't be followed."""

import logging
import random
from collections.abc import Callable, Mapping
from typing import Protocol

import attrs

from homeport.ports.store import Session
from homeport.rollout.buckets import chosen
from homeport.rollout.flags import BUCKETS, Flag, FlagError, Mode
from homeport.rollout.one_database import Apart, OneDatabase
from homeport.rollout.shadow import Shadow
from homeport.rollout.subjects import Draw, canonical

Tell = Callable[[str, str], None]
_LOG = logging.getLogger("homeport")


class Flags(Protocol):
    """Where the flags are found as they are now. The same object as long as nothing has changed."""

    def of(self, domain: str, /) -> Flag: ...


def log_event(domain: str, text: str) -> None:
    _LOG.warning("%s: %s", domain, text)


@attrs.frozen(eq=False)
class Way:
    """A flag with its sessions.

    Attributes:
        flag: the flag as it was found; `followed` is another one where that asks for what is not open.
        sole: answers every call; None where each is drawn, also at 100 %, since times are judged there too.
        home: takes the writes of nobody in particular, and what can't be drawn.
        watch: is offered the reads that `sole` has answered.
        apart: what was known of the databases then.
    """

    flag: Flag
    followed: Flag
    primary: Session
    candidate: Session
    sole: Session | None
    home: Session
    watch: Shadow | None
    apart: Apart | None = None

    def draw(self, subject: object, writes: bool, rng: random.Random) -> tuple[Session, Draw | None]:
        """The session of one call, and its draw where a bucket decided: others can't be compared with anybody's."""
        if writes and (self.apart is not None or subject is None):
            return self.home, None
        who = None if subject is None else canonical(subject)
        session = self.candidate if chosen(self.followed, who, writes, rng) else self.primary
        return session, Draw(None if who is None else hash((who, self.followed.served)), who)


@attrs.define(eq=False)
class Routes:
    """What the router of a domain and all its scopes have in common. What can't be followed is told once.

    While the adapters are apart, canary writes stay on the primary.
    """

    domain: str
    adapters: frozenset[str]
    shadow: Shadow | None
    one: OneDatabase
    tell: Tell
    rng: random.Random
    _heard: Flag | None = None
    _good: Flag | None = None

    def way(self, flag: Flag, sessions: Mapping[str, Session]) -> Way:
        """The flag over these sessions. Raises FlagError if the first flag ever needs an adapter that is not there."""
        followed, apart = self._followed(flag), self.one.apart
        if followed.mode not in (Mode.CANARY, Mode.SHADOW):
            session = sessions[followed.mode.value]
            return Way(flag, followed, session, session, session, session, None, apart)
        primary, candidate = sessions[followed.primary], sessions[followed.candidate]
        if followed.fixed == followed.primary:
            watch = self.shadow if followed.mode is Mode.SHADOW else None
            return Way(flag, followed, primary, candidate, primary, primary, watch, apart)
        full = followed.served == BUCKETS and apart is None
        return Way(flag, followed, primary, candidate, None, candidate if full else primary, None, apart)

    def _followed(self, flag: Flag) -> Flag:
        """The flag, or the last one whose adapters are open."""
        if flag is self._heard and self._good is not None:
            return self._good
        missing = _needed(flag) - self.adapters
        if not missing:
            self._good = flag if flag.salt else attrs.evolve(flag, domain=self.domain)
            self._warn_apart(flag)
        else:
            said = f"the flag {flag} needs {', '.join(sorted(missing))}, which is not open here"
            if self._good is None:
                raise FlagError(f"{self.domain}: {said}")
            self.tell(self.domain, f"{said}: it goes on as {self._good}")
        self._heard = flag
        return self._good

    def _warn_apart(self, flag: Flag) -> None:
        apart = self.one.apart
        if apart is not None and flag.mode is Mode.CANARY and flag.served > 0:
            self.tell(self.domain, f"under {flag} writes stay on {flag.primary}: {apart.reason}")


def _needed(flag: Flag) -> set[str]:
    return {flag.primary, flag.candidate} if flag.mode in (Mode.CANARY, Mode.SHADOW) else {flag.mode.value}
