"""Logs on as standard input says, and runs pipelines: what came back. With "wrap" the tokens of NTLM go inside those of SPNEGO."""

import json
import sys

import spnego
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

given = json.load(sys.stdin)

own = spnego.client


def wrapping(*args, **kwargs):
    # SPNEGO makes its mechanisms by the same function.
    if kwargs.get("protocol") == "negotiate":
        kwargs["options"] = spnego.NegotiateOptions(kwargs.get("options") or 0) | spnego.NegotiateOptions.use_negotiate
    return own(*args, **kwargs)


if given.pop("wrap", False):
    spnego.client = wrapping

with RunspacePool(WSMan(operation_timeout=20, **given)) as pool:
    said = []
    for number in range(3):
        shell = PowerShell(pool)
        shell.add_cmdlet("Write-Output").add_parameter("InputObject", f"{number} straße")
        said += [str(item) for item in shell.invoke()]
json.dump(said, sys.stdout)
