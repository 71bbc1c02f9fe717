"""Starts the whole system as separate processes on the test clock: sandbox, migration, API and worker."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.core import clock
from backend.demo.processes import Processes, free_port, port_or_free

ADMIN = "admin"
# The API serves the built front-ends from here.
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Front:
    """A web server in front of the API: its public URL, and the certificate that its clients must trust."""

    url: str
    certificate: Path


def seconds_to_morning() -> float:
    """Seconds until the next 10:00 in Shanghai. Starting the demo then makes it independent of the time of day."""
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
    """Start all processes and return the URLs of API and sandbox.

    ``servers`` holds ``CAMP_DATABASE_URL`` and ``CAMP_REDIS_URL``; the database must be empty. ``directory`` must be
    private: it receives keys, uploads and settings. ``password`` is set for the account ``ADMIN``. With ``reload``
    the API restarts when the code changes. A ``front`` forwards to ``port`` and serves the pages itself. Raises
    :class:`DemoError` if a process doesn't start.
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
        # Short waits, so that the demo doesn't take minutes. The defaults are for production.
        "CAMP_ZSXQ__RETRY_WAITS_SECONDS": "0.05,0.05,0.1,0.1,0.2",
        "CAMP_ZSXQ__COOL_DOWN_SECONDS": "0.3",
        "CAMP_REFUND__PER_SECOND": "50",
        "CAMP_REFUND__UNDO_SECONDS": "0",
        # All clients share one address, and polling for a job's end makes 20 requests a second: production limits
        # would refuse them.
        "CAMP_LIMITS__PER_MINUTE": "10000",
        "CAMP_LIMITS__SENSITIVE_PER_MINUTE": "10000",
        # The scenes start these jobs themselves at the right time; the scheduler would run them a second time.
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
    # Migrate while the API loads: it is ready only once the tables exist.
    processes.run("migrate", "backend", "migrate", environment=environment)
    processes.start("worker", "backend", "worker", environment=environment)
    processes.wait_for("api", f"{api_url}/readyz")
    return api_url, sandbox_url


def _read_env(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
