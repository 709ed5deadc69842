"""Renders the macros and models of funnels without dbt, so that a test can ask for any declaration in milliseconds."""

import re
from pathlib import Path
from typing import Any

import jinja2
from clickhouse_connect.driver.client import Client
from marts_support import Row, rows

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros"

#: One macro of a file, from its opening to its closing tag.
MACRO = re.compile(r"\{%-? macro (\w+)\(.*?endmacro -?%\}", re.DOTALL)


class CompilerError(Exception):
    """What dbt calls a compilation error."""


class _ReturnedError(Exception):
    """Carries the value of `return(…)` out of a macro, as dbt does."""


class _Modules:
    re = re


class _Exceptions:
    @staticmethod
    def raise_compiler_error(message: str) -> None:
        raise CompilerError(message)


def _return(value: Any) -> None:
    raise _ReturnedError(value)


class Macros:
    """dbt's macros as functions: `Macros({...}).funnel_faults([...])`; `variables` is what `var` answers."""

    def __init__(self, variables: dict[str, Any], time_zone: str = "UTC") -> None:
        self.environment = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=jinja2.Undefined)
        self.environment.globals |= {
            "return": _return,
            "execute": True,
            "modules": _Modules,
            "exceptions": _Exceptions,
            "var": lambda name, default=None: variables.get(name, default),
            "dataset_setting": lambda name: {"time_zone": time_zone}[name],
        }
        for path in [*sorted((MACROS / "funnels").glob("*.sql")), MACROS / "time.sql"]:
            for found in MACRO.finditer(path.read_text()):
                self.environment.globals[found[1]] = self._function(found[1], found[0])

    def _function(self, name: str, source: str) -> Any:
        template = self.environment.from_string(source)

        def call(*arguments: Any, **named: Any) -> Any:
            try:
                return str(getattr(template.module, name)(*arguments, **named))
            except _ReturnedError as returned:
                return returned.args[0]

        return call

    def __getattr__(self, name: str) -> Any:
        return self.environment.globals[name]


def rendered_model(path: str, variables: dict[str, Any]) -> str:
    """The SQL of a model, below models/, whose parents are common table expressions of their own names."""
    environment = Macros(variables).environment
    environment.globals |= {"config": lambda **_: "", "ref": lambda name: name}
    return environment.from_string((MACROS.parent / "models" / path).read_text()).render()


def answers(client: Client, tables: dict[str, str], sql: str) -> list[Row]:
    """Rows of `sql`, which reads `tables`: a query each, by name."""
    ctes = ", ".join(f"{name} as ({table})" for name, table in tables.items())
    return rows(client, f"with {ctes} select * from ({sql}) order by all settings join_use_nulls = 1")
