"""What a file can be refused for, said in Vietnamese and English with the way to mend
it.
"""

from __future__ import annotations

from portal.errors import BadFile

TEXTS: dict[str, tuple[str, str]] = {
    "unknown-encoding": (
        "Không nhận ra bảng mã của tệp {name}: không phải UTF-8, UTF-16, Windows-1258 "
        "hay TCVN3 (ABC). "
        "Hãy lưu lại tệp dạng UTF-8 (trong Excel: Save As → CSV UTF-8) hoặc khai báo "
        "bảng mã.",
        "The encoding of {name} is not recognised: not UTF-8, UTF-16, Windows-1258 or "
        "TCVN3 (ABC). "
        "Save the file as UTF-8 (in Excel: Save As → CSV UTF-8) or declare its "
        "encoding.",
    ),
    "not-utf8": (
        "Tệp {name} là UTF-8 nhưng có byte hỏng ở dòng {line} ({bytes}). Hãy sửa dòng "
        "này rồi xuất lại tệp từ nguồn.",
        "{name} is UTF-8 with a damaged byte in line {line} ({bytes}). Mend that "
        "line, or export the file again.",
    ),
    "wrong-encoding": (
        "Tệp {name} không đọc được theo bảng mã đã khai báo ({declared}), lỗi ở dòng "
        "{line}. "
        "Hãy khai báo đúng bảng mã hoặc lưu lại tệp dạng UTF-8.",
        "{name} cannot be read in its declared encoding ({declared}); it fails in "
        "line {line}. "
        "Declare the right encoding or save the file as UTF-8.",
    ),
    "not-what-it-says": (
        "Tệp {name} được khai là {claimed} nhưng nội dung là {actual}. "
        "Hãy gửi đúng tệp {claimed}, hoặc khai đúng định dạng.",
        "{name} claims to be {claimed} but its content is {actual}. Send a real "
        "{claimed} file, or declare its format.",
    ),
    "not-a-table": (
        "Tệp {name} là {actual}, không phải một bảng. "
        "Hãy gửi CSV, TSV, XLSX, XLS, ODS, Parquet, JSON, NDJSON hoặc GeoJSON.",
        "{name} is {actual}, which is no table. Send CSV, TSV, XLSX, XLS, ODS, "
        "Parquet, JSON, NDJSON or GeoJSON.",
    ),
    "empty": (
        "Tệp {name} trống. Hãy gửi tệp có dòng tiêu đề và dữ liệu.",
        "{name} is empty. Send a file with a header row and data.",
    ),
    "no-header": (
        "Không tìm thấy dòng tiêu đề trong tệp {name}. Dòng đầu tiên phải là tên các "
        "cột.",
        "No header row was found in {name}. The first row must hold the names of the "
        "columns.",
    ),
    "too-large": (
        "Tệp {name} vượt giới hạn {what}: {limit}. Hãy tách tệp thành nhiều phần nhỏ "
        "hơn.",
        "{name} passes the limit of {what}: {limit}. Split the file into smaller "
        "parts.",
    ),
    "too-much-memory": (
        "Đọc tệp {name} cần hơn {limit} MB bộ nhớ (PORTAL_READ_MEMORY_MB) nên đã dừng. "
        "Hãy xóa các ô lạc ở cuối trang tính, tách tệp thành nhiều phần, hoặc gửi CSV.",
        "Reading {name} takes more than {limit} MB of memory (PORTAL_READ_MEMORY_MB), "
        "so it was stopped. "
        "Remove stray cells at the end of the sheet, split the file, or send CSV.",
    ),
    "reading-took-too-long": (
        "Đọc tệp {name} mất hơn {what_vi} nên đã dừng. Hãy tách tệp thành nhiều phần "
        "hoặc gửi CSV UTF-8.",
        "Reading {name} takes more than {what_en}, so it was stopped. Split the file, "
        "or send CSV in UTF-8.",
    ),
    "reader-died": (
        "Tệp {name} làm chương trình đọc dừng giữa chừng ({why}). Hãy xuất lại tệp từ "
        "nguồn hoặc gửi CSV UTF-8.",
        "{name} made its reader stop amid the file ({why}). Export the file again, or "
        "send CSV in UTF-8.",
    ),
    "zip-bomb": (
        "Tệp nén {name} bị từ chối: {what_vi}. Hãy gửi tệp không nén.",
        "The archive {name} is refused: {what_en}. Send the file uncompressed.",
    ),
    "unsafe-name": (
        "Tệp nén {name} chứa tên tệp không an toàn ({member}). "
        "Hãy nén lại bằng tên tệp thường, không có đường dẫn tuyệt đối hay '..'.",
        "The archive {name} holds an unsafe file name ({member}). "
        "Pack it again with plain names, no absolute path and no '..'.",
    ),
    "encrypted": (
        "Tệp {name} được đặt mật khẩu. Hãy bỏ mật khẩu rồi gửi lại.",
        "{name} is protected by a password. Remove the password and send it again.",
    ),
    "archive-choice": (
        "Tệp nén {name} phải chứa đúng một bảng, nhưng có {count}: {members}. "
        "Hãy chỉ để lại một tệp hoặc chọn bằng mẫu tên.",
        "The archive {name} must hold exactly one table, but holds {count}: {members}. "
        "Leave one file, or choose by a pattern.",
    ),
    "damaged": (
        "Tệp {name} bị hỏng, không đọc được như {claimed} ({why}). Hãy xuất lại tệp "
        "từ nguồn.",
        "{name} is damaged and cannot be read as {claimed} ({why}). Export the file "
        "again.",
    ),
    "lone-surrogate": (
        "Tệp {name} chứa một nửa ký tự (\\uD800–\\uDFFF đứng lẻ) ở dòng {line}. Hãy "
        "xuất lại tệp từ nguồn bằng UTF-8.",
        "{name} holds half a character (a lone \\uD800–\\uDFFF) in line {line}. "
        "Export the file again as UTF-8.",
    ),
    "no-sheet": (
        "Tệp {name} không có trang tính '{sheet}'. Các trang tính: {sheets}.",
        "{name} has no worksheet '{sheet}'. Its worksheets: {sheets}.",
    ),
    "no-records": (
        "Không tìm thấy danh sách bản ghi trong tệp JSON {name}. "
        "Hãy gửi một mảng đối tượng, hoặc đối tượng có khóa 'records' hay 'data' chứa "
        "mảng đó.",
        "No list of records was found in the JSON file {name}. "
        "Send an array of objects, or an object whose 'records' or 'data' holds that "
        "array.",
    ),
    "parts-differ": (
        "Phần {name} có tiêu đề khác phần đầu tiên: {found} thay vì {wanted}. "
        "Mọi phần của một bảng phải có cùng các cột.",
        "The part {name} has another header than the first part: {found} instead of "
        "{wanted}. "
        "All parts of one table must have the same columns.",
    ),
    "cannot-parse": (
        "Tệp {name} không phân tích được ở dòng {line}: {why}. "
        "Hãy kiểm tra dấu ngoặc kép và dấu phân cách quanh dòng này.",
        "{name} cannot be parsed at line {line}: {why}. Check the quotes and "
        "delimiters around that line.",
    ),
    "bad-dialect": (
        "Khai báo cách phân cách (dialect) của tệp {name} không hợp lệ: {why}.",
        "The declared dialect of {name} is not valid: {why}.",
    ),
}


def refuse(code: str, **detail: object) -> BadFile:
    """The error for `code`, its texts filled with `detail`; raise it where it
    happens.
    """
    vi, en = TEXTS[code]
    return BadFile(code, vi.format(**detail), en.format(**detail))


def took_too_long(name: str, seconds: int, patience: int = 1) -> BadFile:
    """The error for a file that needs more processor seconds than it may, or that kept
    silent with patience.
    """
    if patience == 1:
        vi, en = (
            f"{seconds} giây xử lý (PORTAL_READ_SECONDS)",
            f"{seconds} processor seconds (PORTAL_READ_SECONDS)",
        )
    else:
        vi = (
            f"{patience * seconds} giây không có trả lời ({patience} × "
            "PORTAL_READ_SECONDS)"
        )
        en = (
            f"{patience * seconds} seconds without an answer ({patience} × "
            "PORTAL_READ_SECONDS)"
        )
    return refuse("reading-took-too-long", name=name, what_vi=vi, what_en=en)
