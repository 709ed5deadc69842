"""Every address, secret and path of the platform, from the environment and `.env`."""

from gtc.settings.datasets import Dataset, InvalidDatasetNameError
from gtc.settings.settings import PROJECT_ROOT, Settings, load_settings

__all__ = ["PROJECT_ROOT", "Dataset", "InvalidDatasetNameError", "Settings", "load_settings"]
