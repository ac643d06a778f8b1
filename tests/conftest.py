"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["timekeeper"]

# How fast a machine is today is no property of the code.
settings.register_profile("gameday", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gameday")


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees, or changes, what this account keeps: open runs, a halt, the theme of its rooms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
