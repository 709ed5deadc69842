"""The platform's services: started, kept up and stopped by supervisord, a package from the index."""

from gtc.services.control import ServiceState, down, states, up
from gtc.services.errors import ServiceError
from gtc.services.superset import NewAdministrator, OnAdministrator

__all__ = ["NewAdministrator", "OnAdministrator", "ServiceError", "ServiceState", "down", "states", "up"]
