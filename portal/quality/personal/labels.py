"""What the labels of columns mean for persons: words in Vietnamese and English, however
they are written.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from portal.quality.personal.folding import label_words


class Meaning(NamedTuple):
    """One meaning of a label: words that give it, words that take it away again, and
    words that must stand alone.
    """

    role: str
    words: str
    unless: str = ""
    alone: str = ""


ABOUT_PAPERS = (
    r"ngay|noi cap|noi dang ky|co quan cap|loai|tinh trang|trang "
    r"thai|han|date|type|status|so luong|count"
)
COUNTED = (
    r"so luong|so nguoi|so ca|so luot|luot|ty le|tong so|tong|count|number "
    r"of|total|rate"
)
MONEY = rf"tien|muc|chi phi|kinh phi|so thu|doanh thu|gia tri|amount|fee|{COUNTED}"
ORGANIZED = (
    r"co quan|to chuc|don vi|dien tu|doanh nghiep|cong ty|thua|thua dat|tai san|van "
    r"ban|san pham|thiet bi"
)

# Words that are often joined ("hotencha") are listed joined: nothing in them tells
# where they part.
MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "identity",
        r"cccd|cccdso|cmnd|cmt|cmtnd|cmtnn|cmqd|cmnd cccd|can cuoc|can cuoc cong "
        r"dan|chung minh|chung minh nhan dan|"
        r"chung minh thu|gttt|gtttuythan|giay to tuy than|giay tuy than|dinh danh ca "
        r"nhan|dinh danh cong dan|sddcn|"
        r"ddcn|ddcd|citizen id|citizen|citizen number|citizen identification|national "
        r"id|national identity|nid|"
        r"identity card|identity number|identity no|identity document|identity "
        r"paper|identification|"
        r"identification number|id card|idcard|idcardno|personal id|personal "
        r"identification|person id|so cc|the cc|"
        r"cancuoc|cancuoccongdan|chungminhnhandan|chungminhthu|dinhdanhcanhan|citizenid|nationalid|socccd|socmnd|socmt|"
        r"thecancuoc|sothecancuoc|socancuoc",
        rf"{ABOUT_PAPERS}|{ORGANIZED}|name",
    ),
    Meaning(
        "paper",
        r"giay to|so giay to|dinh danh|so dinh danh|ma dinh danh|id no|id "
        r"number|giayto|sodinhdanh|madinhdanh",
        rf"{ABOUT_PAPERS}|{ORGANIZED}",
        alone=r"id|ssn",
    ),
    Meaning(
        "passport",
        r"ho chieu|passport|so hc|hc so|pp no|passportno|hochieu|sohochieu",
        rf"{ABOUT_PAPERS}",
    ),
    Meaning(
        "licence",
        r"gplx|giay phep lai xe|bang lai|bang lai xe|blx|driving licen[cs]e|driver s "
        r"licen[cs]e|drivers licen[cs]e|"
        r"driver licen[cs]e|giay phep dieu khien|giayphep ?lai "
        r"?xe|sogplx|banglai|banglaixe|driverlicen[cs]e",
        rf"{ABOUT_PAPERS}|{COUNTED}|hang",
    ),
    Meaning(
        "health-card",
        r"bhyt|bao hiem y te|the bao hiem|so the bh|health insurance|health card|hi "
        r"card|insurance card|insurance no|"
        r"insurance number|medical "
        r"card|sobhyt|thebhyt|sothebhyt|baohiemyte|healthinsurance",
        rf"{ABOUT_PAPERS}|{MONEY}|don vi|co quan|co so|social|xa hoi",
    ),
    Meaning(
        "social-insurance",
        r"bhxh|bao hiem xa hoi|so so bh|so so bao hiem|social insurance|social "
        r"security|bao hiem that nghiep|bhtn|"
        r"sobhxh|masobhxh|sosobhxh|baohiemxahoi|socialinsurance",
        rf"{ABOUT_PAPERS}|{MONEY}|don vi|co quan|co so",
    ),
    Meaning(
        "tax",
        r"mst|ma so thue|ma thue|tax|tax code|tax id|tax no|taxcode|taxid|masothue",
        MONEY,
        alone=r"tin|thue",
    ),
    Meaning(
        "person-tax",
        r"(?:mst|ma so thue|ma thue|thue|tax|tax code|tax id|tin)(?: \w+)? (?:ca "
        r"nhan|cn|tncn|nguoi \w+|npt|cua nguoi)|"
        r"mst(?:cn|canhan|tncn)|(?:personal|individual|pit)(?: income)? tax(?: code| "
        r"id| number| no)?|"
        r"personal tin|masothuecanhan|personaltax(?:code|id)?",
        MONEY,
    ),
    Meaning(
        "phone",
        r"dien thoai|sdt|so dt|dtdd|sdtdd|di dong|so di dong|zalo|so lien he|so lien "
        r"lac|phone|"
        r"phone number|mobile "
        r"number|cellphone|telephone|viber|whatsapp|sodienthoai|dienthoai|so dd|so "
        r"phone|"
        r"phoneno|phonenumber|mobileno|sodt|sodidong|didong|contact no|contact number",
        r"loai|so luong|ma|nha mang|hang|gia",
        alone=r"dt|cell|contact|lien he|lien lac|mobile|tel",
    ),
    Meaning(
        "office-line",
        r"hotline|duong day nong|duongdaynong|tong dai|tongdai|fax|dien thoai "
        r"ban|dien thoai co dinh|co dinh|may ban|"
        r"dien thoai co quan|dien thoai truc|cskh|cham soc khach "
        r"hang|switchboard|landline|office phone|"
        r"helpline|so may le|tiep nhan phan anh",
        alone=r"truc|ho tro|duong day",
    ),
    Meaning(
        "email",
        r"e mail|email|thu dien tu|hop thu|gmail|emailaddress|thudientu|dia chi thu",
        alone=r"mail",
    ),
    Meaning(
        "plate",
        r"bien so|bien so xe|bien kiem soat|bks|bsx|bien xe|plate|plate no|plate "
        r"number|licen[cs]e plate|"
        r"number plate|bien dang ky|so dang ky "
        r"xe|bienso|biensoxe|bienkiemsoat|vehicle registration|so bien",
        alone=r"so xe|xe bien",
    ),
    Meaning(
        "bank",
        r"tai khoan|so tai khoan|stk|so tk|account|account no|account number|bank "
        r"account|iban|so the atm|"
        r"card number|card "
        r"no|sotaikhoan|taikhoan|taikhoannganhang|sotk|bankaccount|accountnumber|stk "
        r"nganhang",
        r"kho bac|ke toan|ngan sach|ten|ten tai khoan|user|loai|dang nhap|chu tai "
        r"khoan|so luong|"
        r"kho bac nha nuoc|kbnn|name",
        alone=r"tk|atm|so the",
    ),
    Meaning(
        "birth",
        r"ngay sinh|nam sinh|thang sinh|ngay thang nam sinh|ngay thang sinh|sinh "
        r"ngay|sinh nam|ntns|birthday|"
        r"birth date|birthdate|birth year|birthyear|date of birth|year of "
        r"birth|dateofbirth|dob|yob|"
        r"ngaysinh|namsinh|ngaythangnamsinh",
        r"nhom tuoi|do tuoi|age group|age band|noi sinh|so tre|tre sinh|hoc sinh|ty "
        r"suat|so luong|khai sinh|ve sinh|"
        r"sinh hoc|moi sinh|sinh vien|tuoi tho|thi sinh",
        alone=r"sinh|tuoi|age|ns|birth|born|ngay thang nam",
    ),
    Meaning(
        "sex",
        r"gioi tinh|sex|gender|nam nu|gioitinh",
        alone=r"gioi|phai|gt",
    ),
    Meaning(
        "birthplace",
        r"noi sinh|que quan|nguyen quan|birth ?place|place of birth|home "
        r"?town|noisinh|quequan|nguyenquan",
        alone=r"que",
    ),
    Meaning(
        "origin",
        r"dan toc|ton giao|ethnic|ethnicity|ethnic group|religion|quoc "
        r"tich|nationality|citizenship|"
        r"thanh phan gia dinh|chinh kien|quan diem chinh tri|dan "
        r"?toc|tongiao|dantoc|union membership",
        alone=r"race|political",
    ),
    Meaning(
        "family",
        r"(?:ho )?(?:va )?ten (?:cha|bo|me|vo|con|ong|phu huynh)|cha me|bo me|vo "
        r"chong|chong|nguoi than|"
        r"nguoi giam ho|giam ho|phu huynh|than nhan|quan he|quan he voi chu ho|hon "
        r"nhan|tinh trang hon nhan|so ho khau|"
        r"father|mother|parents|spouse|husband|wife|guardian|marital|marital "
        r"status|next of kin|"
        r"nguoi phu "
        r"thuoc|dependents?|hotencha|hotenme|hotenbo|hotenvo|hotenchong|tencha|tenme|honnhan",
        COUNTED,
        alone=r"cha|chong|children|relative|parent",
    ),
    Meaning(
        "health",
        r"chan doan|benh tat|benh ly|benh an|benh nen|ten benh|ma benh|loai benh|mac "
        r"benh|tinh trang suc khoe|"
        r"suc khoe|khuyet tat|dang tat|dang khuyet tat|tat nguyen|nhom mau|xet "
        r"nghiem|ket qua xet nghiem|"
        r"ket qua xn|hiv|"
        r"icd ?10|diagnosis|disease|illness|disability|disabilities|medical "
        r"history|medical condition|"
        r"health status|health condition|trieu chung|symptoms?|dieu tri|tien su|tien "
        r"su benh|di ung|allerg\w+|tam than|"
        r"blood type|blood group|tiem chung|mui tiem|vac ?xin|phac do|toa thuoc|don "
        r"thuoc|nghien ma tuy|nghien hut|"
        r"ma tuy|cai nghien|thai san|mang "
        r"thai|chandoan|tenbenh|suckhoe|khuyettat|dangtat|nhommau|thuong tat|"
        r"ty le thuong tat|patient condition",
        r"benh vien|benh xa|benh nhan|insurance|card|phong kham|co so|trung "
        rf"tam|tram|bao hiem|nganh|so ca|{COUNTED}",
        alone=r"benh|icd|medical|health|treatment|vaccine",
    ),
    Meaning(
        "home",
        r"noi o|noi o hien tai|noi o hien nay|thuong tru|tam tru|ho khau|hktt|hk "
        r"thuong tru|dktt|noi cu tru|"
        r"dia chi nha|dia chi nha rieng|nha rieng|dia chi thuong tru|dia chi tam "
        r"tru|dia chi rieng|home address|"
        r"homeaddress|residence|residential address|place of residence|permanent "
        r"address|current address|"
        r"noi dang ky thuong "
        r"tru|noio|hokhau|thuongtru|tamtru|diachinha|diachithuongtru|noicutru|noithuongtru",
        r"so|loai|tinh trang|ngay",
        alone=r"cho o|choo|cu tru",
    ),
    Meaning(
        "address",
        r"dia chi|diachi|address|addr|so nha|sonha|dia chi lien he|street address|noi "
        r"lam viec|dchi",
        alone=r"dc",
    ),
    Meaning(
        "place",
        r"toa do|toado|vi do|kinh "
        r"do|vido|kinhdo|latitude|longitude|coordinates?|coords?|gps|geom|"
        r"geometry|the geom|wkt|geojson|toa do x|toa do y|vn2000|latlng|latlong|lat "
        r"lng",
        alone=r"long|lon|lat|lng|location|vi tri|x|y",
    ),
    Meaning(
        "finance",
        r"tien luong|muc luong|bac luong|he so luong|luong thang|luong co ban|thu "
        r"nhap|tro cap|muc tro cap|phu cap|"
        r"no thue|tien no|so tien no|du no|khoan vay|vay von|tien "
        r"vay|salary|income|wage|wages|loan|allowance|"
        r"muc huong|ho ngheo|can ngheo|dien chinh sach|hoan canh|gia canh|bao tro xa "
        r"hoi|thunhap|trocap|duno|"
        r"luongthang|"
        r"tien an|tien su vi pham|vi pham|xu phat|ky luat|an tich|criminal "
        r"record|conviction|credit score",
        r"san luong|so luong|khoi luong|chat luong|luu luong|nang luong|trong "
        r"luong|dung luong|luong mua|"
        r"luong thuc|so ho|binh quan|so ho ngheo|ty le",
        alone=r"luong|debt",
    ),
    Meaning(
        "person",
        r"ho ten|ho va ten|ho dem|ten dem|hoten|hovaten|ho va chu dem|ho chu dem|full "
        r"name|fullname|first name|"
        r"last name|"
        r"firstname|lastname|surname|given name|family name|middle name|chu "
        r"ho|chuho|chu nha|chu xe|chuxe|chu so huu|"
        r"chu phuong tien|chu dat|chu tai khoan|chu rung|chu tau|chu thua|chu su "
        r"dung|chu co so|"
        r"chu ho kinh doanh|owner|"
        r"owner name|householder|head of household|person name|patient|patient "
        r"name|applicant|citizen name|"
        r"student name|employee name|ten nguoi|ten nguoi dan|ten hoc sinh|ten cong "
        r"dan|ten benh nhan|ten chu ho|"
        r"ten sinh vien|ten chau|ten tre|ten can bo|ten nhan vien|ten khach hang|ten "
        r"giao vien|ten thi sinh|"
        r"hoc vien|thi sinh|doan vien|dang vien|hoi vien|nhan vien|giao vien|"
        r"bac si|nguoi lao dong|khach hang|ho gia dinh|nguoi \w+|nguoi \w+ \w+|nguoi "
        r"\w+ \w+ \w+|"
        r"ten chu \w+|name of person|beneficiary|customer name|dai dien ho|ten "
        r"goi|ten ca nhan",
        rf"{COUNTED}|so|ma|loai|nhom|doi tuong ap dung|phone|so cccd|ngay",
        alone=(
            r"ho|dem|person|nguoi|chu|ho dan|lao dong|ca nhan|can bo|hoc sinh|sinh "
            r"vien|cong dan|benh nhan"
        ),
    ),
    Meaning(
        # Under these labels any words are a name: foreign ones have no Vietnamese
        # family name.
        "sure",
        r"ho ten|ho va ten|ho dem|hoten|hovaten|full name|fullname|chu ho|chuho|chu "
        r"nha|chu xe|chuxe|chu so huu|"
        r"ten chu \w+|"
        r"householder|ten nguoi|ten hoc sinh|ten benh nhan|ten cong dan|nguoi dung "
        r"dau|owner name|patient name",
    ),
    Meaning(
        "patient",
        r"benh nhan|nguoi benh|patient|patient name|nguoi nhiem \w+|nguoi "
        r"nghien|nguoi khuyet tat|nguoi tam than",
        rf"{COUNTED}|ma|so|id|date",
    ),
    Meaning(
        "officer",
        r"nguoi dung dau|thu truong|lanh dao|giam doc|pho giam doc|hieu truong|hieu "
        r"pho|chu tich|truong phong|"
        r"truong ban|truong khoa|truong tram|truong thon|nguoi dai dien|dai dien phap "
        r"luat|"
        r"nguoi phu trach|nguoi phat ngon|phat ngon|nguoi ky|nguoi lien he|bi thu|"
        r"can bo (?:phu trach|dau moi|theo doi|xu "
        r"ly)|director|chairman|chairperson|principal|representative|"
        r"legal representative|contact person|signer|signed by|nguoi quan ly|nguoi "
        r"cong bo|tac gia|"
        r"chu nhiem|chu nhiem de tai|nguoi huong dan|chu "
        r"bien|giamdoc|hieutruong|nguoidaidien|nguoidungdau|"
        r"phat ngon vien",
        rf"{COUNTED}|so dien thoai|ma",
        alone=r"head|leader|manager|dai dien|phu trach|dau moi|author",
    ),
    Meaning(
        "organization",
        r"co quan|don vi|to chuc|truong|truong hoc|ten dn|ten cong ty|ten doanh "
        r"nghiep|ten co so|ten truong|ten don vi|"
        r"ten co quan|cong ty|doanh nghiep|cty|hop tac xa|htx|benh vien|phong "
        r"kham|tram|tram y te|co so|cua hang|"
        r"chi nhanh|so ban nganh|ubnd|agency|organi[sz]ation|company|company "
        r"name|school|school name|"
        r"hospital|institution|enterprise|firm|ngan hang|khach san|nha hang|nha "
        r"thuoc|quay thuoc|chu dau tu|nha thau|"
        r"van phong|trung tam|phong ban|publisher|nha cung "
        r"cap|coquan|donvi|tencoso|tendn|tentruong|tencongty|"
        r"thuong hieu|nha xe|nha phan phoi|supplier|vendor|bureau|authority|dai ly",
        r"truong phong|truong ban|truong thon|truong khoa|don vi tinh|ho ten|hieu "
        r"truong",
        alone=r"hang|dn|office|department|shop|store|center|centre",
    ),
    Meaning(
        # Streets, schools and prizes bear names of persons: under these labels they are
        # nobody's.
        "thing",
        r"chuyen khoa|khoa|chuyen mon|chuyen nganh|bo phan|specialty|duong|duong "
        r"pho|ten duong|pho|"
        r"tuyen|tuyen duong|tuyen pho|cau|cho|di "
        r"tich|den|chua|lang|xa|phuong|thon|huyen|"
        r"tinh|cong vien|song|nui|ho nuoc|dia danh|dia diem|khu|khu pho|ga|ben|ben "
        r"xe|nha van hoa|street|street name|"
        r"road|place|place name|tac pham|bai hat|nhan vat|danh "
        r"nhan|bridge|market|river|ward|commune|district|province|"
        r"ten pho|ten cau|ten cho|ten xa|ten phuong|le hoi|san pham|cay trong|vat "
        r"nuoi|loai|giong|duongpho|tenduong|"
        r"cong trinh|du an|mon hoc|linh vuc|nganh|avenue|lane|village|dai lo|ngo",
    ),
    Meaning(
        "amount",
        rf"{MONEY}|don gia|thanh tien|du toan|ngan sach|san luong|khoi luong|dien "
        r"tich|price|cost|revenue|"
        r"quantity|budget|dan so|population|vnd|nghin dong|trieu dong|doanh so|thu "
        r"ngan sach|chi ngan sach|"
        r"giatri|sotien|dongia|thanhtien|kinhphi|balance|so du|gia tri",
        r"ma",
        alone=r"gia|no|co|von|dong|value|total|sum",
    ),
    Meaning(
        "code",
        r"ma|code|so hieu|so lo|serial|seri|imei|barcode|ma vach|hs|hs "
        r"code|mst|thue|dkkd|so gcn|so qd|so van ban|"
        r"vin|so khung|so may|uuid|guid|ma so|stt|so thu tu|phien ban|version|so ho "
        r"so|ma ho so|"
        r"timestamp|epoch|unix|ma so doanh nghiep|ma dn|msdn|ma \w+|\w+ id|\w+ "
        r"code|mavach|gtin|ean|upc|isbn",
        alone=r"lo|id|key|hash",
    ),
)
PAPER_ROLES = frozenset(
    {"identity", "paper", "passport", "licence", "health-card", "social-insurance"}
)
NUMBER_ROLES = PAPER_ROLES | {
    "tax",
    "person-tax",
    "phone",
    "office-line",
    "email",
    "plate",
    "bank",
}


def _compiled(words: str) -> re.Pattern[str] | None:
    return re.compile(rf"\b(?:{words})\b") if words else None


_COMPILED = tuple(
    (each.role, _compiled(each.words), _compiled(each.unless), _compiled(each.alone))
    for each in MEANINGS
)


# Nested values ask for every key of every record.
@lru_cache(maxsize=10_000)
def roles(label: str) -> frozenset[str]:
    """The meanings of one label; empty where it tells nothing of persons,
    organizations, places or amounts.
    """
    words = label_words(label)
    return frozenset(role for role, *patterns in _COMPILED if _has(words, *patterns))


def _has(
    words: str,
    given: re.Pattern[str] | None,
    taken: re.Pattern[str] | None,
    alone: re.Pattern[str] | None,
) -> bool:
    """Whether the words of a label have a meaning: alone, or given by some and not
    taken away by others.
    """
    if alone and alone.fullmatch(words):
        return True
    return bool(given and given.search(words)) and not (taken and taken.search(words))
