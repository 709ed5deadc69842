"""An OpenID Connect provider for one person: `python oidc_provider.py PORT CLAIMS`, in Superset's environment.

The authorization code flow with discovery and signed id tokens. Nobody is asked for a password: whoever comes is the
person whose claims were given.
"""

import json
import secrets
import sys
import time
from typing import Any

from authlib.jose import JsonWebKey, jwt
from flask import Flask, Response, jsonify, redirect, request


def provider(issuer: str, claims: dict[str, Any]) -> Flask:
    """The provider as an application."""
    app = Flask(__name__)
    key = JsonWebKey.generate_key("RSA", 2048, {"kid": "one", "use": "sig", "alg": "RS256"}, is_private=True)
    nonces: dict[str, str | None] = {}

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        return jsonify(
            issuer=issuer,
            authorization_endpoint=f"{issuer}/authorize",
            token_endpoint=f"{issuer}/token",
            userinfo_endpoint=f"{issuer}/userinfo",
            jwks_uri=f"{issuer}/keys",
            response_types_supported=["code"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"],
        )

    @app.get("/authorize")
    def authorize() -> Any:
        code = secrets.token_urlsafe(16)
        nonces[code] = request.args.get("nonce")
        return redirect(f"{request.args['redirect_uri']}?code={code}&state={request.args['state']}")

    @app.post("/token")
    def token() -> Any:
        code = request.form["code"]
        if code not in nonces:
            return jsonify(error="invalid_grant"), 400
        now = int(time.time())
        told = {"iss": issuer, "aud": "superset", "iat": now, "exp": now + 300, "nonce": nonces.pop(code), **claims}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, told, key).decode()
        return jsonify(access_token=secrets.token_urlsafe(16), token_type="Bearer", expires_in=300, id_token=signed)

    @app.get("/keys")
    def keys() -> Response:
        return jsonify(keys=[key.as_dict(is_private=False)])

    @app.get("/userinfo")
    def userinfo() -> Response:
        return jsonify(claims)

    return app


if __name__ == "__main__":
    port = int(sys.argv[1])
    provider(f"http://127.0.0.1:{port}", json.loads(sys.argv[2])).run("127.0.0.1", port)
