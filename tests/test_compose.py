"""The Compose files: what they name exists, secrets have no default, and Compose itself
accepts them.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.settings import SETTINGS, load
from tests.servers.elastic_nodes import VERSION

ROOT = Path(__file__).parents[1]
FILES = ("docker-compose.yml", "docker-compose.small.yml")
SECRETS = {"POSTGRES_PASSWORD": "p@ss:word/1", "ELASTIC_PASSWORD": "another, one?"}
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?P<rule>:[-?])?(?P<text>[^}]*)\}")


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def filled(value: Any) -> str:
    """A value as Compose puts it in, with the secrets set."""
    return VARIABLE.sub(
        lambda found: SECRETS.get(found["name"], found["text"]), str(value)
    ).replace("$$", "$")


@pytest.mark.parametrize("name", FILES)
def test_what_services_name_exists(name: str) -> None:
    file = read(name)
    services: dict[str, Any] = file["services"]
    mounted = {
        volume.partition(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
    }
    assert mounted == set(file["volumes"])
    for service in services.values():
        assert service.get("image") or service.get("build")
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert services[needed]["healthcheck"]["test"]
            else:
                assert (
                    how["condition"] == "service_completed_successfully"
                    and services[needed]["restart"] == "no"
                )
    lasting = [service for service in services.values() if service["restart"] != "no"]
    assert all(
        service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL") for service in lasting
    )


@pytest.mark.parametrize("name", FILES)
def test_every_setting_is_one_and_takes_its_value(name: str, tmp_path: Path) -> None:
    known = {setting.variable for setting in SETTINGS}
    for service in read(name)["services"].values():
        given = {
            key: filled(value) for key, value in service.get("environment", {}).items()
        }
        ours = {key: value for key, value in given.items() if key.startswith("PORTAL_")}
        assert set(ours) <= known
        load({**ours, "PORTAL_DATA_DIR": str(tmp_path)})


@pytest.mark.parametrize("name", FILES)
def test_no_container_may_more_than_it_needs(name: str) -> None:
    for service in read(name)["services"].values():
        assert service["cap_drop"] == ["ALL"] and "cap_add" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert re.fullmatch(r"\d+[gm]", filled(service["mem_limit"]))
        assert not service.get("privileged") and "network_mode" not in service


@pytest.mark.parametrize("name", FILES)
def test_our_containers_write_to_their_volumes_alone(name: str) -> None:
    docker = (ROOT / "Dockerfile").read_text("utf-8")
    assert "TMPDIR=/scratch" in docker and "\nUSER portal\n" in docker
    for service in (
        each for each in read(name)["services"].values() if "build" in each
    ):
        assert service["read_only"] is True and service["pids_limit"]
        assert service["tmpfs"] == ["/tmp:size=64m"]
        assert [volume.partition(":")[2] for volume in service["volumes"]] == [
            "/data",
            "/scratch",
        ]
        assert all(f'"{place}"' in docker for place in ("/data", "/scratch"))


@pytest.mark.parametrize("name", FILES)
def test_whatever_ends_is_started_again_and_has_time_to_end(name: str) -> None:
    defaults = load({"PORTAL_DATA_DIR": "/tmp"})
    for service in read(name)["services"].values():
        words = " ".join(service.get("command", []))
        assert service["restart"] == (
            "no" if "db upgrade" in words and "serve" not in words else "unless-stopped"
        )
        assert " & " not in words, "nobody would start again what runs beside"
        patience = int(service.get("stop_grace_period", "0s").removesuffix("s"))
        needed = [defaults.serve_stop] * ("serve" in words) + [defaults.worker_stop] * (
            "worker" in words
        )
        assert all(patience > seconds for seconds in needed)


@pytest.mark.parametrize("name", FILES)
def test_secrets_are_asked_for_and_never_given(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    offered = set(
        re.findall(
            r"^#?(\w+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE
        )
    )
    for found in VARIABLE.finditer(text):
        assert found["name"] in offered
        if re.search("PASSWORD|SECRET|KEY", found["name"]):
            assert found["rule"] == ":?" and ".env" in found["text"]
    for service in read(name)["services"].values():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY", key):
                assert VARIABLE.fullmatch(str(value)), f"{key} is written out"
    assert ".env" in (ROOT / ".gitignore").read_text().split()
    assert not re.search(
        r"^(\w*PASSWORD)=\S", (ROOT / ".env.example").read_text(), re.MULTILINE
    )


@pytest.mark.skipif(
    "ELASTICSEARCH_VERSION" in os.environ, reason="another version is tried"
)
def test_the_server_is_the_one_that_the_tests_run_against() -> None:
    assert read("docker-compose.yml")["services"]["search"]["image"].endswith(
        f"/elasticsearch:{VERSION}"
    )


def compose() -> list[str]:
    """Compose as it is installed: the plugin or the program of its own; skips without,
    and fails in CI.
    """
    if shutil.which("docker"):
        plugin = subprocess.run(
            ["docker", "compose", "version"],
            capture_output=True,
            check=False,
            timeout=60,
        )
        if plugin.returncode == 0:
            return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail("Compose is not installed (in CI this is a failure)", pytrace=False)
    pytest.skip("Compose is not installed: neither `docker compose` nor docker-compose")


def config(
    file: str, folder: Path, secrets: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """What Compose makes of a file, with these secrets alone in its .env."""
    (folder / ".env").write_text(
        "".join(f"{name}={value}\n" for name, value in secrets.items()), "utf-8"
    )
    shutil.copy(ROOT / file, folder / file)
    clean = {key: value for key, value in os.environ.items() if key not in SECRETS}
    command = [*compose(), "-f", str(folder / file), "config"]
    return subprocess.run(
        command,
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize("file", FILES)
def test_compose_accepts_it(file: str, tmp_path: Path) -> None:
    done = config(file, tmp_path, SECRETS)
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == set(read(file)["services"])


@pytest.mark.parametrize("missing", SECRETS)
def test_compose_refuses_without_a_secret_and_names_it(
    missing: str, tmp_path: Path
) -> None:
    for given in ({}, {missing: ""}):
        others = {name: value for name, value in SECRETS.items() if name != missing}
        done = config("docker-compose.yml", tmp_path, {**others, **given})
        assert done.returncode != 0
        assert missing in done.stderr and ".env" in done.stderr
