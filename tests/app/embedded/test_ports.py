from __future__ import annotations

import socket
from pathlib import Path

import pytest

from app.embedded.ports import is_free, keep_port


def listener(port: int = 0) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


def test_a_port_is_kept(tmp_path: Path) -> None:
    port = keep_port(tmp_path / "port")

    assert keep_port(tmp_path / "port") == port


def test_a_port_that_somebody_took_is_replaced_and_the_new_one_kept(tmp_path: Path) -> None:
    file = tmp_path / "port"
    port = keep_port(file)
    with listener(port):
        other = keep_port(file)
        assert other != port
    assert keep_port(file) == other


def test_it_is_none_that_linux_would_give_to_a_client(tmp_path: Path) -> None:
    lowest, _ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    if int(lowest) < 32_000:
        pytest.skip(f"this machine gives clients ports from {lowest} on")
    assert 1024 < keep_port(tmp_path / "port") < int(lowest)


def test_a_taken_port_is_not_free() -> None:
    with listener() as taken:
        port = taken.getsockname()[1]
        assert not is_free("127.0.0.1", port)
    assert is_free("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        is_free("192.0.2.1", 8000)
