"""The configuration of Superset. Superset reads this file itself (SUPERSET_CONFIG_PATH), in its own environment.

Every value that differs between machines comes from the environment, with the names of `.env.example`.
"""

import os
import sqlite3
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import event
from sqlalchemy.engine import Engine

sys.path.insert(0, str(Path(__file__).parent))  # what is imported below stands beside this file

from event_log import ReaderLog  # type: ignore[import-not-found]
from shared_limits import FileStorage  # type: ignore[import-not-found]
from superset.config import THEME_DARK, THEME_DEFAULT


def setting(name: str, default: str = "") -> str:
    """A variable of the environment; an empty one is as good as none."""
    return os.environ.get(name) or default


HOME = Path(os.environ["SUPERSET_HOME"])
REDIS_URL = setting("SUPERSET_REDIS_URL")
PUBLIC_URL = setting("SUPERSET_PUBLIC_URL")
IS_HTTPS = PUBLIC_URL.startswith("https://")

# Metadata: dashboards, users, roles. SQLite is enough for one machine; waiting writers queue instead of failing.
SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = setting(
    "SUPERSET_METADATA_URI", f"sqlite:///{HOME / 'superset.db'}?check_same_thread=false&timeout=30"
)
PREVENT_UNSAFE_DB_CONNECTIONS = True


@event.listens_for(Engine, "connect")
def write_ahead(connection: Any, record: Any) -> None:
    """SQLite: readers do not wait for writers, nor commits for the disk. Every chart of a page writes to the log."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")


EVENT_LOGGER = ReaderLog()

# What is switched on.
FEATURE_FLAGS = {
    "ALERT_REPORTS": bool(setting("SUPERSET_SMTP_HOST")),
    "DASHBOARD_RBAC": True,  # a role may see a dashboard without having its datasets
    "DASHBOARD_VIRTUALIZATION_DEFER_DATA": True,  # charts are asked for when they come into sight
    "DRILL_BY": True,
    "DRILL_TO_DETAIL": True,
    "EMBEDDED_SUPERSET": False,
    "ENABLE_TEMPLATE_PROCESSING": False,  # Jinja in SQL is code that a reviewer does not see
    "RLS_IN_SQLLAB": True,  # row-level security holds for hand-written SQL too
    "TAGGING_SYSTEM": False,
}
FAB_ADD_SECURITY_API = True  # `gtc dashboards deploy` applies roles through it
FAB_API_MAX_PAGE_SIZE = 10_000  # and reads whole lists: their pages have no order (bi/servers.py)
SQLLAB_CTAS_NO_LIMIT = False
ENABLE_PROXY_FIX = bool(PUBLIC_URL)  # a proxy in front tells the address that people typed

# Rows: of a chart, of a table with drill to detail, of SQL Lab.
ROW_LIMIT = 10_000
SAMPLES_ROW_LIMIT = 1_000
SQL_MAX_ROW = 50_000
DEFAULT_SQLLAB_LIMIT = 1_000
SQLLAB_TIMEOUT = 60
SUPERSET_WEBSERVER_TIMEOUT = 60


# Caches. Marts change when a build ends, so that data may be some minutes old; a deploy empties nothing but warms.
def cache(prefix: str, seconds: int) -> dict[str, Any]:
    """Flask-Caching's settings of one cache: in Redis where there is one, else in files."""
    common = {"CACHE_DEFAULT_TIMEOUT": seconds, "CACHE_KEY_PREFIX": prefix}
    if REDIS_URL:
        return {**common, "CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": REDIS_URL}
    return {**common, "CACHE_TYPE": "FileSystemCache", "CACHE_DIR": str(HOME / "cache" / prefix), "CACHE_MODE": 0o600}


CACHE_CONFIG = cache("meta_", 300)
DATA_CACHE_CONFIG = cache("data_", 600)
FILTER_STATE_CACHE_CONFIG = cache("filter_", 30 * 86_400)
EXPLORE_FORM_DATA_CACHE_CONFIG = cache("explore_", 7 * 86_400)

# Security: headers (Talisman's, with a content security policy), cookies, a limit on guessing passwords.
TALISMAN_ENABLED = True
# Superset's own policy without other people's hosts: pages would tell a counter of Superset's makers who opens them.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
SESSION_COOKIE_NAME = "superset_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = IS_HTTPS
PERMANENT_SESSION_LIFETIME = 12 * 3600
WTF_CSRF_ENABLED = True
RATELIMIT_ENABLED = True
RATELIMIT_APPLICATION = "200 per second"
RATELIMIT_STORAGE_URI = REDIS_URL or f"{FileStorage.STORAGE_SCHEME[0]}://{quote(str(HOME / 'limits.db'))}"
AUTH_RATE_LIMITED = True
AUTH_RATE_LIMIT = setting("SUPERSET_LOGIN_RATE", "10 per minute")


def FLASK_APP_MUTATOR(app: Any) -> None:  # noqa: N802  # Superset's name
    """What Superset offers no setting for, once it stands.

    Wrong log-ins are limited on the page and through the REST API: Superset limits a view that takes no passwords.
    """
    from computed_columns import look_up_by_the_same_quotes  # type: ignore[import-not-found]

    look_up_by_the_same_quotes()
    limit = app.appbuilder.sm.limiter.limit(AUTH_RATE_LIMIT, methods=["POST"], deduct_when=is_refused)
    for endpoint in list(app.view_functions):
        if endpoint.endswith(("SecurityApi.login", "AuthDBView.login")):
            app.view_functions[endpoint] = limit(app.view_functions[endpoint])


