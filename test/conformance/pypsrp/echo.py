"""Every stream, errors of both kinds, a large answer, a large argument and a silence over the operation timeout."""

from connection import answer, pool, run, settings

with pool(settings()) as opened:
    big = run(opened, ("Get-Text", {"Length": 1_000_000}))["output"][0]
    answer(
        {
            "version": str(opened.application_private_data.data["PSVersionTable"]["PSVersion"]),
            "streams": run(
                opened,
                ("Write-Output", {"InputObject": "straße 𝄞 & <tag>", "Second": 7}),
                ("Write-Warning", {"Message": "careful"}),
                ("Write-Error", {"Message": "locked"}),
                ("Write-Progress", {"PercentComplete": 40}),
            ),
            "thrown": run(opened, ("throw", {"Message": "no such template"})),
            "bigLength": len(big),
            "bigReturned": run(opened, ("Write-Output", {"InputObject": big}))["output"][0] == big,
            "silence": run(opened, ("Start-Sleep", {"Seconds": 2})),
            "after": run(opened, ("Write-Output", {"InputObject": True}))["output"],
        }
    )
