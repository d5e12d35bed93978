"""Resolvers: which campaign a touch names, by id, exact name, somebody's decision or likeness. Reads nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from adplanning_plugin.attribution.channels import DIRECT, NOT_SET, platform_of
from adplanning_plugin.attribution.likeness import THRESHOLD
from adplanning_plugin.attribution.similarity import Names, Nearest, names_of
from adplanning_plugin.attribution.utm import normalise_name

MOST_CONFIDENT = 0.9
"""Confidence in a campaign found by likeness is this times the score: always less than in an exact name (0.95)."""


MOST_REMEMBERED = 50_000
"""Unknown names whose comparison is remembered for as long as a catalogue lives."""


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign of the tenant, as far as matching needs it."""

    id: str
    platform_id: str | None
    platform: str
    name: str
    website_id: str | None


class AdObject(msgspec.Struct, frozen=True):
    """An ad set (`ad_set_id` is its own id), or an ad."""

    id: str
    platform_id: str | None
    name: str | None
    campaign_id: str
    ad_set_id: str


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What a touch says about its campaign; touches that say the same resolve alike."""

    key: str | None
    campaign: str | None = None
    source: str = NOT_SET
    platform: str = "generic"
    website_id: str | None = None
    term: str | None = None
    content: str | None = None
    click_campaign: str | None = None
    click_ad_set: str | None = None
    click_ad: str | None = None

    @property
    def name(self) -> str:
        """The campaign's name as it is compared and remembered; empty where the touch names none."""
        return normalise_name(self.campaign or self.key or "")


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody decided about a name, for the touches of one platform and website."""

    name: str
    platform: str
    website_id: str | None = None
    campaign_id: str | None = None
    """Null: it names no campaign."""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign that was found, how, and how sure that is (0…1)."""

    campaign_id: str
    method: str
    confidence: float
    reason: str | None = None
    """Of a fuzzy_name_match: similar or alias."""
    ad_set_id: str | None = None
    ad_id: str | None = None


class Ambiguous(msgspec.Struct, frozen=True, kw_only=True):
    """Several campaigns fit equally well: none is taken."""

    campaign_ids: tuple[str, ...]


class Ignored(msgspec.Struct, frozen=True):
    """Somebody decided that the name is no campaign's."""


Answer = Match | Ambiguous | Ignored | None


class Catalogue:
    """A tenant's campaigns, ad sets and ads by every key that a resolver may ask for."""

    def __init__(
        self,
        campaigns: Iterable[Campaign],
        ad_sets: Iterable[AdObject] = (),
        ads: Iterable[AdObject] = (),
        aliases: Iterable[Alias] = (),
    ) -> None:
        self.aliases = {(each.name, each.platform, each.website_id): each for each in aliases}
        self._names: dict[tuple[str, str | None], Names] = {}
        self._nearest: dict[tuple[str, str, str | None], Nearest | None] = {}
        self.campaigns: dict[str, Campaign] = {}
        self.by_id: Mapping[str, list[Campaign]] = defaultdict(list)
        self.by_name: Mapping[str, list[Campaign]] = defaultdict(list)
        self.ad_sets, self.ads = _Objects(ad_sets), _Objects(ads)
        for campaign in campaigns:
            self.campaigns[campaign.id] = campaign
            for key in {key.casefold() for key in (campaign.platform_id, campaign.id) if key}:
                self.by_id[key].append(campaign)
            if name := normalise_name(campaign.name):
                self.by_name[name].append(campaign)

    def matching_id(self, key: str | None) -> Sequence[Campaign]:
        """Campaigns whose platform id or own id that is."""
        return self.by_id.get(key.casefold(), ()) if key else ()

    def matching_name(self, name: str | None) -> Sequence[Campaign]:
        """Campaigns of that name, compared as `normalise_name` does."""
        return self.by_name.get(normalise_name(name), ()) if name else ()

    def decided(self, named: Named) -> Alias | None:
        """What somebody decided about the touch's name; a decision for a campaign that is gone holds no more."""
        alias = self.aliases.get((named.name, named.platform, named.website_id)) if self.aliases else None
        return alias if alias and (alias.campaign_id is None or alias.campaign_id in self.campaigns) else None

    def names(self, platform: str, website_id: str | None) -> Names:
        """The names of the campaigns within a touch's scope; made when first asked for."""
        found = self._names.get((platform, website_id))
        if found is None:
            scope = in_scope(Named(key=None, platform=platform, website_id=website_id), self.campaigns.values())
            found = self._names[platform, website_id] = names_of(tuple((each.id, each.name) for each in scope))
        return found

    def all_names(self, website_id: str | None) -> Names:
        """The names of the campaigns of any platform."""
        found = self._names.get(("", website_id))
        if found is None:
            scope = in_scope(Named(key=None, website_id=website_id), self.campaigns.values(), any_source=True)
            found = self._names["", website_id] = names_of(tuple((each.id, each.name) for each in scope))
        return found

    def nearest(self, named: Named) -> Nearest | None:
        """The campaign whose name can only be meant; each name is looked for once."""
        key = (named.name, named.platform, named.website_id)
        if key not in self._nearest:
            if len(self._nearest) >= MOST_REMEMBERED:
                self._nearest.clear()
            self._nearest[key] = self.names(named.platform, named.website_id).certain(named.name) if key[0] else None
        return self._nearest[key]


