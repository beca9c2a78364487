"""All that our client is to do too: streams, errors, a long text each way, silence, stop, disconnection, closing."""

from pypsrp.powershell import RunspacePool

from connection import answer, connect, pipeline, plain, pool, run, seen, settings

given = settings()
text = "straße 𝄞 & <tag> _x0041_ \r\n\t\0"


def large():
    """A long text out, and the same in: as an argument, and in pieces through the pipeline."""
    big = run(opened, ("Get-Text", {"Length": given["length"]}))["output"][0]
    pieces = [big[at : at + 40_000] for at in range(0, len(big), 40_000)]
    piped = run(opened, ("Get-Input", {}), input=(piece for piece in pieces))["output"]
    return {
        "length": len(big),
        "argument": run(opened, ("Write-Output", {"InputObject": big}))["output"] == [big],
        "input": piped == pieces,
    }


def stopped():
    running = pipeline(opened, ("Start-Sleep", {"Seconds": 3600}))
    running.begin_invoke()
    running.poll_invoke(timeout=1)
    running.stop()
    return {"state": running.state, "after": run(opened, ("Write-Output", {"InputObject": 1}))["output"]}


def disconnected():
    """By the client itself, and over to another one, with a pipeline that goes on meanwhile."""
    opened.disconnect()
    states = [opened.shell._get_shell()["State"]]
    opened.connect()
    states.append(opened.shell._get_shell()["State"])
    again = run(opened, ("Write-Output", {"InputObject": "again"}))["output"]
    running = pipeline(
        opened,
        ("Write-Output", {"InputObject": "early"}),
        ("Start-Sleep", {"Seconds": 2}),
        ("Write-Output", {"InputObject": "late"}),
    )
    running.begin_invoke()
    opened.disconnect()
    [other] = RunspacePool.get_runspace_pools(connect(given))
    other.connect()
    [taken] = other.create_disconnected_power_shells()
    taken.connect()
    result = {
        "states": states,
        "again": again,
        "found": [other.id == opened.id, taken.id == running.id],
        "taken": seen(taken)["output"],
        "version": str(other.application_private_data.data["PSVersionTable"]["PSVersion"]),
        "fresh": run(other, ("Write-Output", {"InputObject": "other"}))["output"],
    }
    other.close()
    return result


with pool(given) as opened:
    answer(
        {
            "version": str(opened.application_private_data.data["PSVersionTable"]["PSVersion"]),
            "text": run(opened, ("Write-Output", {"InputObject": text}))["output"] == [text],
            "streams": run(
                opened,
                ("Write-Output", {"InputObject": "out", "Second": 7}),
                ("Write-Warning", {"Message": "careful"}),
                ("Write-Error", {"Message": "locked"}),
                ("Write-Verbose", {"Message": "in detail"}),
                ("Write-Debug", {"Message": "inside"}),
                ("Write-Information", {"MessageData": "by the way"}),
                ("Write-Progress", {"PercentComplete": 40}),
            ),
            "thrown": run(opened, ("throw", {"Message": "no such template"})),
            "large": large(),
            "silence": run(opened, ("Start-Sleep", {"Seconds": 2}))["state"],
            "stopped": stopped(),
            "alive": opened.is_alive(),
            "disconnected": disconnected(),
            # By the client that took it over.
            "closed": opened.is_alive(),
        }
    )
