"""`hemsil ui`: the Dagster UI with its daemon, MLflow's UI and the reports, on loopback, until Ctrl-C. Each is a child
process; when one dies or the signal comes, all are stopped.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console

from ml.errors import SettingsError
from resources.database import schema_url
from resources.home import prepare_home
from resources.platform import Platform
from resources.settings import CHECKOUT, TOOL_ENVIRONMENT, Settings

HOST = "127.0.0.1"
PATIENCE = 90  # seconds until a UI must answer


@dataclass(frozen=True)
class Service:
    """One child process: how it is started and where it answers."""

    name: str
    command: list[str]
    environment: dict[str, str]
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


def serve(settings: Settings, console: Console) -> int:
    """Start everything, print the addresses, wait. Returns the exit code. Raises SettingsError when a port is taken."""
    prepare_home(settings)
    services = services_of(settings, Platform(settings).url)
    for service in services:
        _check_free(service)
    running: list[subprocess.Popen[bytes]] = []
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        for service in services:
            running.append(_start(service, settings.home / "logs"))
            _wait_for(service, running[-1])
            console.print(f"  {service.name:<8} {service.url}", soft_wrap=True)
        console.print("Ctrl-C stops them.")
        while all(process.poll() is None for process in running):
            time.sleep(0.5)
        died = [s.name for s, p in zip(services, running, strict=True) if p.poll() is not None]
        console.print(f"{', '.join(died)} stopped by itself; see {settings.home / 'logs'}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(running)


def services_of(settings: Settings, database_url: str) -> list[Service]:
    """The services to start, Dagster first, as it is what one waits for. MLflow only where it is not a server already."""
    base = {
        **os.environ,
        **TOOL_ENVIRONMENT,
        "DAGSTER_HOME": str(settings.dagster_home),
        "HEMSIL_HOME": str(settings.home),
    }
    bin_folder = Path(sys.executable).parent
    dagster = [str(bin_folder / "dagster"), "dev", "--host", HOST, "--port", str(settings.ui_port)]
    services = [
        Service("Dagster", [*dagster, "--workspace", str(CHECKOUT / "workspace.yaml")], base, settings.ui_port),
        Service(
            "reports",
            [*_uvicorn("hemsil.pages:app"), "--port", str(settings.reports_port)],
            base,
            settings.reports_port,
        ),
    ]
    if settings.mlflow_uri is None:
        # The address may hold a password: it goes by the environment, not by arguments that `ps` shows.
        environment = {
            **base,
            "MLFLOW_BACKEND_STORE_URI": schema_url(database_url, "mlflow"),
            "MLFLOW_DEFAULT_ARTIFACT_ROOT": (settings.home / "mlflow" / "artifacts").as_uri(),
        }
        mlflow = [
            str(bin_folder / "mlflow"),
            "server",
            "--host",
            HOST,
            "--port",
            str(settings.mlflow_port),
            "--workers",
            "1",
        ]
        services.append(Service("MLflow", mlflow, environment, settings.mlflow_port))
    return services


def _uvicorn(factory: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "uvicorn",
        factory,
        "--factory",
        "--host",
        HOST,
        "--no-access-log",
        "--no-server-header",
    ]


def _start(service: Service, logs: Path) -> subprocess.Popen[bytes]:
    logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = (logs / f"{service.name.lower()}.log").open("wb")
    # Own session: Ctrl-C reaches us, and we stop the children in order.
    return subprocess.Popen(
        service.command,
        env=service.environment,
        cwd=service.environment["DAGSTER_HOME"],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _wait_for(service: Service, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SettingsError(f"{service.name} did not start (exit code {process.returncode}); see its log in logs/")
        try:
            with urllib.request.urlopen(service.url, timeout=5):
                return
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.2)
    raise SettingsError(f"{service.name} did not answer within {PATIENCE} seconds; see its log in logs/")


def _check_free(service: Service) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, service.port))
        except OSError:
            variable = {"Dagster": "HEMSIL_UI_PORT", "MLflow": "HEMSIL_MLFLOW_PORT", "reports": "HEMSIL_REPORTS_PORT"}
            raise SettingsError(
                f"port {service.port} for {service.name} is in use; set {variable[service.name]} to another"
            ) from None


def _stop(running: list[subprocess.Popen[bytes]]) -> None:
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in running:
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
