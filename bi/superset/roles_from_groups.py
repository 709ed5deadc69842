"""Who somebody is, from the claims of any OpenID Connect provider. Read by superset_config.py."""

from typing import Any

from superset.security import SupersetSecurityManager


class GroupsSecurityManager(SupersetSecurityManager):  # type: ignore[misc]  # Superset is not installed here
    """Takes name, e-mail and groups from the standard claims; the groups become roles by AUTH_ROLES_MAPPING."""

    def get_oauth_user_info(self, provider: str, resp: dict[str, Any]) -> dict[str, Any]:
        """The user that the provider's token names; `userinfo` is the verified id token, where authlib has it."""
        claims = resp.get("userinfo") or self.appbuilder.sm.oauth_remotes[provider].userinfo(token=resp)
        return {
            "username": claims.get("preferred_username") or claims["sub"],
            "email": claims.get("email", ""),
            "first_name": claims.get("given_name", ""),
            "last_name": claims.get("family_name", ""),
            "role_keys": claims.get("groups", []),
        }
