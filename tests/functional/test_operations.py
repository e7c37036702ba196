"""The scripts and files that build, ship and align Morgan: what is quick of them. `make images` builds and runs the image."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
SERVICES = ("core", "llm", "tts", "stt", "vad")
DONE, FAILED, WRONG_USAGE, NOT_THERE = 0, 1, 2, 3


def run(*command, root=ROOT, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MORGAN_")}
    return subprocess.run([str(part) for part in command], cwd=root, env={**clean, **environment}, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False)


def registry_build(*options, **environment):
    return run("scripts/registry-build.sh", *options, **environment)


@pytest.fixture
def tree(tmp_path):
    """What is aligned, in a repository of its own that a test may spoil."""
    for name in ("versions.toml", "Dockerfile", "compose.yaml", "docs/versions.md", "src/cli/doctor/profiles.h",
                 "scripts/align.py", "scripts/check_versions.py", "scripts/fetch.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    run("git", "init", "-q", root=tmp_path)
    return tmp_path


def edit(tree, name, old, new):
    text = (tree / name).read_text()
    assert old in text
    (tree / name).write_text(text.replace(old, new))


def test_everything_derived_agrees_with_the_versions(tree):
    assert run(sys.executable, "scripts/align.py", "--check", root=tree).returncode == DONE
    assert run(sys.executable, "scripts/check_versions.py", root=tree).returncode == DONE


def test_a_version_that_changed_is_noticed_and_written(tree):
    edit(tree, "versions.toml", 'driver_minimum = "580.65.06"', 'driver_minimum = "580.82.07"')
    done = run(sys.executable, "scripts/align.py", "--check", root=tree)
    assert done.returncode == FAILED
    assert "docs/versions.md: differs" in done.stderr and "profiles.h: differs" in done.stderr
    assert run(sys.executable, "scripts/align.py", root=tree).returncode == DONE
    assert "580.82.07" in (tree / "docs/versions.md").read_text()
    assert "580.82.07" in (tree / "src/cli/doctor/profiles.h").read_text()
    assert run(sys.executable, "scripts/align.py", "--check", root=tree).returncode == DONE


def test_a_derived_file_that_was_edited_is_noticed(tree):
    edit(tree, "Dockerfile", "AS toolkit-cuda-12.4", "AS toolkit-cuda-12.5")
    done = run(sys.executable, "scripts/align.py", "--check", root=tree)
    assert done.returncode == FAILED and "Dockerfile: differs" in done.stderr


@pytest.mark.parametrize("name, line", [
    ("requirements.txt", "numpy>=2.0"), ("requirements.txt", "numpy~=2.0"), ("package.json", '"kokoro-js": "^1.2.1"'),
    ("Dockerfile.more", "FROM debian:latest"), ("Dockerfile.more", "FROM debian"), ("compose.more.yaml", "    image: redis:7.0"),
    ("requirements.txt", "numpy==98.7.6")])
def test_a_range_or_an_unknown_version_is_refused(tree, name, line):
    (tree / name).write_text(line + "\n")
    done = run(sys.executable, "scripts/check_versions.py", root=tree)
    assert done.returncode == FAILED and f"{name}:1:" in done.stderr


@pytest.mark.parametrize("old, new, said", [
    ('version = "0.3.36"', 'version = ">=0.3.36"', "states a range"),
    ('redis = "redis:7.4.2-bookworm"', 'redis = "redis:latest"', "no exact tag"),
    ('pytest = "9.2.0"', 'pytest = "9.*"', "not a version"),
    ('onnxruntime_gpu = "1.22.0"', 'onnxruntime_gpu = "1.23.0"', "another onnxruntime_gpu")])
def test_the_versions_themselves_are_exact(tree, old, new, said):
    edit(tree, "versions.toml", old, new)
    done = run(sys.executable, "scripts/check_versions.py", root=tree)
    assert done.returncode == FAILED and said in done.stderr


def test_a_profile_that_does_not_exist_names_the_nearest():
    for done in (registry_build("-b", "-n", "-P", "cuda-12.5"), run("scripts/build.sh", "engines", MORGAN_PROFILE="cuda-12.5"),
                 run(sys.executable, "scripts/fetch.py", "--profile", "cuda-12.5")):
        assert done.returncode in (FAILED, WRONG_USAGE)
        assert "no profile 'cuda-12.5' (did you mean 'cuda-12." in done.stderr


def test_a_processor_that_does_not_exist_is_refused():
    done = run("scripts/build.sh", "engines", MORGAN_CPU="i486")
    assert done.returncode == FAILED and "x86-64-v3" in done.stderr


def test_the_images_of_all_services_are_built_and_pushed():
    told = registry_build("-b", "-p", "-n", "-r", "registry.example/team", "-t", "v1").stdout.splitlines()
    assert told[0].startswith("docker build ") and "--target cpu" in told[0]
    for service in ("core", "llm-service", "tts-service", "stt-service", "vad-service"):
        image = f"registry.example/team/morgan/{service}:v1"
        assert f"-t {image} " in told[0] and f"docker push {image} " in told


def test_one_service_of_a_profile():
    told = registry_build("-b", "-p", "-c", "-n", "-s", "core", "-P", "cuda-12.4", MORGAN_REGISTRY="registry.example").stdout.splitlines()
    image = "registry.example/morgan/core:cuda-12.4"
    assert "--target cuda-12.4" in told[0] and told[0].count("-t ") == 1
    assert [line.strip() for line in told[1:]] == [f"docker push {image}", f"docker image rm {image}"]


@pytest.mark.parametrize("options, said", [
    ([], "nothing to do"), (["-p"], "name the registry"), (["-x"], "no option -x"), (["-b", "-t"], "-t needs a value"),
    (["-b", "-s", "cor"], "no service 'cor'"), (["-b", "-t", "a b"], "cannot be a tag"), (["-b", "core"], "named with -s")])
def test_wrong_options_are_told(options, said):
    done = registry_build("-n", *options)
    assert done.returncode == WRONG_USAGE and said in done.stderr and done.stdout == ""


def test_without_an_engine_nothing_is_built():
    done = registry_build("-b", DOCKER_HOST="unix:///nonexistent/engine.sock")
    assert done.returncode == NOT_THERE and "docker" in done.stderr



def test_every_stage_of_the_dockerfile_stands_on_one_before_it():
    text = (ROOT / "Dockerfile").read_text()
    known = set()
    for line in text.splitlines():
        if match := re.match(r"FROM (\S+) AS (\S+)$", line):
            base = match[1]
            assert base in known or re.fullmatch(r"\$\{[A-Z0-9_]+_IMAGE\}", base), line
            if base.startswith("$"):
                assert re.search(rf"^ARG {base[2:-1]}=\S+:\S+$", text, re.M), f"{base} has no value"
            known.add(match[2])
        for source in re.findall(r"--from=(\S+)", line):
            assert source in known, line
    assert {"cpu", "cuda-12.4", "cuda-12.8", "cuda-13.0"} <= known


def test_every_image_runs_without_rights():
    parts = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.M)
    finals = [part for part in parts if re.match(r"packages-\S+ AS ", part)]
    assert len(finals) == 4
    for part in finals:
        assert re.findall(r"^USER (\S+)$", part, re.M) == ["10001:10001"]


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined_and_watched(compose, name):
    service = compose["services"][name]
    assert service["read_only"] and service["user"] == "10001:10001" and service["cap_drop"] == ["ALL"]
    assert service["command"] == ["serve", name]
    assert service["healthcheck"]["test"] == ["CMD", "/opt/morgan/bin/morgan", "health", name]
    # Core asks for keys, so only it may be opened to others.
    address = "${MORGAN_BIND:-127.0.0.1}:" if name == "core" else "127.0.0.1:"
    assert all(port.startswith(address) for port in service["ports"])
    insecure = "${MORGAN_INSECURE:-true}" if name == "core" else "true"
    assert service["environment"]["MORGAN_SERVER_INSECURE"] == insecure
    assert "models:/var/lib/morgan/models:ro" in service["volumes"]


def test_core_waits_for_the_services_that_it_calls(compose):
    core = compose["services"]["core"]
    for name in ("llm", "tts", "stt"):
        assert core["depends_on"][name] == {"condition": "service_healthy"}
        port = 8000 + SERVICES.index(name)
        assert core["environment"][f"MORGAN_CORE_{name.upper()}_URL"] == f"http://{name}:{port}/v1"


def test_what_the_docs_set_reaches_the_service_that_reads_it(compose):
    one, = yaml.safe_load((ROOT / "compose.one.yaml").read_text())["services"].values()
    for environment in (compose["services"]["core"]["environment"], one["environment"]):
        for name in ("MORGAN_STORE_URL", "MORGAN_CACHE_URL", "MORGAN_TOOLS_TIME_ZONE"):
            assert environment[name] == "${%s:-}" % name


def test_stores_are_there_when_asked_for(compose):
    for name in ("postgres", "redis", "qdrant"):
        store = compose["services"][name]
        assert store["profiles"] == ["stores"] and store["healthcheck"]["test"] and name in compose["volumes"]
    assert "PASSWORD" not in str(compose["services"]["postgres"]["environment"]).replace("POSTGRES_PASSWORD_FILE", "")


def test_gpus_are_reserved_for_the_services_that_use_one(compose):
    gpu = yaml.safe_load((ROOT / "compose.cuda.yaml").read_text())["services"]
    assert set(gpu) == {"llm", "stt", "tts"} <= set(compose["services"])
    for service in gpu.values():
        device, = service["deploy"]["resources"]["reservations"]["devices"]
        assert device["driver"] == "nvidia" and device["capabilities"] == ["gpu"]


def test_one_container_serves_all_five():
    one, = yaml.safe_load((ROOT / "compose.one.yaml").read_text())["services"].values()
    assert one["read_only"] and one["user"] == "10001:10001" and "8000-8004:8000-8004" in one["ports"][0]


def test_the_bill_of_materials_lists_packages_and_sources(tmp_path):
    def bill(status):
        (tmp_path / "status").write_text(status)
        return run(sys.executable, "scripts/sbom.py", "--profile", "cuda-12.4", "--packages", tmp_path / "status")

    done = bill("Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\n"
                "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1.0\n")
    assert done.returncode == DONE, done.stderr
    parts = {part["name"]: part for part in yaml.safe_load(done.stdout)["components"]}
    assert parts["libc6"]["purl"] == "pkg:deb/debian/libc6@2.36-9?arch=amd64" and "gone" not in parts
    assert parts["onnxruntime-gpu"]["version"] == "1.22.0" and len(parts["onnxruntime-gpu"]["hashes"][0]["content"]) == 64
    empty = bill("")
    assert empty.returncode == FAILED and "dpkg/status" in empty.stderr


def exported_metrics():
    """Names that the program counts under: what stands in its sources as a text."""
    text = "".join(path.read_text() for path in (ROOT / "src").rglob("*.cpp") if not path.name.endswith("_test.cpp"))
    return set(re.findall(r'"((?:morgan|process)_[a-z_]+)"', text))


def test_alerts_and_dashboard_ask_for_metrics_that_there_are():
    asked = (ROOT / "deploy/prometheus/alerts.yml").read_text() + (ROOT / "deploy/grafana/morgan.json").read_text()
    names = {re.sub("_bucket$", "", name) for name in re.findall(r"\b(?:morgan|process)_[a-z_]+\b", asked)}
    assert len(names) > 10 and names <= exported_metrics(), names - exported_metrics()


def test_every_alert_says_what_to_do_and_is_played_through():
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    played = {test["alertname"] for case in yaml.safe_load((ROOT / "deploy/prometheus/alerts_test.yml").read_text())["tests"]
              for test in case["alert_rule_test"] if test["exp_alerts"]}
    assert {rule["alert"] for rule in rules} == played
    assert all(rule["annotations"]["summary"] and rule["annotations"]["action"] for rule in rules)
