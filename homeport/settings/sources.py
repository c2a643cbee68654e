"""Where settings come from: the environment over a TOML file. Knows names and precedence; values check themselves."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from homeport.kernel.errors import unknown_name
from homeport.settings.errors import SettingsError, refuse_unknown, table_of
from homeport.settings.limits import POOL_VARIABLES, RETRY_VARIABLES, Pool, Retry
from homeport.settings.values import VARIABLES, Adapter, Settings

_CONFIG = "HOMEPORT_CONFIG"
_ALL = (VARIABLES, POOL_VARIABLES, RETRY_VARIABLES)
_KNOWN = {_CONFIG, *(name for group in _ALL for names in group.values() for name in names)}
_TEST_RIG = ("HOMEPORT_TEST_", "HOMEPORT_POSTGREST_URL")


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process, or of the environment given. Raises SettingsError."""
    given = os.environ if environment is None else environment
    variables = {name: value for name, value in given.items() if value.strip()}
    written = _file(Path(variables[_CONFIG])) if _CONFIG in variables else {}
    refuse_unknown("setting", written, [each.name for each in attrs.fields(Settings)])
    merged: dict[str, Any] = {**written, **_first_set(VARIABLES, variables)}
    chosen = _per_context(variables, flags="flags" in merged and Settings(flags=merged["flags"]).flags)
    merged["adapters"] = {**table_of("adapters", written.get("adapters", {})), **chosen}
    pool = _group("pool", POOL_VARIABLES, written, variables)
    preset = Pool.preset(pool.pop("preset", "standard"))
    retry = Retry(**_group("retry", RETRY_VARIABLES, written, variables))
    return Settings(**{**merged, "pool": attrs.evolve(preset, **pool), "retry": retry})


def _group(
    name: str, wanted: Mapping[str, tuple[str, ...]], written: Mapping[str, object], variables: Mapping[str, str]
) -> dict[str, Any]:
    """One table of the file with what the environment says over it. Raises SettingsError for an unknown name."""
    given = {**table_of(name, written.get(name, {})), **_first_set(wanted, variables)}
    refuse_unknown(f"setting of [{name}]", given, wanted)
    return given


def _first_set(wanted: Mapping[str, tuple[str, ...]], variables: Mapping[str, str]) -> dict[str, str]:
    return {
        attribute: next(variables[name] for name in names if name in variables)
        for attribute, names in wanted.items()
        if not variables.keys().isdisjoint(names)
    }


def _per_context(variables: Mapping[str, str], *, flags: bool) -> dict[str, str]:
    """HOMEPORT_<CONTEXT>=<adapter>: what is no setting, and whose value is an adapter. Which contexts there are, the
    composition knows: an application may have its own.

    Where flags choose, they are flags, `canary:5` among them, and none of the settings' business.
    """
    ours = [name for name in variables if name.startswith("HOMEPORT_") and name not in _KNOWN]
    chosen = {name: variables[name].strip() for name in ours if not name.startswith(_TEST_RIG)}
    if flags:
        return {}
    for name, value in chosen.items():
        if value.partition(":")[0] in ("canary", "shadow"):
            raise SettingsError(f"{name} is a flag: set HOMEPORT_FLAGS=true, so that flags choose")
        if value not in list(Adapter):
            known = [each for each in _KNOWN if each.startswith("HOMEPORT_")]
            raise SettingsError(f"{unknown_name('setting', name, known)}; one of a context takes {', '.join(Adapter)}")
    return {name.removeprefix("HOMEPORT_").lower(): value for name, value in chosen.items()}


def _file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{_CONFIG}: {path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = re.search(r"line \d+", str(error))
        # without the cause, which holds the text: it may have keys in it
        raise SettingsError(f"{_CONFIG}: {path} is no valid TOML{f' ({line[0]})' if line else ''}") from None
