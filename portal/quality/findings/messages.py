"""What each finding says, in Vietnamese and English: what is wrong, and how to mend it.
Data, no rules.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

from portal.quality.findings.frictionless_texts import vietnamese
from portal.quality.findings.report import Severity, Text


class Message(NamedTuple):
    """Templates filled with {row}, {field}, {note} and the finding's own detail."""

    vi: str
    en: str
    hint_vi: str
    hint_en: str


class Check(NamedTuple):
    """One check of our own: `id` names it in reports, schemas and policies; `message`
    is filled by what it finds.
    """

    id: str
    severity: Severity
    message: Message


ERRORS: dict[str, Message] = {
    "schema-error": Message(
        "Lược đồ bảng không hợp lệ: {note}.",
        "The table schema is not valid: {note}.",
        "Sửa lược đồ theo đặc tả Frictionless Table Schema.",
        "Mend the schema according to the Frictionless Table Schema specification.",
    ),
    "source-error": Message(
        "Nguồn dữ liệu trống hoặc không nhất quán: {note}.",
        "The source is empty or inconsistent: {note}.",
        "Gửi tệp có dòng tiêu đề và dữ liệu.",
        "Send a file with a header row and data.",
    ),
    "blank-header": Message(
        "Dòng tiêu đề trống.",
        "The header row is blank.",
        "Ghi tên các cột vào dòng đầu tiên.",
        "Name the columns in the first row.",
    ),
    "unmatched-header": Message(
        "Không cột nào của tệp trùng với lược đồ.",
        "No column of the file matches the schema.",
        "Kiểm tra đã gửi đúng tệp và chọn đúng lược đồ.",
        "Check that this is the right file and the right schema.",
    ),
    "extra-label": Message(
        "Cột thứ {number} “{label}” không có trong lược đồ.",
        "Column {number} '{label}' is not in the schema.",
        "Bỏ cột này, hoặc bổ sung nó vào lược đồ.",
        "Remove the column, or add it to the schema.",
    ),
    "missing-label": Message(
        "Thiếu cột “{field}” mà lược đồ yêu cầu.",
        "The column '{field}' of the schema is missing.",
        "Thêm cột này, đúng tên và đúng vị trí.",
        "Add the column with this name, in its place.",
    ),
    "blank-label": Message(
        "Cột thứ {number} không có tên.",
        "Column {number} has no name.",
        "Ghi tên cột “{field}”.",
        "Name the column '{field}'.",
    ),
    "duplicate-label": Message(
        "Tên cột “{label}” ở vị trí {number} bị lặp ({why}).",
        "The column name '{label}' at position {number} is repeated ({note}).",
        "Đặt tên khác nhau cho từng cột.",
        "Give every column a name of its own.",
    ),
    "incorrect-label": Message(
        "Cột thứ {number} tên là “{label}”, đáng lẽ là “{field}”.",
        "Column {number} is called '{label}' and should be '{field}'.",
        "Đổi tên cột, hoặc xếp các cột đúng thứ tự của lược đồ.",
        "Rename the column, or put the columns in the schema's order.",
    ),
    "blank-row": Message(
        "Dòng {row} trống hoàn toàn.",
        "Row {row} is completely blank.",
        "Xóa dòng trống.",
        "Delete the blank row.",
    ),
    "extra-cell": Message(
        "Dòng {row} thừa ô ở cột thứ {number}.",
        "Row {row} has an extra cell at position {number}.",
        "Kiểm tra dấu phân cách hoặc dấu ngoặc kép trong dòng này.",
        "Check the delimiters and quotes of this row.",
    ),
    "missing-cell": Message(
        "Dòng {row} thiếu ô ở cột “{field}”.",
        "Row {row} has no cell for '{field}'.",
        "Bổ sung ô còn thiếu; kiểm tra dấu ngoặc kép chưa đóng ở các dòng trước.",
        "Add the missing cell; look for an unclosed quote in the rows above.",
    ),
    "type-error": Message(
        "Dòng {row}, cột “{field}”: giá trị {why}.",
        "Row {row}, '{field}': the value is of a wrong type ({note}).",
        "Sửa giá trị cho đúng kiểu dữ liệu đã khai báo.",
        "Write the value in the declared type.",
    ),
    "constraint-error": Message(
        "Dòng {row}, cột “{field}”: {why}.",
        "Row {row}, '{field}': the value breaks a constraint ({note}).",
        "Sửa giá trị cho hợp ràng buộc của lược đồ.",
        "Correct the value so that it keeps the schema's constraint.",
    ),
    "unique-error": Message(
        "Dòng {row}, cột “{field}”: giá trị {why}.",
        "Row {row}, '{field}': the value is repeated ({note}).",
        "Mỗi giá trị của cột này chỉ được xuất hiện một lần.",
        "Every value of this column may appear once only.",
    ),
    "primary-key": Message(
        "Dòng {row}: khóa chính ({field}): {why}.",
        "Row {row}: the primary key ({field}) is repeated or empty ({note}).",
        "Xóa dòng trùng, hoặc sửa mã cho duy nhất.",
        "Delete the repeated row, or make its key unique.",
    ),
    "foreign-key": Message(
        "Dòng {row}, cột “{field}”: giá trị {why}.",
        "Row {row}, '{field}': the value is not in the referenced list ({note}).",
        "Dùng mã có trong danh mục; nếu là mã mới, cập nhật danh mục trước.",
        "Use a code of the list; if it is new, update the list first.",
    ),
    "foreign-key-unchecked": Message(
        "Chưa kiểm tra được khóa ngoại của “{field}”: {note}.",
        "The foreign key of '{field}' could not be checked: {note}.",
        "Nạp bảng tham chiếu vào danh mục rồi kiểm tra lại.",
        "Load the referenced table into the catalogue and validate again.",
    ),
}
TYPE_HINTS: dict[str, tuple[str, str]] = {
    "integer": (
        "Ghi số nguyên, không dấu phân cách hàng nghìn, không phần thập phân (28717).",
        "Write a whole number without separators or decimals (28717).",
    ),
    "number": (
        "Ghi số với dấu chấm thập phân, không dấu hàng nghìn (28717.5).",
        "Write a number with a decimal point (28717.5).",
    ),
    "date": (
        "Ghi ngày dạng NĂM-THÁNG-NGÀY (2026-07-01).",
        "Write the date as YEAR-MONTH-DAY (2026-07-01).",
    ),
    "datetime": (
        "Ghi thời điểm dạng 2026-07-01T08:00:00+07:00.",
        "Write the time as 2026-07-01T08:00:00+07:00.",
    ),
    "year": ("Ghi năm bằng bốn chữ số.", "Write the year with four digits."),
    "boolean": (
        "Ghi true hoặc false (hoặc các từ đã khai báo).",
        "Write true or false (or the declared words).",
    ),
}
CONSTRAINT_HINTS: dict[str, tuple[str, str]] = {
    "required": (
        "Bổ sung giá trị: cột này bắt buộc.",
        "Fill the cell in: this column is required.",
    ),
    "pattern": (
        "Kiểm tra mã: số chữ số, số 0 ở đầu, không có '.0' hay dấu cách.",
        "Check the code: its digits, leading zeros, no '.0' and no spaces.",
    ),
    "enum": (
        "Chọn đúng một giá trị trong danh sách cho phép.",
        "Use one of the allowed values.",
    ),
    "minimum": (
        "Giá trị quá nhỏ: kiểm tra đơn vị tính.",
        "The value is too small: check its unit.",
    ),
    "maximum": (
        "Giá trị quá lớn: kiểm tra đơn vị tính.",
        "The value is too large: check its unit.",
    ),
    "minLength": ("Giá trị quá ngắn.", "The value is too short."),
    "maxLength": ("Giá trị quá dài.", "The value is too long."),
}
_BETTER = {"type-error": TYPE_HINTS, "constraint-error": CONSTRAINT_HINTS}
"""Hints by the first quoted word of Frictionless' note: the type, or the name of the
constraint.
"""


