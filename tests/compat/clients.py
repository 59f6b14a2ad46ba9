"""Real clients, as they are installed: ckanapi in Python and on the command line, and
frictionless.
"""

import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ckanapi
from frictionless import Catalog, Package, Resource
from frictionless.portals import CkanControl

from tests.compat.server import Missing, Place, await_check

CSV = "ma,ten\n00001,Bệnh viện đa khoa tỉnh\n00002,Trạm y tế xã\n".encode()


def ckanapi_python(place: Place) -> str:
    """Create, upload, search, patch, errors."""
    with ckanapi.RemoteCKAN(place.url, apikey=place.token) as ckan:
        dataset = ckan.action.package_create(
            name="benh-vien", title="Bệnh viện", owner_org="so-y-te", groups=[{"name": "y-te"}],
            tags=[{"name": "y tế"}], extras=[{"key": "nguon", "value": "Sở"}],
        )  # fmt: skip
        resource = ckan.action.resource_create(
            package_id=dataset["id"], upload=("benh-vien.csv", io.BytesIO(CSV))
        )
        ckan.action.resource_patch(
            id=resource["id"], description="Danh sách", format="CSV"
        )
        ckan.action.package_patch(id=dataset["id"], notes="Cơ sở khám chữa bệnh")
        assert ckan.action.package_search(q="benh vien", rows=1000)["count"] == 1
        assert (
            ckan.action.package_show(id="benh-vien")["resources"][0]["description"]
            == "Danh sách"
        )
        for wrong, kind in (
            ({"id": "nothing"}, ckanapi.NotFound),
            ({}, ckanapi.ValidationError),
        ):
            try:
                ckan.action.package_show(**wrong)
            except kind:
                continue
            raise AssertionError(f"{kind.__name__} was expected")
    with ckanapi.RemoteCKAN(place.url, get_only=True) as nobody:
        assert nobody.action.package_list() == ["benh-vien"]
        try:
            ckanapi.RemoteCKAN(place.url).action.package_create(
                name="not-mine", owner_org="so-y-te"
            )
        except ckanapi.NotAuthorized:
            return "create, upload, patch, search, GET only, three kinds of errors"
    raise AssertionError("NotAuthorized was expected")


def _ckanapi(place: Place, *arguments: str) -> str:
    programs = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
    }  # it starts itself again
    command = [f"{programs}/ckanapi", *arguments, "-r", place.url, "-a", place.token]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout


def ckanapi_dump(place: Place) -> str:
    """Dump datasets, organizations, groups and users."""
    told = []
    for noun in ("datasets", "organizations", "groups", "users"):
        lines = [
            json.loads(line)
            for line in _ckanapi(place, "dump", noun, "--all", "-q").splitlines()
            if line
        ]
        assert lines, noun
        told.append(f"{len(lines)} {noun}")
        (place.folder / f"{noun}.jsonl").write_text(
            "\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8"
        )
    return ", ".join(told)


def ckanapi_load(place: Place) -> str:
    """Load what was dumped, changed, and something new."""
    for noun in ("organizations", "groups"):
        _ckanapi(place, "load", noun, "-I", str(place.folder / f"{noun}.jsonl"), "-q")
    dumped = json.loads(
        (place.folder / "datasets.jsonl").read_text(encoding="utf-8").splitlines()[0]
    )
    fresh = {"name": "truong-hoc", "title": "Trường học", "owner_org": "so-y-te"}
    lines = [json.dumps({**dumped, "notes": "Loaded"}), json.dumps(fresh)]
    (place.folder / "load.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _ckanapi(place, "load", "datasets", "-I", str(place.folder / "load.jsonl"), "-q")
    shown = json.loads(_ckanapi(place, "action", "package_show", "id=benh-vien"))
    assert shown["notes"] == "Loaded"
    assert shown["resources"][0]["url"] == dumped["resources"][0]["url"], (
        "the file stays where it is"
    )
    return "organizations, groups, a changed and a new dataset"


def ckanapi_search(place: Place) -> str:
    """Search until an empty page."""
    lines = _ckanapi(
        place, "search", "datasets", "-O", str(place.folder / "found.jsonl")
    )
    found = (place.folder / "found.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(found) == 2, (lines, found)
    return f"{len(found)} datasets"


def _needs_mapper() -> None:
    """frictionless reads and writes CKAN only with its extra `ckan`."""
    if importlib.util.find_spec("frictionless_ckan_mapper") is None:
        raise Missing("frictionless[ckan] is not installed")


def frictionless_package(place: Place) -> str:
    """Read a dataset as a package, and its rows."""
    _needs_mapper()
    await_check(place, "benh-vien")
    package = Package(control=CkanControl(baseurl=place.url, dataset="benh-vien"))
    table: Any = package.resources[0]
    rows = table.read_rows()
    assert [row["ten"] for row in rows] == ["Bệnh viện đa khoa tỉnh", "Trạm y tế xã"]
    return f"{len(rows)} rows of {package.name}"


def frictionless_catalog(place: Place) -> str:
    """Read the catalogue, an organization's part and a group's."""
    _needs_mapper()
    controls = (
        CkanControl(baseurl=place.url, num_packages=10, ignore_package_errors=True),
        CkanControl(
            baseurl=place.url,
            organization_name="so-y-te",
            num_packages=10,
            ignore_package_errors=True,
        ),
        CkanControl(baseurl=place.url, group_id="y-te", ignore_package_errors=True),
    )
    sizes = [len(Catalog(control=control).datasets) for control in controls]
    assert sizes == [2, 2, 1], sizes
    return f"all {sizes[0]}, organization {sizes[1]}, group {sizes[2]}"


def frictionless_publish(place: Place) -> str:
    """Publish a package of a table, and again with an update."""
    _needs_mapper()
    path = place.folder / "tram.csv"
    path.write_bytes(CSV)
    package = Package(name="tram-y-te", title="Trạm y tế", resources=[Resource(path="tram.csv")],
                      basepath=str(place.folder))  # fmt: skip
    for update in (False, True):
        control = CkanControl(
            baseurl=place.url,
            apikey=place.token,
            organization_name="so-y-te",
            allow_update=update,
        )
        package.publish(control=control)
    with ckanapi.RemoteCKAN(place.url) as nobody:
        shown = nobody.action.package_show(id="tram-y-te")
    names = sorted(resource["name"] for resource in shown["resources"])
    assert "datapackage" in names, names
    assert "tram" in names, names
    return f"{len(names)} resources, published twice"
