"""The store's own tables for visits, enquiries, reviews, forms, advertising and social posts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, Index, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from host_example.database import Base
from host_example.models import MOMENT, fk


class WebSession(Base):
    """A visit as the store's own analytics saw it; the campaign columns are filled by whoever attributes it."""

    __tablename__ = "web_sessions"
    __table_args__ = (
        Index(None, "shop_no", "started_at"),
        Index(None, "shop_no", "visitor_uid"),
        Index(None, "customer_no"),
    )
    session_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    site_no: Mapped[int] = mapped_column(fk("sites.site_no"))
    visitor_uid: Mapped[str] = mapped_column(Text)
    customer_no: Mapped[int | None] = mapped_column(fk("customers.customer_no"))
    started_at: Mapped[datetime] = mapped_column(MOMENT)
    ended_at: Mapped[datetime] = mapped_column(MOMENT)
    landing_url: Mapped[str] = mapped_column(Text)
    referrer: Mapped[str | None] = mapped_column(Text)
    device: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(Text)
    consent: Mapped[str] = mapped_column(Text)
    page_count: Mapped[int]
    credited_campaign: Mapped[str | None] = mapped_column(Text)
    credit_done: Mapped[bool] = mapped_column(server_default="false", default=False)


class WebEvent(Base):
    """Something that happened during a visit."""

    __tablename__ = "web_events"
    __table_args__ = (Index(None, "shop_no", "happened_at"), Index(None, "session_no"))
    event_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    session_no: Mapped[int] = mapped_column(fk("web_sessions.session_no"))
    visitor_uid: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    happened_at: Mapped[datetime] = mapped_column(MOMENT)
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Enquiry(Base):
    """A question that may become a sale; `stage` is new, contacted, qualified or converted."""

    __tablename__ = "enquiries"
    __table_args__ = (Index(None, "shop_no", "created_at"),)
    enquiry_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    customer_no: Mapped[int | None] = mapped_column(fk("customers.customer_no"))
    full_name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    stage: Mapped[str] = mapped_column(Text)
    campaign_no: Mapped[int | None] = mapped_column(fk("ad_campaigns.campaign_no"))
    web_session_no: Mapped[int | None] = mapped_column(fk("web_sessions.session_no"))
    visitor_token: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(MOMENT)
    updated_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now(), onupdate=func.now())


class Review(Base):
    """What somebody thought, out of `scale` (5 or 10); the mood columns are filled by whoever reads moods."""

    __tablename__ = "reviews"
    __table_args__ = (Index(None, "shop_no", "written_at"),)
    review_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    customer_no: Mapped[int | None] = mapped_column(fk("customers.customer_no"))
    purchase_no: Mapped[int | None] = mapped_column(fk("purchases.purchase_no"))
    product_no: Mapped[int | None] = mapped_column(fk("products.product_no"))
    email: Mapped[str | None] = mapped_column(Text)
    stars: Mapped[int]
    scale: Mapped[int]
    body: Mapped[str | None] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(MOMENT)
    mood: Mapped[float | None]
    mood_label: Mapped[str | None] = mapped_column(Text)


class WebForm(Base):
    """A form on a page."""

    __tablename__ = "web_forms"
    __table_args__ = (UniqueConstraint("shop_no", "slug"),)
    form_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    slug: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)


class WebFormAnswer(Base):
    """One filled-in form."""

    __tablename__ = "web_form_answers"
    __table_args__ = (Index(None, "shop_no", "submitted_at"),)
    answer_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    form_no: Mapped[int] = mapped_column(fk("web_forms.form_no"))
    customer_no: Mapped[int | None] = mapped_column(fk("customers.customer_no"))
    web_session_no: Mapped[int | None] = mapped_column(fk("web_sessions.session_no"))
    visitor_token: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    submitted_at: Mapped[datetime] = mapped_column(MOMENT)


class AdAccount(Base):
    """An advertising account; it reports days in its own zone and money in its own currency."""

    __tablename__ = "ad_accounts"
    account_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    network: Mapped[str] = mapped_column(Text)
    external_id: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)


class AdCampaign(Base):
    """A campaign; `external_id` is the platform's own number."""

    __tablename__ = "ad_campaigns"
    __table_args__ = (UniqueConstraint("account_no", "external_id"),)
    campaign_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    account_no: Mapped[int] = mapped_column(fk("ad_accounts.account_no"))
    site_no: Mapped[int | None] = mapped_column(fk("sites.site_no"))
    external_id: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    objective: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    daily_budget_minor: Mapped[int] = mapped_column(BigInteger)
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now(), onupdate=func.now())


class AdSet(Base):
    """A part of a campaign with one audience."""

    __tablename__ = "ad_sets"
    ad_set_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    campaign_no: Mapped[int] = mapped_column(fk("ad_campaigns.campaign_no"))
    external_id: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)


class Ad(Base):
    """One advertisement."""

    __tablename__ = "ads"
    ad_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    ad_set_no: Mapped[int] = mapped_column(fk("ad_sets.ad_set_no"))
    external_id: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)


class AdDaily(Base):
    """What the platform reports of one ad on one day of the account's zone, money in minor units of its currency."""

    __tablename__ = "ad_daily"
    __table_args__ = (UniqueConstraint("ad_no", "day"), Index(None, "shop_no", "day"))
    daily_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    ad_no: Mapped[int] = mapped_column(fk("ads.ad_no"))
    day: Mapped[date] = mapped_column(Date)
    spend_minor: Mapped[int] = mapped_column(BigInteger)
    impressions: Mapped[int]
    clicks: Mapped[int]
    leads: Mapped[int]
    claimed_conversions: Mapped[int]
    claimed_value_minor: Mapped[int] = mapped_column(BigInteger)


class SocialPost(Base):
    """A post on a social network: `posted`, `scheduled`, `draft` or `failed`."""

    __tablename__ = "social_posts"
    post_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    network: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    caption: Mapped[str] = mapped_column(Text)
    planned_for: Mapped[datetime | None] = mapped_column(MOMENT)
    posted_at: Mapped[datetime | None] = mapped_column(MOMENT)


class SocialInteraction(Base):
    """What somebody did with a post: like, comment, share or mention."""

    __tablename__ = "social_interactions"
    __table_args__ = (Index(None, "shop_no", "happened_at"),)
    interaction_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    post_no: Mapped[int | None] = mapped_column(fk("social_posts.post_no"))
    customer_no: Mapped[int | None] = mapped_column(fk("customers.customer_no"))
    handle: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    body: Mapped[str | None] = mapped_column(Text)
    happened_at: Mapped[datetime] = mapped_column(MOMENT)
