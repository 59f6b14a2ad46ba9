"""What each setting does, in Vietnamese: the table of docs/operate.vi.md is written
from this.
"""

SENTENCES: dict[str, str] = {
    "DATA_DIR": "Thư mục của mọi thứ nhúng: SQLite, chỉ mục, tệp, phiên bản của các hàng.",
    "DATABASE_URL": (
        "Địa chỉ SQLAlchemy của cơ sở dữ liệu; trống: SQLite trong thư mục dữ liệu. "
        "PostgreSQL: "
        "postgresql+psycopg://user:password@host/name."
    ),
    "SQLITE_SYNCHRONOUS": (
        "SQLite chờ ổ đĩa khi nào. FULL: mỗi lần ghi, mất điện không mất gì đã xác "
        "nhận; EXTRA: cả thư mục; "
        "NORMAL: ghi nhanh hơn, mất điện có thể mất vài lần ghi cuối."
    ),
    "SEARCH_URL": (
        "Trống: chỉ mục nhúng trong thư mục dữ liệu. Nếu không: Elasticsearch, nhiều "
        "địa chỉ cách nhau bằng dấu phẩy."
    ),
    "SEARCH_INDEX": "Tên chỉ mục (bí danh trong Elasticsearch).",
    "SEARCH_USER": "Người dùng Elasticsearch; được ưu tiên hơn tên trong địa chỉ.",
    "SEARCH_PASSWORD": "Mật khẩu của người dùng đó (không có SEARCH_USER: của elastic), viết nguyên.",
    "SEARCH_CA_FILE": "Chứng thư gốc (tệp PEM) của Elasticsearch dùng https.",
    "SEARCH_API_KEY": (
        "Khóa API của Elasticsearch (base64, như khi tạo), thay cho người dùng và mật "
        "khẩu."
    ),
    "FILES_URL": (
        "Nơi giữ tệp tải lên, tệp thu thập và các hàng của bảng; trống: files/ trong "
        "thư mục dữ liệu. S3: "
        "s3://bucket/prefix?endpoint=https://host&region=name, khóa trong "
        "AWS_ACCESS_KEY_ID và "
        "AWS_SECRET_ACCESS_KEY."
    ),
    "FILES_CACHE_MB": "Dung lượng tối đa cho bản sao của tệp nằm trên S3.",
    "SEARCH_TIMEOUT": "Số giây Elasticsearch được dùng cho một lần thử.",
    "SEARCH_RETRIES": (
        "Số lần thử lại một yêu cầu tới Elasticsearch, ở nút khác hoặc sau một lúc; "
        "sau khi hết giờ chờ thì một lần."
    ),
    "SEARCH_PAUSE": "Số giây để yên một Elasticsearch bị lỗi.",
    "SEARCH_SNIFF": "Có hỏi các nút Elasticsearch về nút lân cận hay không: on hoặc off.",
    "SEARCH_SHARDS": "Số mảnh của chỉ mục tạo từ đó về sau, trong Elasticsearch.",
    "SEARCH_REPLICAS": (
        "Số bản sao bên cạnh bản chính của chỉ mục tạo từ đó về sau: một số, hoặc "
        "auto (một, khi có từ hai nút)."
    ),
    "SEARCH_FALLBACK": (
        "Có giữ chỉ mục nhúng bên cạnh Elasticsearch để trả lời khi nó mất hay không: "
        "on hoặc off."
    ),
    "SEARCH_WORDS": "Tệp từ đồng nghĩa riêng của tỉnh, được đọc lại khi thay đổi.",
    "SEARCH_RELAX_BELOW": (
        "Tìm được ít bộ dữ liệu hơn số này thì hỏi lại với các bước nới lỏng; 0: "
        "không bao giờ."
    ),
    "SEARCH_WAIT_MS": (
        "Số mili giây nhiều nhất một lần tìm kiếm chờ những gì người khác vừa ghi; ai "
        "ghi thì luôn tìm thấy "
        "thứ mình ghi."
    ),
    "SEARCH_LOG_DAYS": "Số ngày giữ số đếm câu hỏi tìm kiếm; 0: không giữ.",
    "SITE_URL": (
        "Địa chỉ công khai; mọi liên kết trong câu trả lời bắt đầu bằng nó. Không "
        "đặt: địa chỉ và cổng của "
        "`portal serve`."
    ),
    "SITE_TITLE": "Tên cổng, như status_show nói.",
    "SITE_DESCRIPTION": "Một câu về cổng, như status_show nói.",
    "LOCALE": "Ngôn ngữ của thông báo khi người gọi không chọn.",
    "MAX_RESOURCE_SIZE": "Tệp tải lên hoặc thu thập lớn nhất, tính bằng MB.",
    "READ_MEMORY_MB": (
        "Bộ nhớ mà việc đọc một tệp được dùng, tính bằng MB; tệp được đọc trong tiến "
        "trình riêng, hết mức thì "
        "tiến trình đó kết thúc."
    ),
    "READ_SECONDS": "Số giây bộ xử lý cho việc đọc một tệp, mỗi lượt đi qua bảng.",
    "READ_CELLS": "Số ô nhiều nhất (hàng × cột) của một bảng, tính bằng triệu.",
    "MAX_REQUEST_SIZE": "Thân yêu cầu lớn nhất ngoài tệp tải lên, tính bằng MB.",
    "SQL_SEARCH": "SQL công khai trên các hàng (datastore_search_sql): on hoặc off.",
    "ROWS_MAX": "Số bộ dữ liệu nhiều nhất trong một câu trả lời của package_search.",
    "DATASTORE_ROWS_MAX": "Số hàng nhiều nhất trong một câu trả lời của datastore_search.",
    "HOT_TABLES_MB": (
        "Dung lượng tối đa cho bản nóng của các bảng hay đọc; 0: không có, và bảng "
        "lớn trả lời chậm hơn."
    ),
    "CACHE_MB": (
        "Bộ nhớ (MB) mà mỗi tiến trình được dùng để giữ câu trả lời (của tìm kiếm, "
        "của truy vấn hàng, các mảnh DCAT); 0: không giữ gì."
    ),
    "CSV_ESCAPE_FORMULAS": (
        "Chữ trong CSV và TSV mà bảng tính sẽ chạy như công thức có được thêm dấu "
        "nháy đơn ở đầu hay không: "
        "on hoặc off."
    ),
    "ACCEL_REDIRECT": (
        "Đường dẫn mà nginx phục vụ nội bộ thư mục dữ liệu (X-Accel-Redirect), ví dụ "
        "/_files; trống: không."
    ),
    "VERSIONS_KEEP": "Số phiên bản của một bảng luôn được giữ, dù cũ đến đâu.",
    "VERSIONS_DAYS": "Số ngày giữ mọi phiên bản của một bảng.",
    "LINKS_HOURS": "Số giờ sau đó một bảng liên kết được xem lại; 0: không nạp liên kết.",
    "TOKEN_HEADER": "Tiêu đề yêu cầu mang mã API.",
    "TOKEN_DAYS": "Số ngày đến khi mã API mới hết hạn; 0: không bao giờ.",
    "CREATE_UNOWNED_DATASET": "Bộ dữ liệu có được không thuộc cơ quan nào hay không: on hoặc off.",
    "USER_CREATE_ORGANIZATIONS": "Người dùng bất kỳ có được tạo cơ quan hay không: on hoặc off.",
    "USER_CREATE_GROUPS": "Người dùng bất kỳ có được tạo nhóm hay không: on hoặc off.",
    "DATASET_COLLABORATORS": "Có được trao vai trò trong từng bộ dữ liệu hay không: on hoặc off.",
    "ACTIVITY_DAYS": "Số ngày giữ hoạt động; 0: mãi mãi.",
    "PROVINCE_CODE": "Phần của tỉnh trong mã định danh điện tử (QCVN 102:2016).",
    "PUBLIC_USER_DETAILS": "user_list và user_show có trả lời khi không có mã hay không: on hoặc off.",
    "HARVEST_ALLOW": (
        "Tên máy chủ hoặc mạng (10.1.0.0/16) mà nguồn được dùng dù là mạng riêng hay "
        "loopback."
    ),
    "HARVEST_ROOTS": "Các thư mục mà nguồn `files`, `datapackage` và SQLite được đọc.",
    "HARVEST_CA_FILE": "Chứng thư gốc (tệp PEM) của nguồn trên mạng nhà nước.",
    "HARVEST_TIMEOUT": "Số giây chờ lâu nhất cho một câu trả lời của nguồn.",
    "HARVEST_LEASE": "Số giây sau đó worker im lặng mất việc của nó.",
    "HARVEST_TRIES": "Số lần thử một bộ dữ liệu hoặc một việc trước khi bỏ.",
    "HARVEST_INDEX_SECONDS": (
        "Số giây một việc thu thập chờ, trước khi kết thúc, cho các bộ dữ liệu của nó "
        "tìm thấy được; quá thì "
        "nó nói là chưa."
    ),
    "HARVEST_DELETE_PERCENT": (
        "Việc xóa được giữ lại khi hơn tỷ lệ này (và hơn 10) của một nguồn biến mất "
        "cùng lúc."
    ),
    "HARVEST_MEMORY_MB": "Bộ nhớ nhiều nhất của tiến trình đọc cơ sở dữ liệu của ngành, tính bằng MB.",
    "CHECK_INLINE_MB": (
        "Tệp tải lên đến cỡ này (MB) được kiểm tra dữ liệu cá nhân và nạp ngay trong "
        "yêu cầu; lớn hơn thì đóng với "
        "người khác cho đến khi worker kiểm tra. 0: tất cả đều chờ."
    ),
    "VALIDATION_LIMIT": "Số lỗi được liệt kê cho mỗi phép kiểm tra và cột.",
    "VALIDATION_SECONDS": (
        "Số giây việc kiểm tra một bảng được dùng; bảng nào lâu hơn thì không hợp lệ, "
        "và báo cáo của nó nói vậy."
    ),
    "VALIDATION_POLICY": (
        "Bảng không hợp lệ thì sao, khi bộ dữ liệu và cơ quan của nó không nói gì: "
        "block giữ lại, warn công "
        "bố kèm cảnh báo, quarantine công bố không có các hàng lỗi."
    ),
    "OUTBOX_TRIES": (
        "Số lần thử một hệ quả của việc ghi (chỉ mục, nạp, chấm điểm, tải xuống, kiểm "
        "tra) trước khi bỏ và "
        "được `portal doctor` nêu; worker chết cùng nó tính là một lần."
    ),
    "WORKER_POLL": "Số giây giữa hai lần xem hàng đợi.",
    "HEALTH_WORKERS": "Số worker phải còn sống để /health/ready hài lòng; 0: không cần.",
    "HEALTH_WORKER_SECONDS": "Số giây không báo sống thì một worker coi là thiếu.",
    "HEALTH_QUEUE_SECONDS": "Số giây việc cũ nhất của một hàng đợi được chờ trước khi hàng đợi coi là kẹt.",
    "HEALTH_DISK_MB": "Dung lượng trống ít nhất để /health/ready hài lòng, tính bằng MB.",
    "METRICS_ALLOW": (
        "Các mạng được đọc /metrics và chi tiết của /health/ready không cần mã; yêu "
        "cầu đi qua proxy tính "
        "là từ địa chỉ mà proxy tin cậy (PORTAL_TRUSTED_PROXIES) nêu."
    ),
    "METRICS_TOKEN": "Mã để đọc /metrics và các chi tiết đó từ mọi nơi (Authorization: Bearer …).",
    "WORKER_JOBS": "Số việc thu thập một worker chạy song song, mỗi nguồn một việc.",
    "WORKER_STOP": (
        "Số giây worker được lệnh kết thúc có cho bộ dữ liệu hoặc bảng đang làm; phần "
        "chưa xong được trả cho "
        "worker sau."
    ),
    "SERVE_STOP": "Số giây máy chủ được lệnh kết thúc có cho các yêu cầu đang xử lý.",
    "ACCESS_LOG": (
        "Nơi ghi mỗi yêu cầu một dòng JSON: off, stderr, hoặc một tệp (luân chuyển "
        "bằng copytruncate)."
    ),
    "LOG_LEVEL": "Ghi nhật ký nhiều đến đâu.",
    "DATASTORE_SECONDS": "Số giây một câu hỏi trên các hàng được dùng; 0: không giới hạn.",
    "RATE_LIMIT_ANONYMOUS": "Số yêu cầu mỗi phút của một mạng không có mã; 0: tùy ý.",
    "RATE_LIMIT_TOKEN": "Số yêu cầu mỗi phút với một mã; 0: tùy ý.",
    "RATE_LIMIT_NETWORK": "Số yêu cầu mỗi phút của một mạng với tất cả mã của nó; 0: tùy ý.",
    "RATE_LIMIT_DOWNLOADS": "Số lần tải xuống mỗi phút của một mạng, có hoặc không có mã; 0: tùy ý.",
    "RATE_LIMIT_EXEMPT": "Các mạng không bao giờ bị từ chối, như máy của chính mình; trống: không có.",
    "TRUSTED_PROXIES": (
        "Mạng của các proxy phía trước, có X-Forwarded-For cho biết người gửi; trống: "
        "không tin proxy nào."
    ),
    "INVITATION_DAYS": "Số ngày một lời mời còn mở được tài khoản của nó.",
}
