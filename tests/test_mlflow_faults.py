"""MLflow's server answers wrongly, slowly or not at all: the night goes on with the last good model, and says why."""

import importlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from resources.kept_models import KeptModels
from resources.platform import Platform
from resources.registry import Registered
from resources.scorer import find_model
from resources.settings import Settings

NIGHT = "2024-03-15"
SLOW_S = 30.0


@contextmanager
def server(answer: str) -> Iterator[str]:
    """The address of an MLflow that answers every question with a status, with a page that is no JSON, or after half a minute."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            if answer == "slow":
                over.wait(SLOW_S)
            body = b"<html>a login page</html>"
            self.send_response(int(answer) if answer.isdigit() else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815  (named by the base class)

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        over.set()
        running.shutdown()
        running.server_close()


@pytest.mark.promise("F7")
@pytest.mark.parametrize("answer", ["500", "401", "a page", "slow"])
def test_whatever_mlflow_answers_the_last_good_model_is_used_and_the_reason_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    importlib.import_module("mlflow")  # takes seconds, and is no part of what is timed
    with server(answer) as address:
        platform = Platform(Settings(home=tmp_path / "home", source="complete-journey", mlflow_uri=address))
        models = KeptModels(platform.kept_models.folder)
        models.keep(Registered("7", "run", {"relevance.json": b"{}"}, {"business_date": "2024-03-14"}))
        object.__setattr__(platform, "url", "postgresql://nobody@127.0.0.1:9/none")  # the registry alone is asked
        started = time.monotonic()
        found = find_model(platform, platform.night(NIGHT))
    assert (found.step, found.model and found.model.version) == ("B", "7")
    assert "the last one a night has used, takes its place" in found.reason
    assert "MLflow" in found.reason
    assert time.monotonic() - started < SLOW_S
