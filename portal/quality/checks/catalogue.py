"""Our own checks beyond Frictionless, as one list: what they are, how grave, what they
say and how to mend it.
"""

from __future__ import annotations

from portal.quality.checks.schema_check_texts import ASKED
from portal.quality.findings.messages import Check, Message
from portal.quality.findings.reading_texts import READING
from portal.quality.findings.report import Severity

CHECKS: tuple[Check, ...] = (
    *READING,
    # What the rows of any table show.
    Check(
        "repeated-header",
        "warning",
        Message(
            "Dòng {row} lặp lại dòng tên cột.",
            "Row {row} repeats the header.",
            "Xóa dòng này; tệp có thể được ghép từ nhiều tệp.",
            "Delete it; the file may be several files put together.",
        ),
    ),
    Check(
        "duplicate-row",
        "warning",
        Message(
            "Dòng {row} giống hệt dòng {earlier}.",
            "Row {row} equals row {earlier}.",
            "Xóa dòng trùng.",
            "Delete the repeated row.",
        ),
    ),
    Check(
        "outlier",
        "warning",
        Message(
            "Dòng {row}, “{field}”: giá trị khác thường trong chuỗi ({note}).",
            "Row {row}, '{field}': an unusual value in its series ({note}).",
            "Kiểm tra giá trị, dấu thập phân và đơn vị tính; nếu đúng thì giữ nguyên.",
            "Check the value, its decimal sign and its unit; keep it if it is right.",
        ),
    ),
    Check(
        "code-float",
        "warning",
        Message(
            "Cột mã “{field}” có {times} giá trị đuôi “.0” (đầu tiên ở dòng {row}): "
            "mã đã bị đổi thành số.",
            "The code column '{field}' has {times} values ending in '.0' (first in "
            "row {row}): codes became numbers.",
            "Định dạng cột là văn bản (Text) trước khi xuất.",
            "Format the column as text before exporting.",
        ),
    ),
    Check(
        "code-length",
        "warning",
        Message(
            "Cột mã “{field}” có {times} giá trị ngắn hơn các mã khác (đầu tiên ở "
            "dòng {row}): có thể mất số 0 ở đầu.",
            "The code column '{field}' has {times} codes shorter than the others "
            "(first in row {row}): "
            "leading zeros may be lost.",
            "Định dạng cột là văn bản (Text) rồi xuất lại từ nguồn.",
            "Format the column as text and export it again.",
        ),
    ),
    Check(
        "ambiguous-number",
        "warning",
        Message(
            "Cột “{field}” có {times} số như “28.717” hoặc “28,717” (đầu tiên ở dòng "
            "{row}) bên cạnh số viết liền: "
            "không rõ là hàng nghìn hay thập phân.",
            "'{field}' has {times} numbers like '28.717' or '28,717' (first in row "
            "{row}) beside plain ones: "
            "thousands and decimals cannot be told apart.",
            "Ghi số không có dấu hàng nghìn.",
            "Write numbers without thousands separators.",
        ),
    ),
    Check(
        "personal-data",
        "warning",
        Message(
            "Cột “{field}” có vẻ chứa dữ liệu cá nhân ({kind}): {cells}/{filled} ô.",
            "The column '{field}' seems to hold personal data ({kind}): {cells} of "
            "{filled} cells.",
            "Bỏ cột, tổng quát hóa, hoặc gắn nhãn pd trong lược đồ; không công bố mở "
            "khi còn dữ liệu cá nhân.",
            "Drop the column, generalise it or tag it pd in the schema; do not "
            "publish it openly as it is.",
        ),
    ),
    Check(
        "personal-column",
        "info",
        Message(
            "Cột “{field}” là dữ liệu cá nhân phải bỏ khỏi bảng dữ liệu mở.",
            "The column '{field}' is personal data that must be dropped from an open "
            "table.",
            "Xóa cột này trước khi công bố.",
            "Remove the column before publishing.",
        ),
    ),
    Check(
        "personal-text",
        "warning",
        Message(
            "Nội dung tệp có vẻ chứa dữ liệu cá nhân ({kind}).",
            "The text of the file seems to hold personal data ({kind}).",
            "Xóa dữ liệu cá nhân khỏi tệp trước khi công bố; quản trị viên của cơ "
            "quan chỉ được mở khi đó không phải "
            "là dữ liệu cá nhân.",
            "Remove the personal data before publishing; the organization's admin may "
            "open it only if it is none.",
        ),
    ),
    Check(
        "unread-file",
        "warning",
        Message(
            "Chưa đọc được nội dung tệp để kiểm tra dữ liệu cá nhân; tệp chờ người có "
            "thẩm quyền xem.",
            "The content of the file could not be read and checked for personal data; "
            "it waits for a person.",
            "Quản trị viên của cơ quan xem tệp và mở bằng "
            "resource_validation_override, kèm lý do.",
            "The organization's admin looks at it and opens it by "
            "resource_validation_override, with a reason.",
        ),
    ),
    # What a schema asks for in its "checks".
    Check(
        "order",
        "error",
        Message(
            "Dòng {row}: {note}.",
            "Row {row}: {note}.",
            "Kiểm tra thứ tự các giá trị trong dòng.",
            "Check the order of the values in this row.",
        ),
    ),
    Check(
        "range",
        "error",
        Message(
            "Dòng {row}, “{field}”: ngoài khoảng cho phép ({note}).",
            "Row {row}, '{field}': out of range ({note}).",
            "Kiểm tra giá trị và đơn vị tính.",
            "Check the value and its unit.",
        ),
    ),
    Check(
        "units",
        "error",
        Message(
            "Dòng {row}, “{field}”: sai đơn vị ({note}).",
            "Row {row}, '{field}': wrong unit ({note}).",
            "Dùng đúng đơn vị quy định cho thông số.",
            "Use the unit that is fixed for the parameter.",
        ),
    ),
    Check(
        "count",
        "error",
        Message(
            "Số dòng không đúng: {note}.",
            "The number of rows is wrong: {note}.",
            "Bổ sung dòng thiếu hoặc xóa dòng thừa.",
            "Add the missing rows or delete the surplus.",
        ),
    ),
    Check(
        "person-code",
        "error",
        Message(
            "Dòng {row}, “{field}”: mã 12 chữ số là số định danh cá nhân, không phải "
            "mã doanh nghiệp.",
            "Row {row}, '{field}': a code of 12 digits is a person's number, not an "
            "enterprise code.",
            "Bỏ bản ghi của cá nhân khỏi dữ liệu công bố.",
            "Remove records of persons from published data.",
        ),
    ),
    Check(
        "required-when",
        "error",
        Message(
            "Dòng {row}: “{field}” bắt buộc khi {note}.",
            "Row {row}: '{field}' is required when {note}.",
            "Bổ sung giá trị.",
            "Fill the value in.",
        ),
    ),
    Check(
        "small-cell",
        "error",
        Message(
            "Dòng {row}, “{field}”: số đếm quá nhỏ để công bố ({note}).",
            "Row {row}, '{field}': too small a count to publish ({note}).",
            "Để trống ô này hoặc gộp nhóm.",
            "Leave the cell empty or merge groups.",
        ),
    ),
    Check(
        "row-formula",
        "warning",
        Message(
            "Dòng {row}, “{field}”: không khớp công thức ({note}).",
            "Row {row}, '{field}': does not follow its formula ({note}).",
            "Tính lại giá trị hoặc các thành phần.",
            "Compute the value or its parts again.",
        ),
    ),
    Check(
        "jump",
        "warning",
        Message(
            "Dòng {row}, “{field}”: thay đổi đột ngột ({note}).",
            "Row {row}, '{field}': a sudden change ({note}).",
            "Kiểm tra giá trị và đơn vị tính.",
            "Check the value and its unit.",
        ),
    ),
    Check(
        "unit-slip",
        "warning",
        Message(
            "Dòng {row}, “{field}”: có thể sai đơn vị ({note}).",
            "Row {row}, '{field}': the unit may have slipped ({note}).",
            "Kiểm tra đồng hay nghìn đồng, kg hay tấn.",
            "Check đồng or thousand đồng, kg or tonnes.",
        ),
    ),
    Check(
        "stuck",
        "warning",
        Message(
            "Từ dòng {row}, “{field}”: giá trị đứng yên ({note}).",
            "From row {row}, '{field}': the value is stuck ({note}).",
            "Kiểm tra cảm biến.",
            "Check the sensor.",
        ),
    ),
    Check(
        "gap",
        "info",
        Message(
            "Trước dòng {row}: thiếu số liệu ({note}).",
            "Before row {row}: values are missing ({note}).",
            "Bổ sung số liệu hoặc ghi cờ “thiếu”.",
            "Add the values or flag them as missing.",
        ),
    ),
    Check(
        "non-decreasing",
        "warning",
        Message(
            "Dòng {row}, “{field}”: lũy kế giảm ({note}).",
            "Row {row}, '{field}': a running total fell ({note}).",
            "Kiểm tra số lũy kế.",
            "Check the running total.",
        ),
    ),
    Check(
        "distinct-coordinates",
        "warning",
        Message(
            "Dòng {row}: trùng tọa độ với dòng {earlier}.",
            "Row {row}: the same coordinates as row {earlier}.",
            "Đo lại tọa độ.",
            "Measure the coordinates again.",
        ),
    ),
    Check(
        "limit",
        "warning",
        Message(
            "Dòng {row}, “{field}”: vượt giới hạn quy định ({note}).",
            "Row {row}, '{field}': above the legal limit ({note}).",
            "Kiểm tra giá trị và đơn vị; nếu đúng thì đây là sự kiện vượt ngưỡng.",
            "Check the value and its unit; if they are right, this is an exceedance.",
        ),
    ),
    Check(
        "target",
        "info",
        Message(
            "Chưa đạt chỉ tiêu: {note}.",
            "A target is not reached: {note}.",
            "Bổ sung bản ghi nếu còn thiếu trong dữ liệu.",
            "Add records if the data lacks some.",
        ),
    ),
    Check(
        "inside",
        "warning",
        Message(
            "Dòng {row}: tọa độ nằm ngoài tỉnh hoặc ngoài xã của dòng ({note}).",
            "Row {row}: the place lies outside the province, or outside the row's "
            "commune ({note}).",
            "Kiểm tra mã xã, thứ tự vĩ độ, kinh độ và hệ tọa độ (WGS 84).",
            "Check the commune's code, the order of latitude and longitude, and the "
            "reference system (WGS 84).",
        ),
    ),
    Check(
        "unit-at-date",
        "warning",
        Message(
            "Dòng {row}, “{field}”: không có đơn vị hành chính mang mã này tại thời "
            "điểm đó ({note}).",
            "Row {row}, '{field}': no administrative unit had this code at that time "
            "({note}).",
            "Dùng mã có hiệu lực tại ngày của dòng.",
            "Use the code in force at the date of the row.",
        ),
    ),
    Check(
        "unchecked",
        "info",
        Message(
            "Chưa chạy được kiểm tra “{note}”.",
            "The check '{note}' could not run.",
            "Kiểm tra tham số của nó trong lược đồ, hoặc nạp vào danh mục bảng mà nó "
            "đối chiếu.",
            "Check its parameters in the schema, or load the table that it looks into.",
        ),
    ),
    *ASKED,
    # What the description of a dataset shows.
    Check(
        "metadata-missing",
        "warning",
        Message(
            "Thiếu “{field}” trong siêu dữ liệu.",
            "The metadata has no '{field}'.",
            "Bổ sung trường này (Thông tư 24/2011/TT-BTTTT).",
            "Fill the field in (Circular 24/2011/TT-BTTTT).",
        ),
    ),
    Check(
        "metadata-name",
        "error",
        Message(
            "Tên “{note}” không hợp lệ: chỉ dùng chữ thường a–z, số, '-' và '_', từ 2 "
            "đến 100 ký tự.",
            "The name '{note}' is not valid: use lower-case a–z, digits, '-' and '_', "
            "2 to 100 characters.",
            "Đặt lại tên.",
            "Choose another name.",
        ),
    ),
    Check(
        "licence-unknown",
        "warning",
        Message(
            "Giấy phép “{note}” không có trong danh mục.",
            "The licence '{note}' is not in the list.",
            "Chọn một giấy phép trong danh mục.",
            "Choose a licence of the list.",
        ),
    ),
    Check(
        "metadata-damaged",
        "warning",
        Message(
            "“{field}” chứa ký tự hỏng hoặc lỗi phông.",
            "'{field}' holds replacement characters or mis-decoded text.",
            "Nhập lại nội dung.",
            "Type the text again.",
        ),
    ),
    Check(
        "no-resources",
        "warning",
        Message(
            "Bộ dữ liệu chưa có tài nguyên nào.",
            "The dataset has no resource.",
            "Thêm ít nhất một tệp hoặc liên kết.",
            "Add at least one file or link.",
        ),
    ),
)
MESSAGES = {check.id: check.message for check in CHECKS}
SEVERITIES: dict[str, Severity] = {check.id: check.severity for check in CHECKS}
