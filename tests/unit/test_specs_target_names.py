"""What a step asks of its target: a variable that the target does not give is named where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import InputError
from runner.specs.catalogue import Catalogue

_TARGETS = """
targets:
  shop:
    kind: http
    environment: staging
    url: https://shop.example.com
    vars: {admin-url: "https://admin.example.com"}
  other: {kind: http, environment: staging, url: "https://other.example.com", vars: {queue: q1}}
"""
_STEP = "name: r\nsteps:\n  - name: a\n    run: |\n      true\n      {}\n"


def _repository(tmp_path: Path, runbook: str, target: str = "shop", *, drill: bool = True) -> Catalogue:
    for folder in ("drills/d", "runbooks"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "drills/targets.yaml").write_text(_TARGETS)
    (tmp_path / "runbooks/r.yaml").write_text(runbook)
    if drill:
        (tmp_path / "drills/d/drill.yaml").write_text(f"name: d\ntarget: {target}\nrunbook: r\n")
    return Catalogue(tmp_path)


def _said(catalogue: Catalogue) -> list[str]:
    return [str(problem) for problem in catalogue.check()]


@pytest.mark.parametrize(
    ("command", "column"),
    [
        ('curl "$TARGET_ADMIN"', 13),
        ("curl ${TARGET_ADMIN}/x", 12),
        ("curl ${TARGET_ADMIN%/}/x", 12),
        ("bash -c 'curl \"$TARGET_ADMIN\"'", 22),
        ("test ${#TARGET_ADMIN} -gt 0", 12),
        ("echo TARGET_ADMIN is $TARGET_ADMIN", 28),
        (r"echo \\$TARGET_ADMIN", 14),
        ("echo $TARGET_URL $$ $TARGET_ADMIN", 27),
        ("echo $$$TARGET_ADMIN", 14),
        ("echo ${TARGET_URL:-$TARGET_ADMIN}", 26),
    ],
)
def test_a_variable_that_the_target_does_not_give_is_named(tmp_path: Path, command: str, column: int) -> None:
    assert _said(_repository(tmp_path, _STEP.format(command))) == [
        f"runbooks/r.yaml:6:{column}: the target 'shop' has no 'admin', so there is no TARGET_ADMIN; "
        "did you mean 'TARGET_ADMIN_URL'?"
    ]


@pytest.mark.parametrize(
    "command",
    [
        'curl "$TARGET_URL$TARGET_ADMIN_URL$TARGET_NAME"',
        'curl "${TARGET_ADMIN:-http://127.0.0.1}"',
        "echo ${TARGET_ADMIN+there}",
        r"echo \$TARGET_ADMIN",
        "# curl $TARGET_ADMIN",
        "echo $$TARGET_ADMIN",
        ': "${TARGET_ADMIN:=x}"; echo $TARGET_ADMIN',
        '[ -n "${TARGET_ADMIN-}" ] && echo $TARGET_ADMIN',
        "TARGET_ADMIN=x; echo $TARGET_ADMIN",
        "export TARGET_ADMIN=$(cat x) && echo $TARGET_ADMIN",
        "read -r TARGET_ADMIN < x; echo $TARGET_ADMIN",
        "for TARGET_ADMIN in a b; do echo $TARGET_ADMIN; done",
        "echo $TARGETS $MY_TARGET_X",
    ],
)
def test_what_is_given_or_set_or_provided_for_is_asked_for_rightly(tmp_path: Path, command: str) -> None:
    assert _said(_repository(tmp_path, _STEP.format(command))) == []


def test_each_of_several_is_named_where_it_stands(tmp_path: Path) -> None:
    said = _said(
        _repository(tmp_path, "name: r\nsteps:\n  - {name: a, run: 'echo $TARGET_A \"$TARGET_B\" ${TARGET_C}'}\n")
    )
    assert [line.partition(" the")[0] for line in said] == [f"runbooks/r.yaml:3:{at}:" for at in (26, 37, 48)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("env: {A: $TARGET_ADMIN}", ["runbooks/r.yaml:5:14: the target 'shop' has no 'admin'"]),
        ("env: {TARGET_ADMIN: x}", []),
        ("shell: perl -e", []),
        ("shell: /bin/sh", ["runbooks/r.yaml:4:16: the target 'shop' has no 'admin'"]),
    ],
)
def test_the_steps_own_variables_and_shell_count(tmp_path: Path, more: str, said: list[str]) -> None:
    run = "ls" if "A:" in more else 'echo "$TARGET_ADMIN"'
    found = _said(_repository(tmp_path, f"name: r\nsteps:\n  - name: a\n    run: {run}\n    {more}\n"))
    assert len(found) == len(said), found
    assert all(line.startswith(start) for line, start in zip(found, said, strict=True)), found


def test_the_target_that_is_meant_decides(tmp_path: Path) -> None:
    catalogue = _repository(tmp_path, _STEP.format("echo $TARGET_QUEUE"), "other")
    assert _said(catalogue) == []
    with pytest.raises(InputError, match="the target 'shop' has no 'queue', so there is no TARGET_QUEUE"):
        catalogue.load_drill("d", target="shop")


@pytest.mark.parametrize(("name", "told"), [("TARGET_QUEUE", False), ("TARGET_ADMIN", False), ("TARGET_CUE", True)])
def test_a_runbook_of_no_drill_may_ask_what_some_target_gives(tmp_path: Path, name: str, told: bool) -> None:
    # TARGET_ADMIN is a sandbox's.
    said = _said(_repository(tmp_path, _STEP.format(f"echo ${name}"), drill=False))
    assert [line.partition(";")[0] for line in said] == [
        "runbooks/r.yaml:6:12: no target here has 'cue', so there is no TARGET_CUE"
    ] * told


def test_what_a_drill_tells_is_told_once(tmp_path: Path) -> None:
    assert len(_said(_repository(tmp_path, _STEP.format("echo $TARGET_CUE")))) == 1