def say(
    code: str, detail: Mapping[str, object], messages: Mapping[str, Message] = ERRORS
) -> tuple[Text, Text]:
    """Message and hint of one finding."""
    found = messages.get(code) or Message(
        f"{code}: {{note}}", f"{code}: {{note}}", "", ""
    )
    filled = _Filled(detail, why=vietnamese(code, str(detail.get("note", ""))))
    # format_map asks _Filled for what is missing; format would make a plain dict of it.
    message = Text(found.vi.format_map(filled), found.en.format_map(filled))
    plain = _plain_hint(code, str(detail.get("note", "")), found)
    return message, plain or Text(
        found.hint_vi.format_map(filled), found.hint_en.format_map(filled)
    )


class _Filled(dict[str, object]):
    """What a template is filled with; a name that a finding does not have is left
    empty.
    """

    def __missing__(self, key: str) -> str:
        return ""


def _plain_hint(code: str, note: str, found: Message) -> Text | None:
    """The hint for the very type or constraint, or the general one; None where it has
    words to be filled in.
    """
    # The note is made by Frictionless: type is "date/default", constraint "minimum" is
    # "0".
    named = note.split('"', 2)[1] if code in _BETTER and '"' in note else ""
    return _hint(code, named, found.hint_vi, found.hint_en)


@functools.lru_cache(1024)
def _hint(code: str, named: str, vi: str, en: str) -> Text | None:
    """The hint for a named type or constraint, or the general one; None where that has
    words to be filled in.
    """
    # Behind the slash stands the format of the type.
    better = _BETTER.get(code, {}).get(named.split("/")[0])
    if better:
        return Text(*better)
    return None if "{" in vi + en else Text(vi, en)
