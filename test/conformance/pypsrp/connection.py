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


def pipeline(opened, *commands):
    """Commands, each a name and its parameters, as one pipeline."""
    shell = PowerShell(opened)
    for name, parameters in commands:
        if "\n" in name:
            shell.add_script(name)
        else:
            shell.add_cmdlet(name)
        shell.add_parameters(parameters)
    return shell


def plain(value):
    return value if isinstance(value, (int, bool)) else str(value)


def seen(shell):
    """What pypsrp saw of a pipeline that has ended."""
    return {
        "output": [plain(item) for item in shell.output],
        "hadErrors": shell.had_errors,
        "state": shell.state,
        "errors": [
            {
                "message": str(record),
                "id": record.fq_error,
                "category": record.category,
                "activity": record.activity,
                "reason": record.reason,
                "target": [record.target_name, record.target_type, plain(record.target_object)],
                "exception": (record.exception.types or [""])[0] if record.exception is not None else "",
            }
            for record in shell.streams.error
        ],
        "warnings": [str(record.message) for record in shell.streams.warning],
        "verbose": [str(record.message) for record in shell.streams.verbose],
        "debug": [str(record.message) for record in shell.streams.debug],
        "information": [[plain(record.message_data), list(record.tags)] for record in shell.streams.information],
        "progress": [[record.activity, record.percent_complete] for record in shell.streams.progress],
    }


def run(opened, *commands, input=None):
    """Runs commands as one pipeline and terminates it; answers what pypsrp saw of it."""
    shell = pipeline(opened, *commands)
    shell.invoke(input=input)
    shell.close()
    return seen(shell)


def answer(value):
    json.dump(value, sys.stdout)
