"""Our own checks beyond Frictionless, as one list: what they are, how grave, what they
say and how to mend it.
"""

from __future__ import annotations

from portal.quality.checks.registry import ROW_CHECKS, RULE_CHECKS
from portal.quality.findings.messages import Check, Message
from portal.quality.findings.reading_texts import READING
from portal.quality.findings.report import Severity

CHECKS: tuple[Check, ...] = (
    *READING,
    # What the rows of any table show.
    *(Check(each.id, each.severity, each.message) for each in ROW_CHECKS),
    # What the files of a dataset hold.
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
    *(Check(each.id, each.severity, each.message) for each in RULE_CHECKS),
    Check(
        "check-malformed",
        "error",
        Message(
            "Quy tắc kiểm tra của lược đồ không dùng được: {vi}.",
            "A check of the schema cannot be used: {en}.",
            "Sửa mục đó trong `checks`; schema_check nói đủ mọi chỗ sai.",
            "Mend that entry of `checks`; schema_check tells all that is wrong.",
        ),
    ),
    Check(
        "check-failed",
        "error",
        Message(
            "Kiểm tra “{note}” không chạy được; nhật ký ghi lỗi với mã {request}.",
            "The check '{note}' could not run; the log has the error as request "
            "{request}.",
            "Gửi mã này cho quản trị viên; bảng chưa được coi là hợp lệ.",
            "Give the request to an administrator; the table does not count as valid.",
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