class _Objects:
    """Ad sets or ads by id, and by name within their campaign."""

    def __init__(self, objects: Iterable[AdObject]) -> None:
        self._by_id: Mapping[str, list[AdObject]] = defaultdict(list)
        self._by_name: Mapping[tuple[str, str], list[AdObject]] = defaultdict(list)
        for each in objects:
            for key in {key.casefold() for key in (each.platform_id, each.id) if key}:
                self._by_id[key].append(each)
            if each.name and (name := normalise_name(each.name)):
                self._by_name[each.campaign_id, name].append(each)

    def named(self, values: Iterable[str | None], campaign_id: str | None = None) -> AdObject | None:
        """The one object that a value names by id, or by name within the campaign."""
        for value in values:
            if not value:
                continue
            found = self._by_id.get(value.casefold(), [])
            if campaign_id is not None:
                found = [each for each in found if each.campaign_id == campaign_id]
                found = found or self._by_name.get((campaign_id, normalise_name(value)), [])
            if len(found) == 1:
                return found[0]
        return None


class Resolver(Protocol):
    """One way to find a campaign; the first that answers decides."""

    name: str

    def resolve(self, named: Named, catalogue: Catalogue) -> Answer:
        """A match, several that fit equally, or None where this way knows nothing."""
        ...


class ById:
    """The campaign's own or its platform's id in utm_id or on the click, or an ad's id in utm_content or utm_term."""

    name = "id"

    def resolve(self, named: Named, catalogue: Catalogue) -> Match | Ambiguous | None:
        """Certain where exactly one campaign of the touch's scope has that id."""
        for key in (named.key, named.click_campaign, named.campaign):
            found = in_scope(named, catalogue.matching_id(key), any_source=named.source == NOT_SET)
            if found:
                return _one(found, 1.0)
        for objects, values in (
            (catalogue.ads, (named.click_ad, named.content, named.term)),
            (catalogue.ad_sets, (named.click_ad_set, named.term, named.content)),
        ):
            each = objects.named(values)
            campaign = catalogue.campaigns.get(each.campaign_id) if each else None
            if campaign and in_scope(named, [campaign], any_source=named.source == NOT_SET):
                return _one([campaign], 1.0)
        return None


class ByName:
    """The campaign's exact name, after folding case, separators and encoding."""

    name = "exact_name"

    def resolve(self, named: Named, catalogue: Catalogue) -> Match | Ambiguous | None:
        """Nearly certain where exactly one campaign of the touch's scope has that name."""
        found = in_scope(named, catalogue.matching_name(named.campaign or named.key))
        return _one(found, 0.95) if found else None


class ByAlias:
    """What somebody decided about the name."""

    name = "alias"

    def resolve(self, named: Named, catalogue: Catalogue) -> Answer:
        """As sure as the person was."""
        alias = catalogue.decided(named)
        if alias is None:
            return None
        if alias.campaign_id is None:
            return Ignored()
        return Match(campaign_id=alias.campaign_id, method="fuzzy_name_match", confidence=1.0, reason="alias")


class BySimilarity:
    """The one campaign of the touch's scope whose name was mistyped."""

    name = "similarity"

    def resolve(self, named: Named, catalogue: Catalogue) -> Answer:
        """Less sure than an exact name by as much as the two differ; two that are about as near are none."""
        nearest = catalogue.nearest(named)
        if nearest is None or not nearest.best.sure or nearest.best.score < THRESHOLD:
            return None
        if nearest.resolves or nearest.runner_up is None:
            confidence = round(MOST_CONFIDENT * nearest.best.score, 6)
            return Match(
                campaign_id=nearest.best.campaign_id,
                method="fuzzy_name_match",
                confidence=confidence,
                reason="similar",
            )
        return Ambiguous(campaign_ids=tuple(sorted((nearest.best.campaign_id, nearest.runner_up.campaign_id))))


RESOLVERS: tuple[Resolver, ...] = (ById(), ByName(), ByAlias(), BySimilarity())


def resolve(named: Named, catalogue: Catalogue, resolvers: Sequence[Resolver] = RESOLVERS) -> Answer:
    """The first answer, completed with the ad set and ad that the touch names within the campaign."""
    for resolver in resolvers:
        answer = resolver.resolve(named, catalogue)
        if isinstance(answer, Match):
            ad = catalogue.ads.named((named.click_ad, named.content, named.term), answer.campaign_id)
            ad_set = catalogue.ad_sets.named((named.click_ad_set, named.term, named.content), answer.campaign_id)
            return msgspec.structs.replace(
                answer,
                ad_id=ad.id if ad else None,
                ad_set_id=ad.ad_set_id if ad else ad_set.id if ad_set else None,
            )
        if answer is not None:
            return answer
    return None


def in_scope(named: Named, campaigns: Iterable[Campaign], *, any_source: bool = False) -> list[Campaign]:
    """Campaigns of the touch's platform and website; a campaign without a website belongs to all of them.

    `any_source` lifts the platform: a landing with nothing but an id does not say where it came from.
    """
    return [
        campaign
        for campaign in campaigns
        if (any_source or campaign_platform(campaign.platform) == named.platform)
        and (not campaign.website_id or not named.website_id or campaign.website_id == named.website_id)
    ]


def campaign_platform(platform: str) -> str:
    """meta, google or generic, for a campaign's platform as the host writes it."""
    folded = platform.strip().casefold()
    return platform_of(folded) if folded and folded != DIRECT else "generic"


def _one(campaigns: Sequence[Campaign], confidence: float) -> Match | Ambiguous:
    if len(campaigns) > 1:
        return Ambiguous(campaign_ids=tuple(sorted(campaign.id for campaign in campaigns)))
    return Match(campaign_id=campaigns[0].id, method="exact_utm_match", confidence=confidence)
