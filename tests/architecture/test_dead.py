"""The search for dead code finds what only tests use, and passes by what frameworks
read.
"""

from pathlib import Path

from tests.architecture.dead import unused


def test_what_nothing_uses_is_found_and_fields_of_schemas_are_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "room.py").write_text(
        "class Things(Schema):\n    size = 1\n\n"
        "class Other:\n    length = 1\n\n"
        "def used():\n    return Things, Other\n\n"
        "def forgotten():\n    return used()\n",
        encoding="utf-8",
    )
    assert [item.name for item in unused([tmp_path])] == ["length", "forgotten"]
