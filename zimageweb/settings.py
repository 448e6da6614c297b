"""All settings of the site, read once from the environment. README.md, "Configuration", lists every variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from zimageweb import environment

django_stubs_ext.monkeypatch()  # lets `ModelAdmin[Image]` stand in code as it does in type checking

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / ".env")  # the process environment wins

DATA_DIR = Path(environment.text("ZIMAGE_DATA_DIR") or BASE_DIR / "var").resolve()

# -- the site ---------------------------------------------------------------------------------------------------------
SITE_NAME = environment.text("SITE_NAME", "Zimageweb")
DEBUG = environment.switch("DEBUG", False)
HOST = environment.text("HOST", "127.0.0.1")
PORT = environment.whole_number("PORT", 7860, least=1, most=65535)
_typed_host = "localhost" if HOST in {"127.0.0.1", "::1"} else f"[{HOST}]" if ":" in HOST else HOST
SITE_URL = environment.text("SITE_URL", f"http://{_typed_host}:{PORT}").rstrip("/")
_site = urlsplit(SITE_URL)
if _site.scheme not in {"http", "https"} or not _site.hostname:
    raise ImproperlyConfigured(f"SITE_URL must look like https://pictures.example.org, not {SITE_URL!r}.")

ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", ",".join({"localhost", "127.0.0.1", "[::1]", _site.hostname}))
CSRF_TRUSTED_ORIGINS = [f"{_site.scheme}://{_site.netloc}"]
SECRET_KEY = environment.secret_key(DATA_DIR)
SIGNUP = environment.choice("SIGNUP", "approval", ("closed", "invite", "approval", "open"))

# -- security ---------------------------------------------------------------------------------------------------------
# A site that people reach by https answers by https only; on http://localhost the same cookies could not travel.
_secure = _site.scheme == "https"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if environment.switch("BEHIND_PROXY", _secure) else None
SECURE_SSL_REDIRECT = _secure
SECURE_REDIRECT_EXEMPT = [r"^health"]  # probes speak plain http inside the cluster
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _secure
SECURE_HSTS_SECONDS = 31_536_000 if _secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = environment.switch("HSTS_SUBDOMAINS", False)
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
# Some browsers do not count a WebSocket to the same host as 'self'.
_socket_origin = f"{'wss' if _secure else 'ws'}://{_site.netloc}"
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF, _socket_origin],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# -- applications -----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "zimageweb",  # before the admin, whose templates it re-skins
    "generation",
    "gallery",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "csp",
    "django_htmx",
    "zimageweb.queues.QueuesConfig",
    "lucide",
    "ninja",
    "django_cleanup.apps.CleanupConfig",  # last: deletes the files of deleted rows
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "zimageweb.static.StaticMiddleware",
    "zimageweb.compression.CompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "zimageweb.time_zones.time_zone_middleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "zimageweb.gate.MaintenanceMiddleware",
    "zimageweb.preferences.PreferencesMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "zimageweb.urls"
ASGI_APPLICATION = "zimageweb.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "zimageweb.context_processors.shell",
            ],
        },
    }
]

# -- database ---------------------------------------------------------------------------------------------------------
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_database_url = environment.text("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'db.sqlite3'}"
DATABASES: dict[str, dict[str, Any]] = {"default": environ.Env.db_url_config(_database_url)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Write-ahead logging and transactions that take the write lock at their start: four processes write at once
    # without a single "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728;"
            "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-20000"
        ),
    }
    # Browser and worker tests are other processes: they cannot see a database in this one's memory.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    # Under ASGI each request runs in a thread of its own: only a pool keeps the number of connections bounded.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    # The options that DATABASE_URL gives, such as ?sslmode=require, stay.
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 1, "max_size": 20, "timeout": 20}

# -- Redis: the doorbell and the live events --------------------------------------------------------------------------
EMBEDDED_REDIS_SOCKET = environment.embedded_redis_socket(DATA_DIR)
_redis_url = environment.text("REDIS_URL")
REDIS_IS_EMBEDDED = not _redis_url
REDIS_URL = _redis_url or f"unix://{EMBEDDED_REDIS_SOCKET}?db=0"
# RQ pickles by default: whoever can write to Redis could then run code here.
_queue = {"URL": REDIS_URL, "SERIALIZER": "rq.serializers.JSONSerializer"}
RQ_QUEUES = {"generation": _queue, "housekeeping": _queue}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL}], "prefix": "zimageweb"},
    }
}

# What is counted against guessing passwords. Several web processes must count together; one counts by itself.
CACHES: dict[str, dict[str, Any]] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if not REDIS_IS_EMBEDDED:
    CACHES["default"] = {
        "BACKEND": "zimageweb.shared_cache.SharedCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "zimageweb",
        # Django pickles by default: see RQ_QUEUES.
        "OPTIONS": {
            "serializer": "rq.serializers.JSONSerializer",
            "socket_connect_timeout": 1,
            "socket_timeout": 1,
        },
    }

# -- accounts ---------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
ACCOUNT_ADAPTER = "zimageweb.signup.SignupAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
MAIL_IS_SENT = bool(environment.text("EMAIL_URL"))
ACCOUNT_EMAIL_VERIFICATION = "optional" if MAIL_IS_SENT else "none"
ACCOUNT_USERNAME_MIN_LENGTH = 2
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = True
# Behind a proxy the limits on guessing passwords count the address that the proxy saw, not the proxy's own.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if SECURE_PROXY_SSL_HEADER else 0
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = SITE_NAME
USERSESSIONS_ADAPTER = "zimageweb.sessions.SessionsAdapter"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "create"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# -- mail: without EMAIL_URL messages go to the log -------------------------------------------------------------------
_email = environ.Env.email_url_config(environment.text("EMAIL_URL", "consolemail://"))
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _email.get("EMAIL_HOST") or "localhost", _email.get("EMAIL_PORT") or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email.get("EMAIL_HOST_USER") or "", _email.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = bool(_email.get("EMAIL_USE_TLS")), bool(_email.get("EMAIL_USE_SSL"))
DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", f"{SITE_NAME} <noreply@{_site.hostname}>")

# -- language and time ------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_AGE = 31_536_000  # a choice outlives the browser's session
TIME_ZONE = environment.text("TIME_ZONE", "UTC")
USE_TZ = True

# -- files ------------------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = DATA_DIR / "media"  # never served by address: gallery.views checks the owner of each file
FILE_UPLOAD_HANDLERS = [
    "zimageweb.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "zimageweb.static.StaticStorage"},
}
X_ACCEL_PREFIX = environment.text("X_ACCEL_PREFIX")  # nginx location that maps to MEDIA_ROOT; empty: we stream

# -- pictures: quota, queue, retention --------------------------------------------------------------------------------
QUOTA_PICTURES_PER_DAY = environment.limit("QUOTA_PICTURES_PER_DAY", 200, most=1_000_000)
QUOTA_PICTURES_PER_MONTH = environment.limit("QUOTA_PICTURES_PER_MONTH", None, most=30_000_000)
QUOTA_QUEUED = environment.limit("QUOTA_QUEUED", 40, most=100_000)
QUOTA_RUNNING = environment.limit("QUOTA_RUNNING", None, least=1, most=10_000)
QUOTA_STORED_MEGABYTES = environment.limit("QUOTA_STORED_MEGABYTES", 2_000, most=1_000_000_000)
QUOTA_MEGAPIXELS = environment.limit("QUOTA_MEGAPIXELS", None, most=1_000)
QUOTA_STEPS = environment.limit("QUOTA_STEPS", None, most=1_000)
RATE_LIMIT = environment.rate("RATE_LIMIT", "5/s burst 10")  # of asking, for each person; None: no limit
PREDICT_TIMEOUT_SECONDS = environment.whole_number("PREDICT_TIMEOUT_SECONDS", 120, least=1, most=3_600)
RETENTION_DAYS = environment.whole_number("RETENTION_DAYS", 7, least=0, most=36_500)  # 0: kept for ever
RETENTION_DAYS_OF_PEOPLE = "generation.quotas.retention_days_of_people"  # the gallery asks, and knows no quota
INPUTS_NEEDED = "generation.services.starts.inputs_needed"  # likewise, and knows no queue
BIN_DAYS = environment.whole_number("BIN_DAYS", 3, least=0, most=3_650)
CLEANUP_HOUR = environment.whole_number("CLEANUP_HOUR", 4, least=0, most=23)
LEASE_SECONDS = environment.whole_number("LEASE_SECONDS", 30, least=5, most=3_600)
STALL_SECONDS = environment.whole_number("ZIMAGE_STALL_SECONDS", 600, least=5, most=86_400)

# -- the first start and the probes -----------------------------------------------------------------------------------
FIRST_ADMIN_USERNAME = environment.text("DJANGO_SUPERUSER_USERNAME")
FIRST_ADMIN_PASSWORD = environment.text("DJANGO_SUPERUSER_PASSWORD")
FIRST_ADMIN_EMAIL = environment.text("DJANGO_SUPERUSER_EMAIL")
METRICS_TOKEN = environment.text("METRICS_TOKEN")
READY_NEEDS_WORKER = environment.switch("READY_NEEDS_WORKER", False)
READY_FREE_MEGABYTES = environment.whole_number("READY_FREE_MEGABYTES", 200, least=0, most=1_000_000_000)

# -- the model --------------------------------------------------------------------------------------------------------
ZIMAGE_MODEL = environment.text("ZIMAGE_MODEL", "auto")
ZIMAGE_TRANSFORMER = environment.text("ZIMAGE_TRANSFORMER")  # a file that takes the place of the model's own
ZIMAGE_DEVICE = environment.text("ZIMAGE_DEVICE", "auto")
ZIMAGE_DTYPE = environment.choice("ZIMAGE_DTYPE", "auto", ("auto", "bfloat16", "float16", "float32"))
ZIMAGE_OFFLOAD = environment.choice("ZIMAGE_OFFLOAD", "auto", ("auto", "none", "model", "group"))
ZIMAGE_QUANTIZATION = environment.choice("ZIMAGE_QUANTIZATION", "auto", ("auto", "none", "int8", "fp8", "4bit"))
ZIMAGE_ATTENTION = environment.text("ZIMAGE_ATTENTION", "auto")  # which there are, only the worker can tell
ZIMAGE_COMPILE = environment.switch("ZIMAGE_COMPILE", False)
ZIMAGE_MAX_BATCH = environment.whole_number("ZIMAGE_MAX_BATCH", 0, least=0, most=64)  # 0: by the device
ZIMAGE_THREADS = environment.whole_number("ZIMAGE_THREADS", 0, least=0, most=256)  # 0: by the machine
ZIMAGE_LORA_DIR = environment.text("ZIMAGE_LORA_DIR")  # only workers look into it; empty: no LoRAs
ZIMAGE_BENCHMARK = environment.switch("ZIMAGE_BENCHMARK", False)  # lets ZIMAGE_MODEL=timed:… stand in for a model
MODELS_DIR = DATA_DIR / "models"  # what `manage.py prepare_model` has made ready
STARTER_MODEL_DIR = BASE_DIR / "starter_model" / "weights"

# -- log --------------------------------------------------------------------------------------------------------------
LOG_LEVEL = environment.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {name: {"level": LOG_LEVEL} for name in ("zimageweb", "generation", "gallery")}
    # Where it is installed, it warns at each start of a faster CPU kernel that nobody asked for.
    | {"bitsandbytes": {"level": "ERROR"}},
}
