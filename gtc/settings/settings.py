"""The one settings class. Names in the environment and in `.env` are those of `.env.example`."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gtc.settings.datasets import MAIN_DATASET, Dataset

PROJECT_ROOT = Path(__file__).resolve().parents[2]

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


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

    @model_validator(mode="after")
    def _embedded_and_open_needs_secrets(self) -> "Settings":
        unset = not (self.warehouse_password.get_secret_value() and self.warehouse_reader_password.get_secret_value())
        if self.warehouse_embedded and self.warehouse_host not in _LOOPBACK and unset:
            raise ValueError(
                "WAREHOUSE_HOST is not a loopback address, so WAREHOUSE_PASSWORD and "
                "WAREHOUSE_READER_PASSWORD must be set; run `make setup` to create them"
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
