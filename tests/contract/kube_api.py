"""A Kubernetes API that answers what the guard and Chaos Toolkit's extension ask of one, on a port of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Cluster:
    """What it is, what is in it, and what was asked of it: `METHOD /path`."""

    uid: str = "5b9cf7a0-0000-4000-8000-000000000001"
    pods: dict[str, list[str]] = field(default_factory=dict)
    #: Instead of an answer: the status to refuse with.
    refuses: int = 0
    #: A namespace that it will not tell about.
    silent_about: str = ""
    asked: list[str] = field(default_factory=list)
    url: str = ""
    #: Once this was asked, it is another cluster, or one that refuses everything.
    changes_after: str = ""
    changes: dict[str, Any] = field(default_factory=dict)

    def answer(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        answer = self._answer(method, path)
        if f"{method} {path}" == self.changes_after:
            vars(self).update(self.changes)
        return answer

    def _answer(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        parts = path.strip("/").split("/")
        if self.refuses:
            return self.refuses, {"kind": "Status", "status": "Failure", "message": "no"}
        if parts[:3] != ["api", "v1", "namespaces"]:
            return 404, {"kind": "Status", "status": "Failure"}
        match parts[3:]:
            case [name] if name == self.silent_about:
                return 503, {"kind": "Status", "status": "Failure"}
            case [name]:
                return 200, {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "uid": self.uid}}
            case [namespace, "pods"]:
                names = self.pods.get(namespace, [])
                return 200, {"kind": "PodList", "apiVersion": "v1", "items": [_pod(namespace, name) for name in names]}
            case [namespace, "pods", name] if method == "DELETE":
                self.pods[namespace].remove(name)
                return 200, _pod(namespace, name)
        return 404, {"kind": "Status", "status": "Failure"}


def _pod(namespace: str, name: str) -> dict[str, Any]:
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "namespace": namespace}}


@contextmanager
def serving(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster at `cluster.url`, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path).path
            cluster.asked.append(f"{self.command} {path}")
            status, body = cluster.answer(self.command, path)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_DELETE = do_PATCH = do_POST = _serve  # noqa: N815 - as the library calls them

        def log_message(self, *_words: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    cluster.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield cluster
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_kubeconfig(path: Path, current: str, /, **contexts: str) -> Path:
    """A kubeconfig with these contexts, each to its address; `current` is where it points by itself."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": [{"name": name, "cluster": {"server": url}} for name, url in contexts.items()],
        "users": [{"name": "someone", "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "someone"}} for name in contexts],
    }
    path.write_text(json.dumps(document))
    return path
