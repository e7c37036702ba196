"""What is refused at the start, and what the settings of access do: limits, pages of other hosts, certificates."""

import json
import shutil
import signal
import socket
import ssl
import subprocess

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from access_world import NEEDS_KEYS, one_service
from conftest import BINARY, wait_until

EVERYBODY = {"MORGAN_SERVER_HOST": "0.0.0.0"}
BAD_INPUT, NOT_THERE = 4, 3
AUDIO = {"audio_data": "AAAA", "format": "pcm16"}


@pytest.fixture
def vad(tmp_path):
    with one_service(tmp_path) as made:
        yield made


def key_of(vad, *options):
    return json.loads(vad.run("--json", "keys", "create", *options))


def get(vad, path, **options):
    return requests.get(f"http://127.0.0.1:{vad.port}{path}", timeout=30, **options)


# --- The start ---

def test_others_are_not_let_in_by_mistake(vad):
    code, told = vad.fails(**EVERYBODY)
    assert code == BAD_INPUT
    assert "0.0.0.0" in told and "morgan keys create" in told and "--insecure" in told


def test_with_a_key_others_may_be_let_in(vad):
    key_of(vad, "--user", "anna")
    vad.start(**EVERYBODY)
    assert get(vad, "/models").status_code == 200, "this machine needs none"
    assert "in the clear" in vad.log()


def test_a_key_that_has_ended_does_not_count(vad):
    made = key_of(vad, "--user", "anna", "--days", "1")
    file = vad.server.home / "keys.json"
    keys = json.loads(file.read_text())
    keys["keys"][0]["expires_at"] = made["created_at"] - 1
    file.write_text(json.dumps(keys))
    assert vad.fails(**EVERYBODY)[0] == BAD_INPUT


@pytest.mark.parametrize("options, settings", [(["--insecure"], {}), ([], {"MORGAN_SERVER_INSECURE": "true"})])
def test_insecure_has_to_be_said(vad, options, settings):
    vad.start(*options, **EVERYBODY, **settings)
    assert get(vad, "/models").status_code == 200
    assert "whoever reaches this machine" in vad.log()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_alone_needs_nothing(vad, host):
    vad.start(MORGAN_SERVER_HOST=host)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": [{}]}'])
def test_a_broken_file_of_keys_lets_nobody_in(vad, text):
    (vad.server.home / "keys.json").write_text(text)
    code, told = vad.fails()
    assert code != 0 and "keys.json" in told


def test_a_file_of_keys_that_breaks_later_lets_no_key_in(vad):
    made = key_of(vad, "--user", "anna")
    vad.start(**NEEDS_KEYS)
    shown = {"X-API-Key": made["key"]}
    assert get(vad, "/models", headers=shown).status_code == 200
    (vad.server.home / "keys.json").write_text("{")
    assert get(vad, "/models", headers=shown).status_code == 503
    assert get(vad, "/health").status_code == 200


@pytest.mark.parametrize("settings, code, expected", [
    ({"MORGAN_TLS_CERTIFICATE": "missing.pem"}, NOT_THERE, "missing.pem"),
    ({"MORGAN_TLS_KEY": "missing.pem"}, NOT_THERE, "cert.pem"),
    ({"MORGAN_ACCESS_ALLOWED_ORIGINS": "app.example"}, BAD_INPUT, "app.example"),
    ({"MORGAN_ACCESS_ALLOWED_ORIGINS": "https://app.example/path"}, BAD_INPUT, "without a path"),
    ({"MORGAN_ACCESS_AUDIT": "some"}, BAD_INPUT, "refused"),
    ({"MORGAN_ACCESS_KEY_REQUESTS_PER_MINUTE": "-1"}, BAD_INPUT, "access.key_requests_per_minute")], ids=repr)
def test_wrong_settings(vad, settings, code, expected):
    got, told = vad.fails(**settings)
    assert got == code and expected in told


