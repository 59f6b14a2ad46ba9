"""What was renamed in the catalogue is found under either name, without a restart."""

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.actions import registry
from portal.pipeline import names
from portal.runtime import Portal
from tests.portal.actions.people import call

OLD = {
    "ten": "Trường Thi",
    "loai": "Phường",
    "cap": 3,
    "ma_cha": "380",
    "ngay_hl": "2004-07-08",
    "can_cu": "QĐ",
    "ngay_hhl": None,
    "ma_ke_thua": None,
}


def test_renamed_bodies_and_communes_are_found_under_both_names(portal: Portal) -> None:
    former = [{"title": "Sở Tài nguyên và Môi trường", "date": "2025-03-01"}]
    registry.call(
        portal, SYSTEM, "organization_create",
        {"name": "so-nnmt", "title": "Sở Nông nghiệp và Môi trường", "succeeds": former},
    )  # fmt: skip
    for name, title in (
        ("dat", "Giá đất phường Hạc Thành"),
        ("cu", "Báo cáo của Sở Tài nguyên và Môi trường"),
    ):
        registry.call(
            portal,
            SYSTEM,
            "package_create",
            {"name": name, "title": title, "owner_org": "so-nnmt"},
        )
    made = call(
        portal, SYSTEM, "package_create",
        name="dvhc", owner_org="so-nnmt", resources=[{"name": "d01", "schema": names.UNITS}],
    )  # fmt: skip
    new = OLD | {
        "ma_dvhc": "14797",
        "ten": "Hạc Thành",
        "ma_cha": "38",
        "ngay_hl": "2025-07-01",
    }
    old = OLD | {"ma_dvhc": "14764", "ngay_hhl": "2025-06-30", "ma_ke_thua": "14797"}
    registry.call(
        portal, SYSTEM, "datastore_create",
        {"resource_id": made["resources"][0]["id"], "records": [new, old], "force": True},
    )  # fmt: skip

    def found(q: str) -> set[str]:
        return {
            each["name"]
            for each in call(portal, ANONYMOUS, "package_search", q=q)["results"]
        }

    assert names.write(portal) == names.write(portal) > 4
    assert found("giá đất phường trường thi") == {"dat"}
    assert "cu" in found("báo cáo của sở nông nghiệp và môi trường")
