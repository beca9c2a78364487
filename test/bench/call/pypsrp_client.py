"""pypsrp: a runspace pool for each caller."""

from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from client import serve, target

given = target()
secure = given["transport"] == "https"


def opening():
    wsman = WSMan(
        "127.0.0.1",
        port=given["port"],
        username=given["userName"],
        password=given["password"],
        ssl=secure,
        auth="ntlm",
        cert_validation=given["caFile"] if secure else True,
    )
    pool = RunspacePool(wsman)
    pool.open()

    def call(length):
        shell = PowerShell(pool)
        shell.add_cmdlet("Get-Text").add_parameter("Length", length)
        return len(shell.invoke()[0])

    return call, pool.close


serve(opening)
