"""What reaches a run from the shell and the command line, by name only; what looks secret is written nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from file_fault import Repo

_LOOK = "env | grep ^SHOP_ | sort >$MARKER.$0"
_TARGETS = "targets:\n  local: {kind: local, environment: sandbox, env: [SHOP_PROFILE]}\n"
_DRILL = f"""\
name: Who sees what
target: local
runbook: look
experiments: [{{experiment: look}}]
env: ["*_TOKEN"]
needs:
  - name: a probe
    provider: {{type: process, path: sh, arguments: ["-c", '{_LOOK}', need]}}
    tolerance: 0
"""
_EXPERIMENT = f"""\
title: Look
description: A method and what undoes it.
method:
  - {{type: action, name: m, provider: {{type: process, path: sh, arguments: ["-c", '{_LOOK}', method]}}}}
rollbacks:
  - {{type: action, name: r, provider: {{type: process, path: sh, arguments: ["-c", '{_LOOK}', rollback]}}}}
"""
_RUNBOOK = f"name: Look\nsteps:\n  - {{name: look, run: '{_LOOK.replace('$0', 'step')}; env | grep ^SHOP_'}}\n"
_SHELL = {"SHOP_PROFILE": "staging", "SHOP_TOKEN": "tokentoken/1234", "SHOP_OTHER": "other"}


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path / "repo") as repo:
        repo.write("drills/targets.yaml", _TARGETS)
        repo.write("drills/look/drill.yaml", _DRILL)
        repo.write("experiments/look.yaml", _EXPERIMENT)
        repo.write("runbooks/look.yaml", _RUNBOOK)
        yield repo


def test_probe_method_step_and_rollback_see_what_is_named(repo: Repo) -> None:
    said = repo.gameday("run", "look", "--headless", env=_SHELL)

    assert said.code == 0, said.err
    for who in ("need", "method", "step", "rollback"):
        seen = (repo.root / f"marker.{who}").read_text().split()
        assert seen == ["SHOP_PROFILE=staging", "SHOP_TOKEN=tokentoken/1234"], who
    written = "".join(path.read_text(errors="replace") for path in repo.run_folders[0].rglob("*") if path.is_file())
    assert "tokentoken" not in written + said.err + said.out
    assert "staging" in written


_GATE = """\
from pathlib import Path

def before_activity_control(context=None, settings=None, **_):
    with Path("$MARKER.gate").open("a") as told:
        told.write(f"{context['name']} {len(settings['auths']['shop']['value'])}\\n")
    print("with", settings["auths"]["shop"]["value"], flush=True)
"""
_SETTINGS = """\
controls: {watch: {provider: {type: python, module: gate}}}
auths: {shop: {type: bearer, value: settingssecret}}
"""
_GIVEN = """\
title: What is given beside the files
description: As chaos run takes it.
configuration: {word: own, count: 1, from_file: {type: env, key: SHOP_WORD}}
secrets: {api: {token: {type: env, key: NOBODY_SETS_THIS}}}
method:
  - type: action
    name: m
    provider: {type: process, path: sh, arguments: ["-c", 'echo "$@" >$MARKER.given', m, "${word}", "${count}", "${from_file}"]}
  - {type: probe, name: p, provider: {type: python, module: look, func: look, secrets: [api]}}
rollbacks:
  - {type: action, name: r, provider: {type: process, path: touch, arguments: ["$MARKER.undone-${word}"]}}
"""
_LOOK_UP = """\
from pathlib import Path

def look(secrets=None):
    Path("$MARKER.secret").write_text(str(len(secrets["token"])))
"""


def test_values_and_settings_reach_method_controls_and_undo(repo: Repo) -> None:
    repo.write("mods/gate.py", _GATE)
    repo.write("mods/look.py", _LOOK_UP)
    repo.write("settings.yaml", _SETTINGS)
    repo.write("values.yaml", "configuration: {word: filed}\nsecrets: {api: {token: tokentoken}}\n")
    repo.write("values.env", "SHOP_WORD=lines\n")
    repo.write("experiments/given.yaml", _GIVEN)
    options = ["--var", "count:int=7", "--var-file", "values.yaml", "--var-file", "values.env"]

    said = repo.gameday(
        *("run", "experiments/given.yaml", "--target", "local", "--headless", "--settings", "settings.yaml", *options),
        env={"PYTHONPATH": str(repo.root / "mods")},
    )

    assert said.code == 0, said.err
    assert (repo.root / "marker.given").read_text() == "filed 7 lines\n"
    assert (repo.root / "marker.secret").read_text() == "10"
    assert (repo.root / "marker.undone-filed").exists()
    assert (repo.root / "marker.gate").read_text().splitlines() == ["m 14", "p 14", "r 14"]
    written = "".join(path.read_text(errors="replace") for path in repo.run_folders[0].rglob("*") if path.is_file())
    assert "with [redacted]" in written
    assert not {"tokentoken", "settingssecret"} & set(written.replace('"', " ").split())
