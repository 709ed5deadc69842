"""The one settings class. Names in the environment and in `.env` are those of `.env.example`."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gtc.settings.datasets import MAIN_DATASET, Dataset

PROJECT_ROOT = Path(__file__).resolve().parents[2]

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}

#: Groups that an identity provider may send, and what they become.
OIDC_ROLES = "superset-admins=Admin,analysts=Analyst,viewers=Viewer"

#: Superset signs its tokens with the key; shorter ones can be guessed.
SHORTEST_KEY = 32


class SettingsError(Exception):
    """A setting is missing or wrong; the text names it and says what to do."""


def _in_project(path: Path) -> Path:
    """Relative paths start at the project, not at the shell's current folder."""
    return path if path.is_absolute() else PROJECT_ROOT / path


ProjectPath = Annotated[Path, AfterValidator(_in_project)]


class Settings(BaseSettings):
    """Addresses, secrets, paths. Immutable; build it with `load_settings`."""

    model_config = SettingsConfigDict(env_file=PROJECT_ROOT / ".env", extra="ignore", frozen=True)

    gtc_dataset: str = Field(MAIN_DATASET, description="the data set that commands and dbt work on")
    gtc_var_dir: ProjectPath = Field(Path("var"), validate_default=True, description="data, logs, pids")
    gtc_online_retail_file: ProjectPath = Field(
        Path("../shared/data/online_retail/online_retail.csv.xz"),
        validate_default=True,
        description="the Online Retail file of UCI, if you have it",
    )

    warehouse_host: str = "127.0.0.1"
    warehouse_port: int = Field(8123, ge=1, le=65535)
    warehouse_secure: bool = Field(False, description="https, for a real ClickHouse")
    warehouse_user: str = "etl"
    warehouse_password: SecretStr = SecretStr("")
    warehouse_reader_user: str = "reader"
    warehouse_reader_password: SecretStr = SecretStr("")
    warehouse_embedded: bool = Field(True, description="serve the embedded engine; false for a real ClickHouse")
    warehouse_cluster: str = Field("", description="name of the cluster, when the warehouse is one")

    superset_embedded: bool = Field(True, description="serve Superset here; false for one that runs elsewhere")
    superset_host: str = "127.0.0.1"
    superset_port: int = Field(8088, ge=1, le=65535)
    superset_secret_key: SecretStr = Field(SecretStr(""), description="signs sessions, encrypts stored passwords")
    superset_metadata_uri: SecretStr = Field(SecretStr(""), description="SQLAlchemy address; empty: SQLite")
    superset_redis_url: SecretStr = Field(SecretStr(""), description="caches in Redis; empty: in files")
    superset_public_url: str = Field("", description="the address that people type")
    superset_oidc_issuer: str = Field("", description="log in with OpenID Connect; empty: with passwords")
    superset_oidc_client_id: str = ""
    superset_oidc_client_secret: SecretStr = SecretStr("")
    superset_oidc_roles: str = Field(OIDC_ROLES, description="roles by group of the identity provider")
    superset_smtp_host: str = Field("", description="reports and alerts by e-mail; empty: none")
    superset_smtp_port: int = Field(25, ge=1, le=65535)
    superset_smtp_user: str = ""
    superset_smtp_pass: SecretStr = SecretStr("")
    superset_smtp_from: str = ""

    @model_validator(mode="after")
    def _embedded_and_open_needs_secrets(self) -> "Settings":
        unset = not (self.warehouse_password.get_secret_value() and self.warehouse_reader_password.get_secret_value())
        if self.warehouse_embedded and self.warehouse_host not in _LOOPBACK and unset:
            raise ValueError(
                "WAREHOUSE_HOST is not a loopback address, so WAREHOUSE_PASSWORD and "
                "WAREHOUSE_READER_PASSWORD must be set; run `make setup` to create them"
            )
        return self

    @model_validator(mode="after")
    def _open_superset_needs_a_key(self) -> "Settings":
        is_open = self.superset_embedded and self.superset_host not in _LOOPBACK
        if is_open and len(self.superset_secret_key.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(
                "SUPERSET_HOST is not a loopback address, so SUPERSET_SECRET_KEY must be set; "
                "run `make setup` to create it"
            )
        return self

    @property
    def dataset(self) -> Dataset:
        """The data set that commands work on."""
        return Dataset(self.gtc_dataset)

    @property
    def warehouse_dir(self) -> Path:
        """The embedded engine's data directory."""
        return self.gtc_var_dir / "warehouse"

    @property
    def warehouse_users_file(self) -> Path:
        """Users of the embedded warehouse, with hashed passwords."""
        return self.gtc_var_dir / "warehouse_users.yml"

    @property
    def superset_dir(self) -> Path:
        """Superset's metadata, when that is SQLite, and its caches, when those are files."""
        return self.gtc_var_dir / "superset"

    @property
    def superset_url(self) -> str:
        """Where Superset answers."""
        return f"http://{self.superset_host}:{self.superset_port}"

    def secrets(self) -> dict[str, str]:
        """Every secret by the name of its setting, in plain text: for the environment of a service only."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value.get_secret_value() for name, value in fields.items() if isinstance(value, SecretStr)}

    @property
    def log_dir(self) -> Path:
        """One log file a service."""
        return self.gtc_var_dir / "log"


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; `overrides` win over the environment, which wins over `.env`.

    Raises SettingsError with one line a wrong setting.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = [
            f"{str(fault['loc'][0]).upper() + ': ' if fault['loc'] else ''}{fault['msg']}" for fault in error.errors()
        ]
        raise SettingsError("; ".join(lines)) from None
