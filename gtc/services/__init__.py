"""The platform's services: started, kept up and stopped by supervisord, a package from the index."""

from gtc.services.control import ServiceState, down, states, up
from gtc.services.errors import ServiceError
from gtc.services.superset import NewAdministrator

__all__ = ["NewAdministrator", "ServiceError", "ServiceState", "down", "states", "up"]
