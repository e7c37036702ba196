"""Avahi's daemon, as Morgan knows it: a name on a bus of its own; it takes services and tells what became of them."""

import contextlib
import queue
import socket
import subprocess
import threading

from jeepney import DBusAddress, HeaderFields, MessageType, message_bus, new_error, new_method_return, new_signal
from jeepney.io.blocking import Proxy, open_dbus_connection

NAME = "org.freedesktop.Avahi"
GROUP = DBusAddress("/Client1/EntryGroup1", interface=NAME + ".EntryGroup")
API_VERSION, RUNNING = 0x0203, 2
UNCOMMITTED, ESTABLISHED, COLLISION = 0, 2, 3
LIMIT = 30  # seconds for one announcement
CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={}</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
"""


@contextlib.contextmanager
def private_bus(folder):
    """@return its address, as DBUS_SYSTEM_BUS_ADDRESS has it"""
    configuration = folder / "bus.xml"
    configuration.write_text(CONFIGURATION.format(folder / "bus"))
    process = subprocess.Popen(["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
                               stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().strip()
        assert address, "the bus did not start"
        yield address
    finally:
        process.terminate()
        process.wait(timeout=LIMIT)
        process.stdout.close()


class Avahi:
    """Used by `with`. Of the names that are taken, `here` are told at once, `elsewhere` when the network was asked.

    It answers while `awake` is set."""

    def __init__(self, address, here=(), elsewhere=()):
        self.address, self.here, self.elsewhere = address, here, elsewhere
        self.added, self.established = [], queue.Queue()
        self.awake = threading.Event()
        self.awake.set()

    def __enter__(self):
        self.connection = open_dbus_connection(self.address)
        self.listener = threading.Thread(target=self.listen, daemon=True)
        Proxy(message_bus, self.connection, timeout=LIMIT).RequestName(NAME)
        self.listener.start()
        return self

    def __exit__(self, *_):
        self.awake.set()
        self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.listener.join(timeout=LIMIT)
        self.connection.close()

    def announced(self):
        """@return name, type and port of the next service that the network knows"""
        return self.established.get(timeout=LIMIT)

    def listen(self):
        with contextlib.suppress(ConnectionResetError):
            while True:
                message = self.connection.receive()
                if message.header.message_type == MessageType.method_call:
                    self.awake.wait(LIMIT)
                    self.answer(message)

    def answer(self, call):
        member = call.header.fields[HeaderFields.member]
        if member == "AddService" and call.body[3] in self.here:
            return self.connection.send(new_error(call, NAME + ".CollisionError", "s", ("Local name collision",)))
        if member == "AddService":
            _, _, _, name, kind, _, _, port, _ = call.body
            self.added.append((name, kind, port))
        if member == "Reset":
            self.added.clear()
        on_group = call.header.fields[HeaderFields.path] == GROUP.object_path
        signature, body = {
            "GetAPIVersion": ("u", (API_VERSION,)), "GetState": ("i", (UNCOMMITTED if on_group else RUNNING,)),
            "EntryGroupNew": ("o", (GROUP.object_path,)), "IsEmpty": ("b", (not self.added,))}.get(member, (None, ()))
        self.connection.send(new_method_return(call, signature, body))
        if member == "Commit":
            self.commit(call.header.fields[HeaderFields.sender])

    def commit(self, client):
        taken = any(name in self.elsewhere for name, _, _ in self.added)
        state, error = (COLLISION, "CollisionError") if taken else (ESTABLISHED, "Success")
        signal = new_signal(GROUP, "StateChanged", "is", (state, f"{NAME}.{error}"))
        signal.header.fields[HeaderFields.destination] = client
        self.connection.send(signal)
        if not taken:
            for service in self.added:
                self.established.put(service)
