"""Products and engines that intercept."""

from __future__ import annotations

from addons.fleet.page.look import Look
from addons.fleet.page.pages.interceptor import known_of
from addons.review.visit import View
from detector.errors import ConfigError


async def page(look: Look) -> View:
    return View("products.html", {"rows": await look.fleet.products()})


async def one(look: Look) -> View:
    """All that are of one product, each with its CA's key."""
    product, engine = look.query("product"), look.query("engine")
    standing = await look.fleet.standing_as(product, engine, 20)
    if not standing:
        raise ConfigError(product or engine or "product", "nothing of it intercepts now")
    rows = [await known_of(look.fleet, found, 1) for found in standing]
    return View("product.html", {"product": product, "engine": engine, "rows": rows})
