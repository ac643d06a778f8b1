"""A repository that uses secrets in every way there is, against a server that echoes whatever it is sent.

The secrets hold characters that every encoding changes, around words that stand nowhere else: whoever finds such a
word, or half of it, in any encoding, has found a leak, however the tool that wrote it spells the rest.
"""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from file_fault import Repo

#: Variable → the word in the middle of its value.
WORDS = {
    "ENV_TOKEN": "Zq8vK3mT1xWb",
    "FILE_TOKEN": "Jh5nQ7cR2yPd",
    "COMMAND_TOKEN": "Gf4sL9wB6kVt",
    "OWN_TOKEN": "Mx7dD2hY5nCj",
    "ANSWER": "Rk3pS8uF4zEq",
}


def value(name: str) -> str:
    """The secret itself."""
    return f"a\"1&<>'\\ü {WORDS[name]}/+=%~z"


def spellings(name: str) -> Iterator[tuple[str, bytes]]:
    """How a leak of this secret would look; halves too, for what was cut must not show either."""
    word = WORDS[name]
    for part in (word, word[:6], word[6:]):
        yield f"{part} as it is", part.encode()
        yield f"{part} in hexadecimal", part.encode().hex().encode()
        yield f"{part} in HEXADECIMAL", part.encode().hex().upper().encode()
    raw = value(name).encode()
    at = raw.index(word.encode())
    for shift in range(3):
        # Inside a longer text the same bytes give three different texts, one for each offset.
        encoded = base64.b64encode(b"x" * shift + raw)
        first, last = -(-(shift + at) * 8 // 6), (shift + at + len(word)) * 8 // 6
        yield f"{word} in base64 at {shift}", encoded[first:last]
        yield f"the end of {name} in base64 at {shift}", encoded.rstrip(b"=")[-9:-1]


def found_in(data: bytes) -> list[str]:
    """The leaks in it."""
    return [f"{name}: {what}" for name in WORDS for what, spelling in spellings(name) if spelling in data]


@dataclass(frozen=True)
class Echo:
    """A server that answers with all it was sent; `heard` holds the Authorization headers."""

    port: int
    heard: list[str]

    @classmethod
    @contextmanager
    def serve(cls) -> Iterator[Echo]:
        heard: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                heard.append(self.headers.get("Authorization", ""))
                said = {"environment": "test", "path": self.path, "headers": dict(self.headers.items())}
                body = json.dumps(said, ensure_ascii=False).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield cls(server.server_address[1], heard)
        finally:
            server.shutdown()
            server.server_close()


_TARGETS = """\
targets:
  shop:
    kind: http
    environment: test
    url: http://127.0.0.1:PORT
    headers: {Authorization: "Bearer ${FILE_TOKEN}"}
    secrets:
      - {FILE_TOKEN: {file: secrets/token}}
      - {COMMAND_TOKEN: {command: "cat secrets/other"}}
    identity:
      provider: {type: http, url: "http://127.0.0.1:PORT/about", timeout: 5}
      tolerance: {type: jsonpath, target: body, path: "$.environment", expect: test}
"""
_DRILL = """\
name: Secrets
briefing: They are used everywhere.
target: shop
runbook: files
secrets: [ENV_TOKEN]
experiments:
  - experiment: files
load: {locustfile: locustfile.py, users: 4, spawn-rate: 4, warm-up: 2s, processes: 2}
steady-state:
  hold: 1s
  indicators:
    - name: it answers
      probe:
        provider: {type: http, url: "${target.url}/ok", timeout: 5}
        tolerance: 200
      every: 500ms
alerts:
  - name: never
    provider: {type: http, url: "${target.url}/alerts", timeout: 5}
    tolerance: {type: jsonpath, target: body, path: "$.headers.Authorization", expect: nothing}
  - name: python
    provider: {type: python, module: faults, func: tell, secrets: [FILE_TOKEN], arguments: {how: said}}
    tolerance: nothing
  - name: a process
    provider: {type: process, path: printenv, arguments: [COMMAND_TOKEN], secrets: [COMMAND_TOKEN]}
    tolerance: {type: regex, target: stdout, pattern: "^nothing$"}
undone-when:
  - name: the marker is gone
    provider: {type: process, path: test, arguments: "! -e $MARKER"}
    tolerance: 0
expect: no-impact
limits: {time-box: 20s}
"""
#: An action of a process and of Python, with and without arguments, a probe with a header, a rollback of each.
_EXPERIMENT = """\
title: Secrets
description: Whatever is done here is done with a secret.
configuration:
  base: {type: env, key: TARGET_URL}
  whole: {type: env, key: COMMAND_TOKEN}
secrets:
  shop:
    token: {type: env, key: ENV_TOKEN}
    own: {type: env, key: OWN_TOKEN}
steady-state-hypothesis:
  title: it answers
  probes:
    - type: probe
      name: with a header
      tolerance: 200
      provider:
        type: http
        url: ${base}/probe
        headers: {X-Token: "${token}", X-Own: "${own}", X-Whole: "${whole}"}
        secrets: [shop]
method:
  - type: action
    name: a process
    provider: {type: process, path: sh, arguments: [faults.sh]}
  - type: action
    name: in Python
    provider: {type: python, module: faults, func: break_it, secrets: [shop], arguments: {given: "${whole}"}}
  - type: probe
    name: a process prints it
    provider: {type: process, path: printenv, arguments: [ENV_TOKEN]}
rollbacks:
  - type: action
    name: take it away
    provider: {type: process, path: sh, arguments: [rollback.sh]}
  - type: action
    name: mend it
    provider: {type: python, module: faults, func: mend, secrets: [shop], arguments: {given: "${whole}"}}
"""
_PYTHON = """\
import base64, json, logging, os, sys, urllib.parse

logger = logging.getLogger("chaostoolkit")


def tell(how="", secrets=None):
    value = json.dumps(secrets, ensure_ascii=False)
    print(value, flush=True)
    logger.warning("%s", value)
    return {"how": how, "secrets": secrets}


def break_it(given, secrets=None):
    for value in (given, *secrets.values()):
        print(value, base64.b64encode(value.encode()).decode(), flush=True)
        logger.warning("as %s and %s", value, urllib.parse.quote(value))
    return {"given": given, "inside": json.dumps(secrets), secrets["token"]: 1}


def mend(given, secrets=None):
    sys.stderr.write(given + json.dumps(secrets) + "\\n")
    logger.error("mended with %s", secrets)
    return [given, secrets]


def fail(given="", secrets=None):
    raise ValueError("no use of " + given + urllib.parse.quote(json.dumps(secrets)))
"""
#: Prints the variables it is given in every spelling that a tool might choose, and in two pieces.
_PRINT = """\
import base64, json, os, sys, time, urllib.parse
from html import escape
for name in sys.argv[1:]:
    value = os.environ[name]
    raw = value.encode()
    for text in (
        value, base64.b64encode(raw).decode(), base64.urlsafe_b64encode(b"user:" + raw).decode(),
        base64.b64encode(b"ab:" + raw + b"\\n").decode(), urllib.parse.quote(value), urllib.parse.quote_plus(value),
        urllib.parse.quote(urllib.parse.quote(value)), raw.hex(), raw.hex().upper(), json.dumps(value),
        json.dumps(value, ensure_ascii=False), json.dumps(json.dumps({"a": value})), repr(value), escape(value),
    ):
        print("it is", text, "indeed", flush=True)
    for stream in (sys.stdout, sys.stderr):
        half = value.index("/") - 6
        stream.write("in two: " + value[:half])
        stream.flush()
        time.sleep(0.3)
        stream.write(value[half:] + " so\\n")
        stream.flush()
    sys.stdout.write("x" * 70000 + value + "\\n" + value)
"""
_LOCUSTFILE = """\
import logging, os
from locust import HttpUser, between, task

TOKEN, OTHER = os.environ["ENV_TOKEN"], os.environ["FILE_TOKEN"]
print("imported with", TOKEN, flush=True)


class Shopper(HttpUser):
    wait_time = between(0.1, 0.2)

    @task
    def named(self):
        self.client.get("/a", name="GET " + TOKEN, headers={"Authorization": "Bearer " + OTHER})
        logging.getLogger("shop").warning("bought with %s", OTHER)

    @task
    def in_the_address(self):
        self.client.get("/b", params={"token": OTHER})
        with self.client.get("/c", catch_response=True) as answer:
            answer.failure("no: " + answer.text + TOKEN)

    @task
    def broken(self):
        print(TOKEN)
        raise RuntimeError("broken by " + TOKEN)
"""
_RUNBOOK = """\
name: Secrets
steps:
  - id: look
    name: Look
    secrets: [ENV_TOKEN, FILE_TOKEN, COMMAND_TOKEN]
    run: python3 print.py ENV_TOKEN FILE_TOKEN COMMAND_TOKEN
    on-failure: continue
  - id: ask
    name: Ask
    ask: [{name: ANSWER, prompt: "Which?", secret: true}]
  - id: use
    name: Use the answer
    run: python3 print.py ANSWER; exit 3
    on-failure: continue
  - id: none
    name: Without any
    run: env; sleep 0.5
  - id: hold
    name: A while
    run: sleep 2
"""
_OPERATOR = """\
name: ana
steps:
  look: {}
  ask: {answers: {ANSWER: VALUE}}
  use: {}
  none: {}
  hold: {}
when:
  - {event: verify-ended, note: nothing}
"""
#: Bare: an action that fails with the secret in its words, and a rollback that cannot work.
_FAILING = """\
title: It fails
description: With a secret in its words.
configuration:
  whole: {type: env, key: COMMAND_TOKEN}
secrets:
  shop:
    token: {type: env, key: ENV_TOKEN}
method:
  - type: action
    name: in Python
    provider: {type: python, module: faults, func: fail, secrets: [shop], arguments: {given: "${whole}"}}
rollbacks:
  - type: action
    name: mend it
    provider: {type: python, module: faults, func: fail, secrets: [shop], arguments: {given: "${whole}"}}
"""


def lay_out(repo: Repo, port: int) -> None:
    """Write all of it."""
    repo.write("drills/targets.yaml", _TARGETS.replace("PORT", str(port)))
    repo.write("drills/files/drill.yaml", _DRILL)
    repo.write("drills/files/locustfile.py", _LOCUSTFILE)
    repo.write("runbooks/files.yaml", _RUNBOOK)
    repo.write("experiments/files.yaml", _EXPERIMENT)
    repo.write("experiments/failing.yaml", _FAILING)
    repo.write("lib/faults.py", _PYTHON)
    repo.write("print.py", _PRINT)
    repo.write("faults.sh", 'touch $MARKER\necho "$ENV_TOKEN $COMMAND_TOKEN"\nprintenv OWN_TOKEN >&2\nsleep 3\n')
    repo.write("rollback.sh", 'rm -f $MARKER\necho "$ENV_TOKEN $OWN_TOKEN"\nprintenv COMMAND_TOKEN >&2\n')
    repo.write("op.yaml", _OPERATOR.replace("VALUE", json.dumps(value("ANSWER"), ensure_ascii=False)))
    repo.write("secrets/token", value("FILE_TOKEN") + "\n")
    repo.write("secrets/other", value("COMMAND_TOKEN") + "\n")


def environment(repo: Repo) -> dict[str, str]:
    """What the terminal of the run knows."""
    own = {name: value(name) for name in ("ENV_TOKEN", "OWN_TOKEN")}
    return {**own, "PYTHONPATH": str(repo.root / "lib")}
