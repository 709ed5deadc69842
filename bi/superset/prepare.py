"""Bring Superset's metadata up to date, and make the first administrator. Run by `gtc up`, in Superset's environment.

Prints one JSON document: `{"migrated": …, "username": …, "password": …}`; the password only when it was made just now.
It is stored nowhere but as Superset's hash. Safe to run again.
"""

import json
import os
import secrets
import sys


def main() -> int:
    """Migrate, bring roles up to date, make an administrator where there is none."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever Superset prints goes to the log

    from superset.app import create_app

    app = create_app()
    with app.app_context():
        migrated = migrate_metadata()
        if migrated:
            from superset import security_manager

            app.appbuilder.add_permissions(update_perms=True)
            security_manager.sync_role_definitions()
        json.dump({"migrated": migrated, **first_administrator()}, answer)
        answer.close()
    return 0


def migrate_metadata() -> bool:
    """True when the schema was behind the installed Superset, and now is not."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from flask import current_app
    from flask_migrate import upgrade
    from superset import db

    migrations = current_app.extensions["migrate"].migrate.get_config().get_main_option("script_location")
    wanted = set(ScriptDirectory(migrations).get_heads())
    with db.engine.connect() as connection:
        found = set(MigrationContext.configure(connection).get_current_heads())
    if found == wanted:
        return False
    upgrade()
    return True


def first_administrator() -> dict[str, str]:
    """Name and password of a new administrator; nothing where somebody is one already."""
    from superset import security_manager

    admin = security_manager.find_role("Admin")
    if any(admin in user.roles for user in security_manager.get_all_users()):
        return {}
    password = secrets.token_urlsafe(15)
    made = security_manager.add_user("admin", "First", "Administrator", "admin@localhost", admin, password)
    if not made:
        raise SystemExit("error: the first administrator could not be made; see the lines above")
    return {"username": "admin", "password": password}


if __name__ == "__main__":
    sys.exit(main())
