import asyncio
import ssl

import httpx

from detector.lab.origin import Origin
from detector.lab.pki import LabPki


def test_a_verifying_client_gets_the_chain_of_the_name_it_asks_for(pki: LabPki) -> None:
    async def run() -> tuple[int, str]:
        context = ssl.create_default_context(cadata=pki.root.pem)
        async with (
            Origin({"a.com": pki.issue("a.com"), "localhost": pki.issue("localhost")}) as origin,
            httpx.AsyncClient(verify=context) as client,
        ):
            answer = await client.get(f"https://localhost:{origin.port}/")
            return answer.status_code, answer.text

    assert asyncio.run(run()) == (200, "ok\n")
