"""What each note of reading becomes in a report: damage, repairs and guesses, said in
both languages.
"""

from __future__ import annotations

from portal.quality.findings.messages import Check, Message

READING: tuple[Check, ...] = (
    Check(
        "encoding",
        "info",
        Message(
            "Tệp dùng bảng mã {encoding}, đã chuyển sang UTF-8.",
            "The file is in {encoding} and was re-encoded to UTF-8.",
            "Lần sau hãy xuất tệp dạng UTF-8.",
            "Export the file as UTF-8 next time.",
        ),
    ),
    Check(
        "nfc",
        "info",
        Message(
            "{cells} ô dùng chữ tổ hợp, đã chuẩn hóa Unicode NFC.",
            "{cells} cells had decomposed letters; normalised to Unicode NFC.",
            "Dùng bộ gõ Unicode dựng sẵn.",
            "Type with precomposed Unicode.",
        ),
    ),
    Check(
        "delimiter",
        "info",
        Message(
            "Tệp không khai báo dấu phân cách; nhận ra: {delimiter}.",
            "No delimiter is declared; found: {delimiter}.",
            "Khai báo dấu phân cách, hoặc dùng dấu phẩy.",
            "Declare the delimiter, or use commas.",
        ),
    ),
    Check(
        "no-header",
        "info",
        Message(
            "Tệp không có dòng tiêu đề theo khai báo.",
            "The file is declared to have no header row.",
            "Nên có dòng tiêu đề.",
            "A header row is better.",
        ),
    ),
    Check(
        "title-rows",
        "warning",
        Message(
            "Có {rows} dòng tiêu đề bảng phía trên dòng tên cột (dòng {row}); đã bỏ "
            "qua.",
            "{rows} title rows stand above the header in row {row}; they were skipped.",
            "Xóa các dòng phía trên dòng tên cột.",
            "Delete the rows above the header.",
        ),
    ),
    Check(
        "merged-header",
        "warning",
        Message(
            "Dòng tên cột {row} có ô trống hoặc ô gộp; dòng {below} có vẻ là phần "
            "tiếp theo của nó.",
            "The header in row {row} has blank or merged cells; row {below} seems to "
            "continue it.",
            "Bỏ gộp ô, dùng đúng một dòng tên cột.",
            "Unmerge the cells and use one header row.",
        ),
    ),
    Check(
        "merged-cells",
        "info",
        Message(
            "Trang tính có {ranges} vùng ô gộp; chỉ ô đầu của mỗi vùng có giá trị.",
            "The worksheet has {ranges} merged ranges; only the first cell of each "
            "holds its value.",
            "Bỏ gộp ô trước khi xuất.",
            "Unmerge cells before exporting.",
        ),
    ),
    Check(
        "other-sheets",
        "warning",
        Message(
            "Đã đọc trang tính “{sheet}”; còn các trang khác có dữ liệu: {others}.",
            "Worksheet '{sheet}' was read; others hold data too: {others}.",
            "Mỗi tệp một bảng, hoặc chọn tên trang tính.",
            "Keep one table per file, or name the worksheet.",
        ),
    ),
    Check(
        "far-cells",
        "warning",
        Message(
            "{cells} ô đứng lạc rất xa bảng (phía dưới hoặc bên phải); đã bỏ qua.",
            "{cells} cells stand far away from the table, below it or beside it; they "
            "were left out.",
            "Xóa các ô lạc ở cuối trang tính rồi lưu lại.",
            "Delete the stray cells at the end of the worksheet and save it again.",
        ),
    ),
    Check(
        "replacement-character",
        "warning",
        Message(
            "{lines} dòng chứa ký tự hỏng (U+FFFD), đầu tiên ở dòng {first}.",
            "{lines} lines hold replacement characters (U+FFFD), first in line "
            "{first}.",
            "Xuất lại tệp từ nguồn với đúng bảng mã.",
            "Export the file again from its source in the right encoding.",
        ),
    ),
    Check(
        "mojibake",
        "warning",
        Message(
            "{lines} dòng có vẻ bị lỗi phông (Ã¡, áº…), đầu tiên ở dòng {first}.",
            "{lines} lines look mis-decoded (Ã¡, áº…), first in line {first}.",
            "Tệp UTF-8 đã bị mở nhầm bảng mã rồi lưu lại; hãy xuất lại từ nguồn.",
            "UTF-8 was opened in another encoding and saved; export it again from the "
            "source.",
        ),
    ),
    Check(
        "nul-bytes",
        "error",
        Message(
            "{lines} dòng chứa byte NUL (dữ liệu bị mất), đầu tiên ở dòng {first}.",
            "{lines} lines hold NUL bytes, where data was lost, first in line {first}.",
            "Tệp bị hỏng khi lưu hoặc khi truyền; hãy xuất lại từ nguồn.",
            "The file was damaged when it was stored or sent; export it again from "
            "its source.",
        ),
    ),
)
