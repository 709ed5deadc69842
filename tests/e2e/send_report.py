"""Sends one report of a dashboard now: `python send_report.py SLUG RECIPIENT`, in the environment of Superset.

Celery would do the same at the hour of a schedule. The schedule that this makes is removed again.
"""

import json
import sys
from datetime import datetime
from uuid import uuid4


def main(slug: str, recipient: str) -> None:
    """Make a report, run it, remove it; prints the states that Superset logged for it."""
    from superset.app import create_app

    app = create_app()
    with app.test_request_context():
        from superset import db
        from superset.commands.report.execute import AsyncExecuteReportScheduleCommand
        from superset.models.dashboard import Dashboard
        from superset.reports.models import ReportRecipients, ReportSchedule

        dashboard = db.session.query(Dashboard).filter_by(slug=slug).one()
        owner = app.appbuilder.sm.find_user("admin")
        report = ReportSchedule(
            type="Report",
            name=f"{slug} for {recipient}",
            crontab="0 8 * * 1",
            timezone="UTC",
            dashboard=dashboard,
            owners=[owner],
            created_by=owner,
            report_format="PNG",
            working_timeout=300,
            recipients=[
                ReportRecipients(type="Email", recipient_config_json=json.dumps({"target": recipient})),
            ],
        )
        db.session.add(report)
        db.session.commit()
        try:
            AsyncExecuteReportScheduleCommand(str(uuid4()), report.id, datetime.utcnow()).run()
            print(json.dumps([[str(log.state), log.error_message] for log in report.logs]))
        finally:
            db.session.delete(report)
            db.session.commit()


if __name__ == "__main__":
    main(*sys.argv[1:])
