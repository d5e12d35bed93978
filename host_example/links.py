"""Where the plugin finds this store's people, orders, visits and advertising: one `Link` a kind of thing, no more."""

from __future__ import annotations

from sqlalchemy import Numeric, case, cast, func, literal, select

from adplanning_plugin import Link, Money
from host_example.models import Customer, Purchase, PurchaseLine, PurchaseRefund, Shop, Site
from host_example.models_marketing import (
    Ad,
    AdAccount,
    AdCampaign,
    AdDaily,
    AdSet,
    Enquiry,
    Review,
    SocialInteraction,
    SocialPost,
    WebEvent,
    WebForm,
    WebFormAnswer,
    WebSession,
)

PURCHASE_COST = (
    # Where the cost of one line is not known, the cost of the whole purchase is not known either.
    select(
        case(
            (
                func.bool_and(PurchaseLine.unit_cost.is_not(None)),
                func.sum(PurchaseLine.unit_cost * PurchaseLine.quantity),
            )
        )
    )
    .where(PurchaseLine.purchase_no == Purchase.purchase_no)
    .correlate(Purchase)
    .scalar_subquery()
)
PAYMENT_STATE = case(
    (Purchase.status == "cancelled", literal("cancelled")),
    (Purchase.payment == "partly_refunded", literal("partially_refunded")),
    else_=Purchase.payment,
)
NETWORK = (
    select(AdAccount.network)
    .where(AdAccount.account_no == AdCampaign.account_no)
    .correlate(AdCampaign)
    .scalar_subquery()
)
DAILY = (
    select(AdDaily)
    .join(Ad, Ad.ad_no == AdDaily.ad_no)
    .join(AdSet, AdSet.ad_set_no == Ad.ad_set_no)
    .join(AdCampaign, AdCampaign.campaign_no == AdSet.campaign_no)
    .join(AdAccount, AdAccount.account_no == AdCampaign.account_no)
)
EVENT_VALUE = cast(WebEvent.payload["value"].astext, Numeric(12, 2))
EVENT_CURRENCY = select(Shop.currency).where(Shop.shop_no == WebEvent.shop_no).correlate(WebEvent).scalar_subquery()
FORM_TITLE = (
    select(WebForm.title).where(WebForm.form_no == WebFormAnswer.form_no).correlate(WebFormAnswer).scalar_subquery()
)

