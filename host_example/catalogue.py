"""What a freshly opened store has: tables, two shops with websites, staff, goods and forms; no customers yet."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from host_example.database import SCHEMA, Base
from host_example.models import Product, Shop, Site, Staff
from host_example.models_marketing import WebForm
from host_example.security import hash_password

MAIN, SECOND = 101, 202
PASSWORD = "demo"

SHOPS = (
    (MAIN, "khadi-house", "Khadi House", "Asia/Kolkata", "INR"),
    (SECOND, "spree-leinen", "Spree Leinen", "Europe/Berlin", "EUR"),
)
SITES = (
    (11, MAIN, "www.khadihouse.example", "localhost", "Khadi House"),
    (12, MAIN, "studio.khadihouse.example", "studio.localhost", "Khadi House Studio"),
    (21, SECOND, "www.spree-leinen.example", "second.localhost", "Spree Leinen"),
)
STAFF = (
    (1, MAIN, "admin@example.com", "Asha Rao", "owner"),
    (2, MAIN, "marketer@example.com", "Meera Iyer", "marketer"),
    (3, MAIN, "viewer@example.com", "Dev Nair", "viewer"),
    (4, SECOND, "admin@second.example.com", "Jule Brandt", "owner"),
)
# number, shop, slug, category, title, price, cost (None: not known)
PRODUCTS = (
    (1001, MAIN, "indigo-saree", "sarees", "Indigo handloom saree", "4200.00", "1890.00"),
    (1002, MAIN, "block-print-kurta", "kurtas", "Block print kurta", "1650.00", "620.00"),
    (1003, MAIN, "linen-shirt", "shirts", "Linen shirt", "1990.00", "810.00"),
    (1004, MAIN, "khadi-stole", "accessories", "Khadi stole", "890.00", "300.00"),
    (1005, MAIN, "wool-shawl", "accessories", "Kullu wool shawl", "3100.00", "1320.00"),
    (1006, MAIN, "cotton-quilt", "home", "Hand-stitched cotton quilt", "5400.00", "2450.00"),
    (1007, MAIN, "table-runner", "home", "Ikat table runner", "740.00", "255.00"),
    (1008, MAIN, "tea-box", "subscription", "Monthly tea and craft box", "1200.00", "560.00"),
    (1009, MAIN, "silver-jhumka", "accessories", "Silver jhumka earrings", "2350.00", None),
    (2001, SECOND, "leinen-hemd", "hemden", "Leinenhemd", "79.00", "31.50"),
    (2002, SECOND, "bettwaesche", "wohnen", "Bettwäsche aus Leinen", "189.00", "84.00"),
    (2003, SECOND, "geschirrtuch", "wohnen", "Geschirrtuch, zwei Stück", "24.90", "7.80"),
    (2004, SECOND, "seifen-abo", "abo", "Seifen-Abo", "19.00", "6.40"),
    (2005, SECOND, "sommerkleid", "kleider", "Sommerkleid", "129.00", "52.00"),
)
FORMS = (
    (301, MAIN, "contact", "Write to us"),
    (302, MAIN, "style-quiz", "Find your weave"),
    (303, SECOND, "contact", "Schreiben Sie uns"),
)


async def create_tables(engine: AsyncEngine) -> None:
    """Create what is missing of the store's schema."""
    async with engine.begin() as connection:
        await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        await connection.run_sync(Base.metadata.create_all)


async def open_shops(session: AsyncSession) -> bool:
    """Fill the empty store; False where there are shops already. The caller commits."""
    if await session.scalar(select(func.count()).select_from(Shop)):
        return False
    session.add_all(
        Shop(shop_no=number, handle=handle, title=title, timezone=zone, currency=currency)
        for number, handle, title, zone, currency in SHOPS
    )
    await session.flush()
    session.add_all(
        Site(site_no=number, shop_no=shop, domain=domain, local_domain=local, title=title)
        for number, shop, domain, local, title in SITES
    )
    secret = hash_password(PASSWORD)
    session.add_all(
        Staff(staff_no=number, shop_no=shop, email=email, full_name=name, role=role, password_hash=secret)
        for number, shop, email, name, role in STAFF
    )
    session.add_all(
        Product(
            product_no=number,
            shop_no=shop,
            slug=slug,
            sku=f"{category[:3].upper()}-{number}",
            title=title,
            blurb=f"{title}, made in small batches and sent within two days.",
            category=category,
            price=Decimal(price),
            cost=None if cost is None else Decimal(cost),
        )
        for number, shop, slug, category, title, price, cost in PRODUCTS
    )
    session.add_all(
        WebForm(form_no=number, shop_no=shop, slug=slug, title=title) for number, shop, slug, title in FORMS
    )
    await session.flush()
    return True