def is_refused(answer: Any) -> bool:
    """Whether a log-in failed: the page then sends people to itself once more."""
    return answer.status_code >= 400 or "/login" in answer.headers.get("Location", "")


PUBLIC_ROLE_LIKE = None  # nobody sees anything without logging in
AUTH_ROLE_PUBLIC = "Public"
SQL_QUERY_MUTATOR = None

# The look: Okabe and Ito's colours, told apart by colour-blind people, and one scale for heat maps.
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "globaltaxcalc",
        "label": "GlobalTaxCalc",
        "description": "Okabe and Ito's colours, then their darker shades, then grey for comparisons",
        "isDefault": True,
        "colors": [
            "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442",
            "#004B75", "#9C6B00", "#00664B", "#8A4A70", "#2F7FAE", "#8C3D00", "#999999",
        ],
    }
]  # fmt: skip
EXTRA_SEQUENTIAL_COLOR_SCHEMES = [
    {
        "id": "globaltaxcalc_blues",
        "label": "GlobalTaxCalc, from white to blue",
        "description": "One hue, lighter is less; readable in grey",
        "isDiverging": False,
        "isDefault": True,
        "colors": ["#F7FBFF", "#DEEBF7", "#C6DBEF", "#9ECAE1", "#6BAED6", "#4292C6", "#2171B5", "#08519C"],
    }
]
# Charts stand at once: drawing each of them again for a second took a fifth of the processor time of opening a page.
NO_ANIMATION = {"echartsOptionsOverrides": {"animation": False}}
THEME_DEFAULT = {**THEME_DEFAULT, **NO_ANIMATION}
THEME_DARK = {**THEME_DARK, **NO_ANIMATION}
APP_NAME = "GlobalTaxCalc Analytics"
LANGUAGES = {"en": {"flag": "us", "name": "English"}}
D3_FORMAT = {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["$", ""]}

# Log in with OpenID Connect, where an issuer is set; groups of the provider become roles at each log-in.
if issuer := setting("SUPERSET_OIDC_ISSUER"):
    from flask_appbuilder.security.manager import AUTH_OAUTH
    from roles_from_groups import GroupsSecurityManager  # type: ignore[import-not-found]

    AUTH_TYPE = AUTH_OAUTH
    OAUTH_PROVIDERS = [
        {
            "name": "oidc",
            "icon": "fa-key",
            "token_key": "access_token",
            "remote_app": {
                "client_id": os.environ["SUPERSET_OIDC_CLIENT_ID"],
                "client_secret": os.environ["SUPERSET_OIDC_CLIENT_SECRET"],
                "server_metadata_url": f"{issuer.rstrip('/')}/.well-known/openid-configuration",
                "client_kwargs": {"scope": "openid email profile groups"},
            },
        }
    ]
    AUTH_USER_REGISTRATION = True
    AUTH_USER_REGISTRATION_ROLE = "Public"  # somebody in no group sees nothing
    AUTH_ROLES_MAPPING: dict[str, list[str]] = {}
    for pair in filter(None, setting("SUPERSET_OIDC_ROLES").split(",")):
        group, _, role = pair.partition("=")
        AUTH_ROLES_MAPPING.setdefault(group.strip(), []).append(role.strip())
    AUTH_ROLES_SYNC_AT_LOGIN = True
    CUSTOM_SECURITY_MANAGER = GroupsSecurityManager

# Reports by e-mail: a picture of the page, taken by Debian's chromium. Schedules need a broker: REDIS_URL.
if smtp_host := setting("SUPERSET_SMTP_HOST"):
    from superset.tasks.types import FixedExecutor

    SMTP_HOST = smtp_host
    SMTP_PORT = int(setting("SUPERSET_SMTP_PORT", "25"))
    SMTP_USER = setting("SUPERSET_SMTP_USER")
    SMTP_PASSWORD = setting("SUPERSET_SMTP_PASS")
    SMTP_MAIL_FROM = setting("SUPERSET_SMTP_FROM", "superset@localhost")
    SMTP_STARTTLS = SMTP_SSL_SERVER_AUTH = bool(SMTP_USER)
    SMTP_SSL = False
    ALERT_REPORTS_NOTIFICATION_DRY_RUN = False
    ALERT_REPORTS_EXECUTORS = [FixedExecutor("admin")]
    EMAIL_REPORTS_SUBJECT_PREFIX = "[GlobalTaxCalc]"
    WEBDRIVER_TYPE = "chrome"
    here = setting("SUPERSET_HOST", "127.0.0.1")
    here = "127.0.0.1" if here in ("0.0.0.0", "::") else here  # noqa: S104  # every address is this one too
    WEBDRIVER_BASEURL = f"http://{here}:{setting('SUPERSET_PORT', '8088')}/"
    WEBDRIVER_BASEURL_USER_FRIENDLY = f"{PUBLIC_URL}/" if PUBLIC_URL else WEBDRIVER_BASEURL
    WEBDRIVER_OPTION_ARGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    if REDIS_URL:
        from reports_by_the_clock import EXPIRES, CeleryConfig  # type: ignore[import-not-found]

        CELERY_BEAT_SCHEDULER_EXPIRES = EXPIRES
        CELERY_CONFIG = CeleryConfig