def test_wyoming_does_not_follow_to_others(own_server):
    environment = own_server.environment(MORGAN_SERVER_HOST="0.0.0.0")
    subprocess.run([BINARY, "keys", "create", "--admin"], env=environment, check=True, capture_output=True, timeout=30)
    own_server.log = open(own_server.home / "server.log", "ab")
    own_server.process = subprocess.Popen([BINARY, "--json", "serve"], env=environment, text=True,
                                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=own_server.log)
    addresses = json.loads(own_server.process.stdout.readline())["addresses"]
    assert addresses["core"].startswith("http://0.0.0.0:")
    assert addresses["wyoming"] == f"tcp://127.0.0.1:{own_server.wyoming_port}"


# --- How fast ---

def test_a_key_may_not_ask_faster_than_its_limit(vad):
    anna, ben = key_of(vad, "--user", "anna"), key_of(vad, "--user", "ben")
    vad.start(MORGAN_ACCESS_KEY_REQUESTS_PER_MINUTE="5", **NEEDS_KEYS)
    answers = [get(vad, "/models", headers={"X-API-Key": anna["key"]}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
    last = answers[-1]
    assert last.headers["X-RateLimit-Limit"] == "5" and 1 <= int(last.headers["Retry-After"]) <= 12
    assert int(last.headers["X-RateLimit-Reset"]) <= 60
    assert last.json()["error"] == "RATE_LIMITED"
    assert get(vad, "/models", headers={"X-API-Key": ben["key"]}).status_code == 200
    assert get(vad, "/health").status_code == 200


def test_an_address_may_not_guess_faster_than_its_limit(vad):
    vad.start(MORGAN_ACCESS_ADDRESS_REQUESTS_PER_MINUTE="3", **NEEDS_KEYS)
    statuses = [get(vad, "/models", headers={"X-API-Key": f"morgan_abcdefgh_{i}"}).status_code for i in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


# --- Pages of other hosts ---

PAGE = {"Origin": "https://app.example"}


def test_pages_of_other_hosts_are_refused_until_they_are_named(vad):
    vad.start()
    assert "Access-Control-Allow-Origin" not in get(vad, "/models", headers=PAGE).headers
    answer = requests.post(f"http://127.0.0.1:{vad.port}/detect", json=AUDIO, headers=PAGE, timeout=30)
    assert answer.status_code == 403 and "access.allowed_origins" in answer.json()["message"]
    with pytest.raises(InvalidStatus) as told:
        connect(f"ws://127.0.0.1:{vad.port}/ws/detect", origin="https://app.example")
    assert told.value.response.status_code == 403


def test_a_named_page_may_use_morgan(vad):
    vad.start(MORGAN_ACCESS_ALLOWED_ORIGINS="https://other.example, https://app.example")
    asked = requests.options(f"http://127.0.0.1:{vad.port}/detect", timeout=30, headers={
        **PAGE, "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang,openai-beta"})
    assert asked.status_code == 204 and asked.headers["Access-Control-Allow-Origin"] == "https://app.example"
    for name in ("authorization", "content-type", "x-stainless-lang", "openai-beta"):
        assert name in asked.headers["Access-Control-Allow-Headers"]
    answer = get(vad, "/models", headers=PAGE)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example" and answer.headers["Vary"] == "Origin"
    with connect(f"ws://127.0.0.1:{vad.port}/ws/detect", origin="https://app.example") as client:
        client.ping().wait(10)


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"X-Forwarded-For": "203.0.113.9"}, {"Via": "1.1 proxy"}],
                         ids=repr)
def test_what_only_seems_to_come_from_this_machine_needs_a_key(vad, headers):
    made = key_of(vad, "--user", "anna")
    vad.start()
    assert get(vad, "/models", headers=headers).status_code == 401
    assert get(vad, "/models", headers={**headers, "X-API-Key": made["key"]}).status_code == 200
    assert get(vad, "/health", headers=headers).status_code == 200


# --- Certificates ---

