"""Frictionless' notes in Vietnamese: what is wrong with a cell, in the words of a
steward.
"""

from __future__ import annotations

import functools
import re

TYPES = {
    "integer": "không phải số nguyên",
    "number": "không phải số",
    "date": "không phải ngày hợp lệ",
    "datetime": "không phải thời điểm hợp lệ",
    "time": "không phải giờ hợp lệ",
    "year": "không phải năm",
    "yearmonth": "không phải tháng (năm-tháng)",
    "boolean": "không phải giá trị đúng/sai",
    "duration": "không phải khoảng thời gian",
    "geopoint": "không phải tọa độ",
    "geojson": "không phải hình GeoJSON",
    "array": "không phải mảng JSON",
    "object": "không phải đối tượng JSON",
    "list": "không phải danh sách hợp lệ",
}
CONSTRAINTS = {
    "required": "ô bắt buộc đang để trống",
    "minimum": "nhỏ hơn mức tối thiểu {limit}",
    "maximum": "lớn hơn mức tối đa {limit}",
    "exclusiveMinimum": "phải lớn hơn {limit}",
    "exclusiveMaximum": "phải nhỏ hơn {limit}",
    "minLength": "ngắn hơn {limit} ký tự",
    "maxLength": "dài hơn {limit} ký tự",
    "pattern": "không đúng mẫu {limit}",
    "enum": "không thuộc danh sách cho phép {limit}",
    "jsonSchema": "nội dung không đúng cấu trúc khai báo",
}
_TYPE = re.compile(r'type is "(\w+)/([^"]*)"')
_CONSTRAINT = re.compile(r'constraint "(\w+)" is "(.*)"', re.DOTALL)
_SAME = re.compile(r"the same as in the row at position (\d+)$")
_LIST = re.compile(r'lookup table "([^"]*)"')
LONGEST = 120


@functools.lru_cache(4096)
def vietnamese(code: str, note: str) -> str:
    """The note of an error in Vietnamese; no value of the table is in it. A note that
    is not known stays as it is.
    """
    if code == "type-error" and (kind := _TYPE.search(note)):
        form = kind.group(2)
        written = (
            ""
            if form in ("default", "any") or kind.group(1) == "string"
            else f" dạng {form}"
        )
        return (
            TYPES.get(kind.group(1)) or f"không đúng kiểu {kind.group(1)}"
        ) + written
    if code == "constraint-error" and (broken := _CONSTRAINT.search(note)):
        limit = broken.group(2)
        # A pattern or a list of a schema can be as long as a page.
        limit = limit if len(limit) <= LONGEST else f"{limit[:LONGEST]}…"
        return CONSTRAINTS.get(broken.group(1), note).format(limit=limit)
    if same := _SAME.search(note):
        return f"trùng với dòng {same.group(1)}"
    if code == "duplicate-label" and (first := re.match(r'at position "(\d+)', note)):
        return f"như cột thứ {first.group(1)}"
    if 'are all "None"' in note:
        return "mọi ô của khóa đều trống"
    if code == "foreign-key":
        named = _LIST.search(note)
        return (
            f"không có trong danh mục “{named.group(1)}”"
            if named
            else "không có trong danh mục"
        )
    return note
