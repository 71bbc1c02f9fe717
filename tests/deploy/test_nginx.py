"""A real nginx with our configuration, only where there is one of 1.25.1 or newer (none in CI): CAMP_NGINX names it.

The whole demo goes through it with ``python -m tests.deploy.through_nginx``.
"""

import httpx
import pytest

from backend.demo.processes import free_port
from backend.embedded.run_directory import run_directory
from tests.deploy.nginx import find_nginx, running_nginx
from tests.deploy.through_nginx import look_at_pages

NGINX = find_nginx()


@pytest.mark.skipif(NGINX is None, reason="no nginx of 1.25.1 or newer on this machine")
def test_nginx_takes_the_configuration_and_serves_the_pages() -> None:
    assert NGINX is not None
    with (
        run_directory("camp-nginx-") as directory,
        running_nginx(NGINX, directory / "nginx", api_port=free_port()) as nginx,
        httpx.Client(base_url=nginx.url, verify=nginx.trust(), trust_env=False) as visitor,
    ):
        assert "warn" not in nginx.check, nginx.check
        look_at_pages(visitor, nginx)
