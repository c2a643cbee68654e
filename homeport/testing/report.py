"""What a run of the rig used and did, for its last lines; of all its processes, where pytest-xdist spreads it."""

from collections import Counter

import attrs
import pytest

ADAPTERS = ("memory", "postgres", "supabase_legacy")
ADAPTER = "homeport_adapter"
"""The property of a test that says on which adapter it ran."""

NAME = "homeport-report"
_OUTPUT = "homeport"


def report_of(config: pytest.Config) -> "Report":
    """The run's, which `pytest_configure` of the rig registers."""
    found = config.pluginmanager.get_plugin(NAME)
    assert isinstance(found, Report)
    return found


@attrs.define(eq=False)
class Report:
    """A plugin of pytest. The rig says what it started; what passed is counted from the tests' own reports."""

    servers: dict[str, str] = attrs.field(factory=dict)
    missing: dict[str, str] = attrs.field(factory=dict)
    passed: Counter[str] = attrs.field(factory=Counter)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called where the summary is written, whichever process ran the test."""
        if report.when == "call" and report.passed:
            self.passed.update(str(value) for name, value in report.user_properties if name == ADAPTER)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = (self.servers, self.missing)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """A process of pytest-xdist has ended, and left what it said; one that crashed left nothing."""
        servers, missing = getattr(node, "workeroutput", {}).get(_OUTPUT, ({}, {}))
        self.servers.update(servers)
        self.missing.update(missing)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Which servers answered, how many tests passed on each adapter, and which leg could not run."""
        if not (self.passed or self.missing):
            return
        terminalreporter.section("homeport adapters")
        for name, text in self.servers.items():
            terminalreporter.line(f"{name} {text}")
        for name in ADAPTERS:
            terminalreporter.line(f"{name:16} {self.passed[name]:5} passed")
        for name, reason in self.missing.items():
            terminalreporter.line(f"{name} did NOT run: {reason}")
