"""Each adapter's session for a deployment: which contexts it may be asked for, and what it is opened with."""

import importlib
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import attrs

from homeport.composition.rollout import MARKER
from homeport.contexts import SHIPPED, resolve
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import Unsupported, unknown_name
from homeport.kernel.identity import Identity
from homeport.kernel.operation import Operation
from homeport.kernel.pages import CursorSigner
from homeport.ports.context import Context
from homeport.ports.store import Session
from homeport.settings import Adapter, Settings, SettingsError, Units

if TYPE_CHECKING:
    from homeport.adapters import postgres
    from homeport.adapters.memory import Answer

Clock = Callable[[], datetime]
Contexts = Iterable[str | Context[Any]]
Database: TypeAlias = "postgres.Database | None"
_SERVERS = (Adapter.POSTGRES, Adapter.SUPABASE_LEGACY)


@attrs.frozen(kw_only=True)
class Sessions:
    """What is to be opened, checked before anything is. An adapter is imported when it is opened."""

    settings: Settings
    contexts: tuple[Context[Any], ...]
    catalog: Catalog
    cursors: CursorSigner
    clock: Clock | None

    @classmethod
    def of(cls, settings: Settings, wanted: Contexts, clock: Clock | None) -> "Sessions":
        """Raises SettingsError."""
        contexts = resolve(wanted)
        names = {*SHIPPED, *(each.name for each in contexts)}
        for name in settings.adapters:
            if name not in names:
                raise SettingsError(f"an adapter is chosen for it, but there is {unknown_name('context', name, names)}")
        catalog = Catalog.of((table for each in contexts for table in each.tables), settings.tables)
        key = settings.cursor_key
        cursors = CursorSigner() if key is None else CursorSigner(key)
        return cls(settings=settings, contexts=contexts, catalog=catalog, cursors=cursors, clock=clock)

    @property
    def _serving(self) -> list[Adapter]:
        found = dict.fromkeys(self.settings.serving(each.name) for each in self.contexts)
        return [*found, *(each for each in _SERVERS if self.settings.flags and each not in found)]

    @property
    def unit_adapter(self) -> Adapter | None:
        """The adapter that units run on: the one that serves all, or postgres where it and legacy are one database."""
        serving = self._serving
        servers = Adapter.MEMORY not in serving
        one_database = self.settings.flags or self.settings.units is Units.POSTGRES  # flags ask, at start
        if servers and Adapter.SUPABASE_LEGACY in serving and one_database:
            return Adapter.POSTGRES
        return serving[0] if len(serving) == 1 else None

    @property
    def needed(self) -> list[Adapter]:
        """The adapters that are opened, each once."""
        every = [*self._serving, *(() if self.unit_adapter is None else (self.unit_adapter,))]
        return list(dict.fromkeys(every))

    async def opened(self, adapter: Adapter, database: Database) -> Session:
        """Whoever asks closes it. Raises SettingsError, RepositoryUnavailableError."""
        match adapter:
            case Adapter.POSTGRES:
                return await self._postgres(database)
            case Adapter.SUPABASE_LEGACY:
                return await self._legacy()
            case Adapter.MEMORY:
                return self.memory()

    async def _postgres(self, database: Database) -> Session:
        target = self.settings.required("database_url") if database is None else database
        from homeport.adapters.postgres import open_postgres

        pool = self.settings.pool
        return await open_postgres(
            target,
            catalog=self.catalog,
            cursors=self.cursors,
            operations=self._operations(Adapter.POSTGRES),
            scoped_database=self.settings.scoped_database_url,
            max_size=pool.max_size,
            acquire_timeout=pool.timeout,
            host_timeout=pool.host_timeout,
            statement_timeout=pool.statement_timeout,
            lock_timeout=pool.lock_timeout,
            pooler=pool.pooler,
            kind=pool.kind,
        )

    async def _legacy(self) -> Session:
        url, key = self.settings.rest_root, self.settings.required("supabase_service_role_key")
        try:
            from homeport.adapters.supabase_legacy import open_legacy
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("homeport"):
                raise
            missing = f"the adapter supabase_legacy needs {error.name}: pip install 'homeport[supabase]'"
            raise SettingsError(missing) from error
        pool = self.settings.pool
        return await open_legacy(
            url,
            key,
            catalog=self.catalog,
            cursors=self.cursors,
            operations=self._operations(Adapter.SUPABASE_LEGACY),
            timeout=pool.timeout,
            max_in_flight=pool.max_size,
            anon_key=self.settings.supabase_anon_key,
            sign=self._signer(),
        )

    def _signer(self) -> Callable[[Identity], str] | None:
        """What makes tokens for users whose own is not known, where the deployment has the secret for it."""
        if self.settings.supabase_jwt_secret is None:
            return None
        from homeport.bearer import BearerTokens

        return BearerTokens.of(self.settings).sign

    def memory(self) -> Session:
        from homeport.adapters.memory import open_memory

        served = self._served(Adapter.MEMORY)
        return open_memory(
            catalog=self.catalog.only(table for each in served for table in each.tables),
            cursors=self.cursors,
            operations=self._operations(Adapter.MEMORY),
            answers={name: answer for each in served for name, answer in _answers(each).items()},
            clock=self.clock,
        )

    def _served(self, adapter: Adapter) -> list[Context[Any]]:
        """The contexts whose rows the adapter may be asked for."""
        if self.settings.flags and adapter in _SERVERS:
            return list(self.contexts)
        return [each for each in self.contexts if self.settings.serving(each.name) is adapter]

    def _operations(self, adapter: Adapter) -> list[Operation[Any, Any]]:
        contexts = self.contexts if adapter is self.unit_adapter else self._served(adapter)
        marker = [MARKER] if self.settings.flags and adapter is Adapter.SUPABASE_LEGACY else []
        return [*marker, *(operation for each in contexts for operation in each.operations)]


def _answers(context: Context[Any]) -> "dict[str, Answer]":
    """Memory's form of each operation of the context, and a refusal for each of its GAPS.

    Raises:
        SettingsError: an operation has neither, or there is an answer to none.
    """
    if context.memory_answers is None and not context.operations:
        return {}
    module = importlib.import_module(context.memory_answers) if context.memory_answers is not None else None
    answers: dict[str, Answer] = dict(getattr(module, "ANSWERS", {}))
    for name in getattr(module, "GAPS", ()):
        answers[name] = _refusal(name)
    names = {each.name for each in context.operations}
    if answers.keys() != names:
        where = context.memory_answers or f"the context {context.name}, which names no module of answers"
        wrong = ", ".join(sorted(answers.keys() ^ names))
        raise SettingsError(f"memory's answers and the operations of {context.name} differ in {wrong}: see {where}")
    return answers


def _refusal(name: str) -> "Answer":
    def refuse(_: object, __: object) -> NoReturn:
        raise Unsupported(f"memory does not offer {name}")

    return refuse
