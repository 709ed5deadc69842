"""The commands of `gtc dashboards`."""

import typer

from gtc.commands.dashboards import check, deploy, exports, exposures, tidy, validate

group = typer.Typer(
    name="dashboards",
    help="Dashboards as files: deploy, export, validate, check.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

group.command("deploy")(deploy.command)
group.command("export")(exports.command)
group.command("validate")(validate.command)
group.command("check")(check.command)
group.command("exposures")(exposures.command)
group.command("format")(tidy.command)
