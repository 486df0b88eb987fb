"""Fetches one address with aiohttp, as its documentation shows; run by the Python that has it."""

import asyncio
import sys

import aiohttp


async def main(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        await response.read()


asyncio.run(main(sys.argv[1]))