def shown_certificate(vad):
    return ssl.get_server_certificate(("127.0.0.1", vad.port))


def test_a_certificate_of_ones_own_in_one_command(vad):
    told = vad.run("tls", "self-signed", "--name", "kitchen.example").strip()
    assert told == str(vad.server.home / "tls/cert.pem")
    names = subprocess.run(["openssl", "x509", "-in", told, "-noout", "-ext", "subjectAltName"], text=True,
                           capture_output=True, check=True).stdout
    for name in ("localhost", "127.0.0.1", "kitchen.example"):
        assert name in names
    vad.start()
    assert vad.told["addresses"]["vad"].startswith("https://")
    assert requests.get(f"https://localhost:{vad.port}/health", verify=told, timeout=30).status_code == 200
    again = subprocess.run([BINARY, "tls", "self-signed"], env=vad.server.environment(), capture_output=True, text=True,
                           check=False, timeout=30)
    assert again.returncode != 0 and "--force" in again.stderr


@pytest.mark.parametrize("name", ["a,DNS:b", "", "a b", "x" * 300])
def test_wrong_names_for_a_certificate(vad, name):
    done = subprocess.run([BINARY, "tls", "self-signed", "--name", name], env=vad.server.environment(), text=True,
                          capture_output=True, check=False, timeout=30)
    assert done.returncode == BAD_INPUT and not (vad.server.home / "tls/cert.pem").exists()


def test_a_new_certificate_is_used_after_sighup_and_by_itself(vad):
    vad.run("tls", "self-signed")
    vad.start()
    before = shown_certificate(vad)
    vad.run("tls", "self-signed", "--force")
    vad.process.send_signal(signal.SIGHUP)
    wait_until(lambda: shown_certificate(vad) != before, 10, "the change of the certificate after SIGHUP")
    before = shown_certificate(vad)
    vad.run("tls", "self-signed", "--force")
    wait_until(lambda: shown_certificate(vad) != before, 10, "the change of the certificate by itself")
    (vad.server.home / "tls/key.pem").write_text("broken")
    vad.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "stays in use" in vad.log(), 10, "the refusal of the broken certificate")
    assert shown_certificate(vad)


def test_sighup_without_a_certificate_ends_nothing(vad):
    vad.start()
    vad.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "no certificate" in vad.log(), 10, "the answer to SIGHUP")
    assert get(vad, "/health").status_code == 200


def test_tls_may_be_off_though_there_is_a_certificate(vad):
    vad.run("tls", "self-signed")
    vad.start(MORGAN_TLS_ENABLED="false")
    assert vad.told["addresses"]["vad"].startswith("http://")


def test_certificate_files_of_ones_choice(vad):
    vad.run("tls", "self-signed")
    folder, made = vad.server.home / "elsewhere", vad.server.home / "tls"
    folder.mkdir()
    shutil.move(made / "cert.pem", folder / "c.pem")
    shutil.move(made / "key.pem", folder / "k.pem")
    vad.start(MORGAN_TLS_CERTIFICATE=str(folder / "c.pem"), MORGAN_TLS_KEY=str(folder / "k.pem"))
    assert requests.get(f"https://127.0.0.1:{vad.port}/health", verify=folder / "c.pem", timeout=30).status_code == 200


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\xff\xff" + b"\0" * 3000, b"\x16" * 100, b"\x16\x03\x01\x00\x00",
                                  b"\x80\x2e\x01\x00\x02", b"\x00" * 50], ids=lambda junk: repr(junk[:8]))
def test_junk_on_a_port_with_tls(vad, junk):
    vad.run("tls", "self-signed")
    vad.start()
    with socket.create_connection(("127.0.0.1", vad.port), timeout=30) as client:
        client.sendall(junk)
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass
    assert get(vad, "/health").status_code == 200


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_of_tls_are_refused(vad):
    vad.run("tls", "self-signed")
    vad.start()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", vad.port), timeout=30) as client:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            old.wrap_socket(client)
