"""Servers in containers, by testcontainers, where a container engine answers. Knows images, not what they are for."""

import contextlib
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from homeport.testing.servers.errors import ServerMissing

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

ENGINE = "start Docker, or name another engine's socket in DOCKER_HOST"
USUAL_ENGINE = "unix:///var/run/docker.sock"
HOST_SEEN_FROM_INSIDE = "host.docker.internal"


@attrs.frozen(kw_only=True)
class Box:
    """A container to start.

    Attributes:
        ports: the image's own ports, to be mapped to free ones.
        on_host_network: no ports are mapped: it listens on ours, and reaches our loopback. Linux only.
    """

    image: str
    environment: Mapping[str, str]
    ports: Sequence[int] = ()
    command: Sequence[str] = ()
    on_host_network: bool = False


class Container:
    """A started container. Removed by `stop`; after a kill of this program, by testcontainers' own reaper."""

    def __init__(self, container: "DockerContainer") -> None:
        self._container = container

    @property
    def host(self) -> str:
        return self._container.get_container_host_ip()

    @property
    def running(self) -> bool:
        self._container.reload()
        return self._container.status == "running"

    def port(self, inside: int) -> int:
        return int(self._container.get_exposed_port(inside))

    def log(self) -> str:
        out, err = self._container.get_logs()
        return (out + err).decode(errors="replace")

    def stop(self) -> None:
        self._container.stop()


def start(box: Box) -> Container:
    """Starts it; what is in it may not answer yet.

    Raises:
        ServerMissing: if testcontainers, an engine or the image is not there.
    """
    container, docker_error = _described(box)
    try:
        container.start()
    except (docker_error, OSError) as exc:
        with contextlib.suppress(docker_error, OSError):
            container.stop()
        raise ServerMissing(f"no container of {box.image} could be started: {exc}", ENGINE) from exc
    return Container(container)


def _described(box: Box) -> "tuple[DockerContainer, type[Exception]]":
    try:
        from docker.errors import DockerException  # type: ignore[import-untyped]  # docker ships no types
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.docker_client import get_docker_host
    except ModuleNotFoundError:
        raise ServerMissing("testcontainers is not installed", "pip install 'homeport[testing]'") from None
    _require_socket(get_docker_host() or USUAL_ENGINE)
    try:
        container = DockerContainer(box.image)
    except DockerException as exc:
        raise ServerMissing(f"no container engine answers: {exc}", ENGINE) from exc
    container.with_envs(**box.environment).with_exposed_ports(*box.ports)
    if box.command:
        container.with_command(list(box.command))
    if box.on_host_network:
        container.with_kwargs(network_mode="host")
    else:
        container.with_kwargs(extra_hosts={HOST_SEEN_FROM_INSIDE: "host-gateway"})
    return container, DockerException


def _require_socket(engine: str) -> None:
    """Asked first, as docker's client leaves a socket open that it could not connect."""
    if not engine.startswith("unix://"):
        return
    path = engine.removeprefix("unix://")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError as exc:
            raise ServerMissing(f"no container engine answers at {path}: {exc.strerror}", ENGINE) from exc
