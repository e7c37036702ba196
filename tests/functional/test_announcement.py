"""That the local network is told of Morgan, as Home Assistant looks for it."""

import shutil
import socket

import pytest

from avahi_daemon import LIMIT, Avahi, private_bus
from conftest import Server, wait_until

pytestmark = pytest.mark.skipif(not shutil.which("dbus-daemon"), reason="there is no dbus-daemon")
LIGHT = {"MORGAN_LLM_MODEL": "smollm2-135m", "MORGAN_TTS_KOKORO": "false", "MORGAN_WYOMING_WAKE_WORDS": "false",
         "MORGAN_WYOMING_HOST": "0.0.0.0", "MORGAN_SERVER_INSECURE": "true"}
NAME = f"Morgan on {socket.gethostname()}"


@pytest.fixture(scope="module")
def bus(tmp_path_factory):
    with private_bus(tmp_path_factory.mktemp("bus")) as address:
        yield address


@pytest.fixture(scope="module")
def announcing(bus, tmp_path_factory):
    """A server that began before any daemon of Avahi's was there."""
    running = Server(tmp_path_factory.mktemp("announcing"))
    running.start(**LIGHT, DBUS_SYSTEM_BUS_ADDRESS=bus)
    yield running
    running.stop()


def logged(server, words):
    return (server.home / "server.log").read_text().count(words)


def test_the_network_is_told_each_time_that_the_daemon_comes(bus, announcing):
    for times in (1, 2):
        with Avahi(bus) as daemon:
            assert daemon.announced() == (NAME, "_wyoming._tcp", announcing.wyoming_port)
            known = "the local network knows the service"
            wait_until(lambda: logged(announcing, known) == times, LIMIT, "a word of it")


def test_a_name_that_another_has_is_changed(bus, announcing):
    with Avahi(bus, here=[NAME], elsewhere=[NAME + " #2"]) as daemon:
        assert daemon.announced() == (NAME + " #3", "_wyoming._tcp", announcing.wyoming_port)


def test_nobody_waits_for_a_daemon_that_hangs(tmp_path, own_server):
    with private_bus(tmp_path) as bus, Avahi(bus) as daemon:
        daemon.awake.clear()
        own_server.start(**LIGHT, DBUS_SYSTEM_BUS_ADDRESS=bus)
        wait_until(lambda: logged(own_server, "Morgan is listening"), LIMIT, "the end of the start")
        daemon.awake.set()
        assert daemon.announced() == (NAME, "_wyoming._tcp", own_server.wyoming_port)
