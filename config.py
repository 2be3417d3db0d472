"""Settings of an installation, read from the environment. Every setting has its meaning here and nowhere else."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation can be told.

    ``migration_url`` names the role that owns the tables; where it is empty, migrations run as the application's role
    (always so on SQLite). ``app_role`` is the application's role, to which migrations give its rights.
    """

    database_url: str
    instance_dir: Path
    migration_url: str = ""
    app_role: str = ""
    secret_key: str = ""
    base_url: str = "http://127.0.0.1:8000"
    secure_cookies: bool = False
    mail_url: str = ""  # smtp://user:password@host:port; empty: letters are kept as files
    mail_from: str = "resource-hub@localhost"
    # Where calendars send their answers, with the place of the letter's token: hub+{token}@example.org. What arrives
    # there is handed to ``resource-hub mail receive``. Empty: invitations ask for no answer.
    mail_replies: str = ""
    trusted_proxies: int = 0
    testing: bool = False
    pool_size: int = 10
    log_level: str = "INFO"
    metrics_token: str = ""  # who sends it may read /metrics; without one only this machine may
    # Networks inside that calendars may be fetched from, as 10.20.0.0/16; all others must be public.
    calendar_networks: tuple[str, ...] = ()
    max_upload_bytes: int = 32 * 1024 * 1024
    extra: Mapping[str, object] = field(default_factory=dict)

    @property
    def files_dir(self) -> Path:
        return self.instance_dir / "files"

    @property
    def keys_dir(self) -> Path:
        return self.instance_dir / "keys"

    @property
    def mail_dir(self) -> Path:
        return self.instance_dir / "mail"


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from ``RESOURCE_HUB_*`` variables, with a SQLite file under ``var/`` when nothing is said."""
    env = os.environ if environment is None else environment
    instance = Path(env.get("RESOURCE_HUB_INSTANCE", ROOT / "var")).resolve()
    instance.mkdir(parents=True, exist_ok=True)
    base_url = env.get("RESOURCE_HUB_BASE_URL", "http://127.0.0.1:8000").rstrip("/")
    return Settings(
        database_url=env.get("RESOURCE_HUB_DATABASE_URL", f"sqlite:///{instance / 'resource-hub.db'}"),
        instance_dir=instance,
        migration_url=env.get("RESOURCE_HUB_MIGRATION_URL", ""),
        app_role=env.get("RESOURCE_HUB_APP_ROLE", ""),
        secret_key=env.get("RESOURCE_HUB_SECRET_KEY", "") or _secret_from_file(instance / "secret_key"),
        base_url=base_url,
        secure_cookies=base_url.startswith("https://"),
        mail_url=env.get("RESOURCE_HUB_MAIL_URL", ""),
        mail_from=env.get("RESOURCE_HUB_MAIL_FROM", "resource-hub@localhost"),
        mail_replies=env.get("RESOURCE_HUB_MAIL_REPLIES", ""),
        trusted_proxies=int(env.get("RESOURCE_HUB_TRUSTED_PROXIES", "0")),
        log_level=env.get("RESOURCE_HUB_LOG_LEVEL", "INFO").upper(),
        metrics_token=env.get("RESOURCE_HUB_METRICS_TOKEN", ""),
        pool_size=int(env.get("RESOURCE_HUB_POOL_SIZE", "10")),
        calendar_networks=tuple(env.get("RESOURCE_HUB_CALENDAR_NETWORKS", "").replace(",", " ").split()),
    )


def _secret_from_file(path: Path) -> str:
    """The key that signs cookies: made once, readable by its owner only."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        secret = secrets.token_hex(32)
        file.write(secret)
    return secret
