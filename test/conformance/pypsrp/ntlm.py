"""Many short pipelines over one sealed connection: what came back, and whether each was what was sent."""

from connection import answer, pool, run, settings

given = settings()
with pool(given) as opened:
    texts = [f"{number} straße 𝄞 {'x' * (number % 97)}" for number in range(given["pipelines"])]
    answer({"same": sum(run(opened, ("Write-Output", {"InputObject": text}))["output"] == [text] for text in texts)})
