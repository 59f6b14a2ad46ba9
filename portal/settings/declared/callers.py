"""The settings of the site and its callers: its name, their rights, and what they
may cost.
"""

from __future__ import annotations

from portal.settings.declared.setting import Setting
from portal.settings.values import (
    flag,
    http_url,
    internal_path,
    networks,
    number,
    one_of,
    text,
)

CALLERS: tuple[Setting, ...] = (
    Setting(
        "SITE_URL",
        "http://127.0.0.1:5000",
        http_url,
        "Public address; every link in an answer begins with it. Not set: the address "
        "and port of `portal serve`.",
    ),
    Setting(
        "SITE_TITLE",
        "Cổng dữ liệu mở tỉnh Thanh Hóa",
        text,
        "Name of the portal, as status_show says it.",
    ),
    Setting(
        "SITE_DESCRIPTION",
        "",
        text,
        "One sentence about the portal, as status_show says it.",
    ),
    Setting(
        "LOCALE",
        "vi",
        one_of("vi", "en"),
        "Language of messages when a caller asks for none.",
    ),
    Setting(
        # Such bodies are parsed in memory whole; only uploads go to the disk.
        "MAX_REQUEST_SIZE",
        "10",
        number(1, 10_000),
        "Largest request body besides uploads, in MB.",
    ),
    Setting(
        # CKAN's own default (ckan.search.rows_max).
        "ROWS_MAX",
        "1000",
        number(1, 100_000),
        "Most datasets in one package_search answer.",
    ),
    Setting(
        "ACCEL_REDIRECT",
        "",
        internal_path,
        "Path under which nginx serves the data folder internally (X-Accel-Redirect), "
        "such as /_files; empty: no.",
    ),
    Setting(
        "TOKEN_HEADER",
        "Authorization",
        text,
        "Request header that carries an API token.",
    ),
    Setting(
        "TOKEN_DAYS",
        "0",
        number(0, 3650),
        "Days until a new API token expires; 0: never.",
    ),
    Setting(
        "RATE_LIMIT_ANONYMOUS",
        "3000",
        number(0, 10_000_000),
        "Requests a minute of a network without a token; 0: any.",
    ),
    Setting(
        "RATE_LIMIT_TOKEN",
        "6000",
        number(0, 10_000_000),
        "Requests a minute with one token; 0: any.",
    ),
    Setting(
        # Whoever makes tokens up gets a fresh bound with each; this one holds them all
        # together.
        "RATE_LIMIT_NETWORK",
        "30000",
        number(0, 10_000_000),
        "Requests a minute of one network with all its tokens together; 0: any.",
    ),
    Setting(
        "RATE_LIMIT_DOWNLOADS",
        "3000",
        number(0, 10_000_000),
        "Downloads a minute of one network, with or without a token; 0: any.",
    ),
    Setting(
        "RATE_LIMIT_EXEMPT",
        # Behind a proxy that TRUSTED_PROXIES does not name, all strangers come from
        # loopback; limits would refuse them as one.
        "127.0.0.0/8,::1",
        networks,
        "Networks that are never refused, such as one's own machines; empty: none.",
    ),
    Setting(
        "TRUSTED_PROXIES",
        "",
        networks,
        "Networks of the proxies in front, whose X-Forwarded-For tells the sender; "
        "empty: none is asked.",
    ),
    Setting(
        "INVITATION_DAYS",
        "7",
        number(1, 365),
        "Days for which an invitation opens its account.",
    ),
    Setting(
        "CREATE_UNOWNED_DATASET",
        "off",
        flag,
        "Whether a dataset may have no organization: on or off.",
    ),
    Setting(
        "USER_CREATE_ORGANIZATIONS",
        "off",
        flag,
        "Whether any user may create organizations: on or off.",
    ),
    Setting(
        "USER_CREATE_GROUPS",
        "off",
        flag,
        "Whether any user may create groups: on or off.",
    ),
    Setting(
        "DATASET_COLLABORATORS",
        "off",
        flag,
        "Whether users may be given roles in single datasets: on or off.",
    ),
    Setting(
        "ACTIVITY_DAYS",
        "0",
        number(0, 36_500),
        "Days for which activities are kept; 0: for ever.",
    ),
    Setting(
        "PROVINCE_CODE",
        "H56",
        text,
        "The province's part of electronic identifiers (QCVN 102:2016).",
    ),
    Setting(
        # As CKAN has it by default.
        "PUBLIC_USER_DETAILS",
        "on",
        flag,
        "Whether user_list and user_show answer without a token: on or off.",
    ),
)
