"""A port that cannot be listened at is told in one line that says why."""

import socket

import pytest

from app.cli import refuse_used_port
from core.errors import ConfigurationError


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_in_use_is_refused_until_it_is_free(family: socket.AddressFamily, host: str) -> None:
    listener = socket.socket(family)
    try:
        listener.bind((host, 0))
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with listener:
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} is in use"):
            refuse_used_port(host, port)

    refuse_used_port(host, port)


def test_a_host_that_is_not_this_machine_is_not_called_a_port_in_use() -> None:
    with pytest.raises(ConfigurationError, match=r"203\.0\.113\.1 port 8000 cannot be listened at: \w+"):
        refuse_used_port("203.0.113.1", 8000)
