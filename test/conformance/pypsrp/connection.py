"""Opens a runspace pool of pypsrp as standard input says, and answers on standard output."""

import json
import sys

from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan


def settings():
    return json.load(sys.stdin)


def connect(given):
    return WSMan(
        given["host"],
        port=given["port"],
        username=given["userName"],
        password=given["password"],
        ssl="ca" in given,
        auth=given.get("auth", "basic"),
        cert_validation=given.get("ca", True),
        operation_timeout=given.get("operationTimeout", 20),
    )


def pool(given):
    return RunspacePool(connect(given))


def run(opened, *commands):
    """Runs commands, each a name and its parameters, as one pipeline; answers what pypsrp saw of it."""
    shell = PowerShell(opened)
    for name, parameters in commands:
        if "\n" in name:
            shell.add_script(name)
        else:
            shell.add_cmdlet(name)
        shell.add_parameters(parameters)
    output = shell.invoke()
    return {
        "output": [str(item) if not isinstance(item, (int, bool)) else item for item in output],
        "hadErrors": shell.had_errors,
        "state": shell.state,
        "errors": [
            {
                "message": str(record),
                "id": record.fq_error,
                "category": record.category,
                "exception": (record.exception.types or [""])[0] if record.exception is not None else "",
            }
            for record in shell.streams.error
        ],
        "warnings": [str(record.message) for record in shell.streams.warning],
        "progress": [[record.activity, record.percent_complete] for record in shell.streams.progress],
    }


def answer(value):
    json.dump(value, sys.stdout)
