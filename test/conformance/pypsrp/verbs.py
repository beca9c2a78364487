"""Our module in a session, and one of its functions."""

import json

from connection import answer, pool, run, settings

given = settings()
with pool(given) as opened:
    loaded = run(opened, (given["module"], {}))
    connected = run(opened, ("Connect-CapsServer", given["connect"]))
    listed = run(opened, ("Get-CapsVirtualMachineList", {"MarkerText": given["markerText"]}))
    missing = run(opened, ("Get-CapsVirtualMachine", {"Id": given["missing"]}))
    answer(
        {
            "loaded": loaded["state"],
            "server": json.loads(connected["output"][0]),
            "list": json.loads(listed["output"][0]),
            "missing": missing,
        }
    )
