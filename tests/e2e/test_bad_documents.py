"""Every bad document is refused clearly, quickly and in little memory; nothing of it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_documents import BAD, Bad, attempt, lay_out, nothing_ran
from file_fault import SHORT, Repo


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        yield made


def test_there_are_enough_of_them_and_no_two_alike() -> None:
    assert len(BAD) >= 60
    assert len({bad.name for bad in BAD}) == len(BAD)


def test_the_repository_is_right_but_for_them(repo: Repo) -> None:
    lay_out(repo, Bad("good", "runbooks/files.yaml", "", lambda place: place.write_text(SHORT)))
    assert repo.gameday("run", "files").code == 0


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name.replace(" ", "-"))
def test_it_is_refused_clearly_and_cheaply(bad: Bad, repo: Repo) -> None:
    lay_out(repo, bad)
    cost = attempt(repo, bad)
    assert cost.code == 2, cost.said
    assert Path(bad.path).name in cost.said
    assert bad.says in cost.said
    assert "Traceback" not in cost.said
    assert not [char for char in cost.said if char != "\n" and not char.isprintable()]
    assert list(nothing_ran(repo)) == []
    # Of the processor: a busy machine is not the document's fault.
    assert cost.seconds < 1.0
    assert cost.megabytes < 200
    assert len(cost.said) < 20_000