LINKS = (
    Link(
        entity="person",
        source=Customer,
        tenant=Customer.shop_no,
        columns={
            "id": Customer.customer_no,
            "email": Customer.email,
            "phone": Customer.phone,
            "name": Customer.full_name,
            "city": Customer.city,
            "country": Customer.country,
            "created_at": Customer.registered_at,
            "updated_at": Customer.updated_at,
        },
        writeback={"engagement_score": Customer.engagement, "last_interaction_at": Customer.last_seen_at},
    ),
    Link(
        entity="order",
        source=Purchase,
        tenant=Purchase.shop_no,
        money="major",
        columns={
            "id": Purchase.purchase_no,
            "person_id": Purchase.customer_no,
            "email": Purchase.email,
            "currency": Purchase.currency,
            "subtotal": Purchase.items_total,
            "discount": Purchase.discount_total,
            "tax": Purchase.tax_total,
            "shipping": Purchase.shipping_total,
            "gift_card": Purchase.giftcard_total,
            "total": Purchase.grand_total,
            "cost": PURCHASE_COST,
            "payment_state": PAYMENT_STATE,
            "cancelled_at": Purchase.cancelled_at,
            "is_test": Purchase.is_test,
            "sales_channel": case((Purchase.channel == "pos", literal("offline")), else_=literal("online")),
            "subscription_sequence": Purchase.renewal_no,
            "checkout_reference": Purchase.checkout_ref,
            "visitor_token": Purchase.visitor_token,
            "session_id": Purchase.web_session_no,
            "consent": Purchase.tracking_consent,
            "website_id": Purchase.site_no,
            "placed_at": Purchase.placed_at,
            "updated_at": Purchase.updated_at,
        },
    ),
    Link(
        entity="order_line",
        source=select(PurchaseLine).join(Purchase, Purchase.purchase_no == PurchaseLine.purchase_no),
        tenant=PurchaseLine.shop_no,
        money="major",
        columns={
            "currency": Purchase.currency,
            "id": PurchaseLine.line_no,
            "order_id": PurchaseLine.purchase_no,
            "product_id": PurchaseLine.product_no,
            "title": PurchaseLine.title,
            "quantity": PurchaseLine.quantity,
            "unit_price": PurchaseLine.unit_price,
            "total": PurchaseLine.line_total,
            "cost": PurchaseLine.unit_cost * PurchaseLine.quantity,
        },
    ),
    Link(
        entity="refund",
        source=select(PurchaseRefund).join(Purchase, Purchase.purchase_no == PurchaseRefund.purchase_no),
        tenant=PurchaseRefund.shop_no,
        columns={
            "currency": Purchase.currency,
            "id": PurchaseRefund.refund_no,
            "order_id": PurchaseRefund.purchase_no,
            "amount": Money(PurchaseRefund.amount_minor, unit="minor"),
            "created_at": PurchaseRefund.refunded_at,
        },
    ),
    Link(
        entity="lead",
        source=Enquiry,
        tenant=Enquiry.shop_no,
        columns={
            "id": Enquiry.enquiry_no,
            "person_id": Enquiry.customer_no,
            "email": Enquiry.email,
            "phone": Enquiry.phone,
            "name": Enquiry.full_name,
            "status": Enquiry.stage,
            "ad_campaign_id": Enquiry.campaign_no,
            "source": Enquiry.origin,
            "session_id": Enquiry.web_session_no,
            "visitor_token": Enquiry.visitor_token,
            "created_at": Enquiry.created_at,
            "updated_at": Enquiry.updated_at,
        },
    ),
    Link(
        entity="feedback",
        source=Review,
        tenant=Review.shop_no,
        columns={
            "id": Review.review_no,
            "person_id": Review.customer_no,
            "email": Review.email,
            "rating": Review.stars,
            "scale": Review.scale,
            "comment": Review.body,
            "order_id": Review.purchase_no,
            "created_at": Review.written_at,
        },
        writeback={"sentiment_score": Review.mood, "sentiment_label": Review.mood_label},
    ),
    Link(
        entity="form_response",
        source=WebFormAnswer,
        tenant=WebFormAnswer.shop_no,
        columns={
            "id": WebFormAnswer.answer_no,
            "form_id": WebFormAnswer.form_no,
            "form_name": FORM_TITLE,
            "person_id": WebFormAnswer.customer_no,
            "email": WebFormAnswer.email,
            "text": WebFormAnswer.answers["message"].astext,
            "session_id": WebFormAnswer.web_session_no,
            "visitor_token": WebFormAnswer.visitor_token,
            "created_at": WebFormAnswer.submitted_at,
        },
    ),
    Link(
        entity="analytics_session",
        source=WebSession,
        tenant=WebSession.shop_no,
        columns={
            "id": WebSession.session_no,
            "visitor_id": WebSession.visitor_uid,
            "person_id": WebSession.customer_no,
            "started_at": WebSession.started_at,
            "ended_at": WebSession.ended_at,
            "landing_url": WebSession.landing_url,
            "referrer": WebSession.referrer,
            "device": WebSession.device,
            "website_id": WebSession.site_no,
        },
        writeback={"ad_campaign_id": WebSession.credited_campaign, "attribution_resolved": WebSession.credit_done},
    ),
    Link(
        entity="analytics_event",
        source=WebEvent,
        tenant=WebEvent.shop_no,
        columns={
            "id": WebEvent.event_no,
            "session_id": WebEvent.session_no,
            "visitor_id": WebEvent.visitor_uid,
            "name": WebEvent.kind,
            "url": WebEvent.path,
            "occurred_at": WebEvent.happened_at,
            "value": Money(EVENT_VALUE, unit="major"),
            "currency": EVENT_CURRENCY,
            "properties": WebEvent.payload,
        },
    ),
    Link(
        entity="ad_account",
        source=AdAccount,
        tenant=AdAccount.shop_no,
        columns={
            "id": AdAccount.account_no,
            "platform": AdAccount.network,
            "name": AdAccount.title,
            "zone": AdAccount.timezone,
            "currency": AdAccount.currency,
        },
    ),
    Link(
        entity="ad_campaign",
        source=AdCampaign,
        tenant=AdCampaign.shop_no,
        columns={
            "id": AdCampaign.campaign_no,
            "ad_account_id": AdCampaign.account_no,
            "platform": NETWORK,
            "platform_id": AdCampaign.external_id,
            "name": AdCampaign.title,
            "status": AdCampaign.status,
            "objective": AdCampaign.objective,
            "website_id": AdCampaign.site_no,
            "created_at": AdCampaign.created_at,
        },
    ),
    Link(
        entity="ad_set",
        source=AdSet,
        tenant=AdSet.shop_no,
        columns={
            "id": AdSet.ad_set_no,
            "ad_campaign_id": AdSet.campaign_no,
            "platform_id": AdSet.external_id,
            "name": AdSet.title,
            "status": AdSet.status,
        },
    ),
    Link(
        entity="ad",
        source=Ad,
        tenant=Ad.shop_no,
        columns={
            "id": Ad.ad_no,
            "ad_set_id": Ad.ad_set_no,
            "platform_id": Ad.external_id,
            "name": Ad.title,
            "status": Ad.status,
        },
    ),
    Link(
        entity="ad_insight",
        source=DAILY,
        tenant=AdDaily.shop_no,
        money="minor",
        columns={
            "id": AdDaily.daily_no,
            "ad_account_id": AdCampaign.account_no,
            "ad_campaign_id": AdSet.campaign_no,
            "ad_set_id": AdSet.ad_set_no,
            "ad_id": AdDaily.ad_no,
            "day": AdDaily.day,
            "spend": AdDaily.spend_minor,
            "currency": AdAccount.currency,
            "impressions": AdDaily.impressions,
            "clicks": AdDaily.clicks,
            "leads": AdDaily.leads,
            "platform_conversions": AdDaily.claimed_conversions,
            "platform_value": AdDaily.claimed_value_minor,
        },
    ),
    Link(
        entity="social_post",
        source=SocialPost,
        tenant=SocialPost.shop_no,
        columns={
            "id": SocialPost.post_no,
            "platform": SocialPost.network,
            "status": SocialPost.state,
            "caption": SocialPost.caption,
            "posted_at": SocialPost.posted_at,
            "scheduled_at": SocialPost.planned_for,
        },
    ),
    Link(
        entity="social_interaction",
        source=SocialInteraction,
        tenant=SocialInteraction.shop_no,
        columns={
            "id": SocialInteraction.interaction_no,
            "person_id": SocialInteraction.customer_no,
            "post_id": SocialInteraction.post_no,
            "kind": SocialInteraction.kind,
            "text": SocialInteraction.body,
            "at": SocialInteraction.happened_at,
        },
    ),
    Link(
        entity="website",
        source=Site,
        tenant=Site.shop_no,
        columns={"id": Site.site_no, "name": Site.title, "domain": Site.domain},
    ),
)
