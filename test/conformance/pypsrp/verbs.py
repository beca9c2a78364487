"""Our module in a session, and one of its functions."""

import json

from pypsrp.complex_objects import PSCredential

from connection import answer, pool, run, settings

given = settings()
with pool(given) as opened:
    loaded = run(opened, (given["module"], {}))
    # pypsrp encrypts no secret before it is told to exchange keys.
    opened.exchange_keys()
    account = PSCredential(username=given["connect"]["userName"], password=given["connect"]["password"])
    connected = run(opened, ("Connect-CapsServer", {"VMMServer": given["connect"]["server"], "Credential": account}))
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
