"""The platform's services: started, kept up and stopped by supervisord, a package from the index."""

from gtc.services.control import ServiceError, ServiceState, down, states, up

__all__ = ["ServiceError", "ServiceState", "down", "states", "up"]
