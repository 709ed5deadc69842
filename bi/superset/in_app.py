"""Superset without a server: the application in this process, asked over standard input and output, line by line.

Each line is one JSON document, `{"op": "request", "method": …, "path": …, "json": …}`, `{"op": "import", …}` or
`{"op": "export"}`; so is each answer. bi/servers.py is the other end. It acts as the first active administrator.
"""

import json
import os
import sys
from typing import Any


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever Superset prints goes to standard error

    from superset.app import create_app

    app = create_app()
    # No browser is involved: nobody can be tricked into a request, and nobody guesses passwords.
    app.config.update(WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
    app.appbuilder.sm.limiter.enabled = False
    with app.app_context():
        administrator = first_administrator()
        token = access_token(administrator)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = OPERATIONS[asked.pop("op")](app, administrator, token, **asked)
        except Exception as error:  # noqa: BLE001  # the other end raises it again, with these words
            answer = {"error": reason(error)}
        answers.write(json.dumps(answer) + "\n")


def first_administrator() -> int:
    """The number of the user as whom everything is done."""
    from superset import security_manager

    admin = security_manager.find_role("Admin")
    found = [user for user in security_manager.get_all_users() if user.active and admin in user.roles]
    if not found:
        raise SystemExit("error: Superset has no administrator; run `make up`")
    return int(min(user.id for user in found))


def access_token(user_id: int) -> str:
    """A token of the REST API for that user, signed with our own key."""
    from datetime import timedelta

    from flask_jwt_extended import create_access_token

    return str(create_access_token(identity=str(user_id), fresh=True, expires_delta=timedelta(hours=2)))


def request(app: Any, user_id: int, token: str, method: str, path: str, json: Any = None) -> dict[str, Any]:
    """One request of the REST API, answered without a network."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    answer = app.test_client().open(path, method=method, json=json, headers=headers)
    return {"status": answer.status_code, "body": answer.get_data(as_text=True)}


def import_assets(
    app: Any, user_id: int, token: str, files: dict[str, str], passwords: dict[str, str]
) -> dict[str, Any]:
    """Create or update everything that the files say."""
    with app.test_request_context():
        from superset.commands.importers.v1.assets import ImportAssetsCommand

        with acting_as(user_id):
            ImportAssetsCommand(files, passwords=passwords).run()
    return {}


def export_assets(app: Any, user_id: int, token: str) -> dict[str, Any]:
    """Every asset as Superset exports it."""
    with app.test_request_context():
        from superset.commands.export.assets import ExportAssetsCommand

        with acting_as(user_id):
            return {"files": {name: content() for name, content in ExportAssetsCommand().run()}}


def acting_as(user_id: int) -> Any:
    """Superset's own context of a user."""
    from superset import security_manager
    from superset.utils.core import override_user

    return override_user(security_manager.get_user_by_id(user_id))


def reason(error: BaseException) -> str:
    """The words that name the file and the fault: they stand in the error's cause."""
    for one in (error, error.__cause__, error.__context__):
        if messages := getattr(one, "normalized_messages", None):
            return json.dumps(messages(), default=str)
    cause = error.__cause__ or error.__context__
    return f"{type(cause or error).__name__}: {cause or error}"


OPERATIONS: dict[str, Any] = {"request": request, "import": import_assets, "export": export_assets}

if __name__ == "__main__":
    main()
