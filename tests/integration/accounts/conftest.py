from __future__ import annotations

import pytest

from resource_hub.domain.accounts import secrets


@pytest.fixture(autouse=True)
def _fast_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real Argon2, but with parameters that take no time."""
    monkeypatch.setattr(secrets, "_hasher", secrets._hasher)
    secrets.use_fast_hashing()
