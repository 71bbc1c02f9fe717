"""The whole system as processes of its own: sandbox, migration, API and worker, moved by the test clock."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.core import clock
from backend.demo.processes import Processes, free_port, port_or_free

ADMIN = "admin"
# Whose front-ends the API serves.
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Front:
    """A web server before the API: where everybody reaches it, and the certificate that its visitors must believe."""

    url: str
    certificate: Path


def seconds_to_morning() -> float:
    """Until the next 10:00 in Shanghai: a story that begins then is the same at every hour of the day."""
    now = clock.shanghai(clock.now())
    start = now.replace(hour=10, minute=0, second=0, microsecond=0)
    if start < now:
        start += dt.timedelta(days=1)
    return (start - now).total_seconds()


def start(
    processes: Processes,
    directory: Path,
    *,
    servers: Mapping[str, str],
    clock_file: Path,
    password: str,
    port: int = 0,
    reload: bool = False,
    front: Front | None = None,
) -> tuple[str, str]:
    """Start everything and return the addresses of API and sandbox.

    ``servers`` holds ``CAMP_DATABASE_URL`` and ``CAMP_REDIS_URL``; the database is empty. ``directory`` is private
    and takes keys, uploads and settings. ``password`` becomes that of the account ``ADMIN``. With ``reload`` the API
    follows changes of the code. A ``front`` leads to ``port`` and serves the pages itself. Raises :class:`DemoError`
    if a process doesn't come up.
    """
    port, sandbox_port = port_or_free(port), free_port()
    api_url, sandbox_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}"
    env_file = directory / "sandbox.env"
    environment = dict(servers) | {
        "CAMP_ENV": "test",
        "CAMP_TEST_CLOCK": str(clock_file),
        "CAMP_ADMIN_USERNAME": ADMIN,
        "CAMP_ADMIN_PASSWORD": password,
    }
    sandbox: tuple[str, ...] = (
        "--port",
        str(sandbox_port),
        "--keys-dir",
        str(directory / "keys"),
        "--env-file",
        str(env_file),
    )
    if front is not None:
        sandbox += ("--trust", str(front.certificate))
    processes.start("sandbox", "backend.sandbox", *sandbox, environment=environment)
    environment |= {
        "CAMP_PUBLIC_BASE_URL": front.url if front else api_url,
        "CAMP_STORAGE__LOCAL_DIR": str(directory / "uploads"),
        # Impatient settings: a demo's minute is a real second. Waits of production are the defaults.
        "CAMP_ZSXQ__RETRY_WAITS_SECONDS": "0.05,0.05,0.1,0.1,0.2",
        "CAMP_ZSXQ__COOL_DOWN_SECONDS": "0.3",
        "CAMP_REFUND__PER_SECOND": "50",
        "CAMP_REFUND__UNDO_SECONDS": "0",
        # Everybody, and staff who look twenty times a second whether a job has ended, share one address.
        "CAMP_LIMITS__PER_MINUTE": "10000",
        "CAMP_LIMITS__SENSITIVE_PER_MINUTE": "10000",
        # The nights are played with the clock, each job at its hour.
        "CAMP_JOBS_OFF": "camp_states,checkin_sync,refund_lists,reminders,reconcile,credential_check,housekeeping,"
        "payment_backfill",
    }
    environment |= {"CAMP_TRUSTED_PROXIES": "127.0.0.1"} if front else {"CAMP_FRONT_ENDS_DIR": str(REPOSITORY)}
    processes.wait_for("sandbox", f"{sandbox_url}/")
    environment |= _read_env(env_file)
    serve = ["backend", "serve", "--port", str(port)]
    if reload:
        serve = ["uvicorn", "backend.app:from_environment", "--factory", "--reload", "--reload-dir", "backend"]
        serve += ["--port", str(port)]
    processes.start("api", *serve, environment=environment)
    # The API is ready only when the tables are there; it loads meanwhile.
    processes.run("migrate", "backend", "migrate", environment=environment)
    processes.start("worker", "backend", "worker", environment=environment)
    processes.wait_for("api", f"{api_url}/readyz")
    return api_url, sandbox_url


def _read_env(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
