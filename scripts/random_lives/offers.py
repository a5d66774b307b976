"""What the customers of random lives can use and buy."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scripts.random_lives.times import Interval

MODELS: Final = (
    "flat",
    "per_unit",
    "package",
    "percentage",
    "graduated",
    "volume",
    "graduated_percentage",
)


EVENT_MEMBERS: Final = ("event_fee", "event_minimum", "event_maximum", "free_events")


@dataclass(frozen=True)
class Feature:
    """A feature of the catalogue of all apps."""

    key: str
    type: str = "metered"
    aggregation: str | None = None
    unique_key: str | None = None


FEATURES: Final = {
    feature.key: feature
    for feature in (
        Feature("calls", aggregation="sum"),
        Feature("payouts", aggregation="sum"),
        Feature("visits", aggregation="count"),
        Feature("peak", aggregation="max"),
        Feature("disk", aggregation="latest"),
        Feature("users", aggregation="unique_count", unique_key="user"),
        Feature("seats", type="seat"),
    )
}


@dataclass(frozen=True)
class Plan:
    """A plan as ``ledger_create_plan`` takes it; its base fee is always given."""

    slug: str
    base: Mapping[str, Any]
    prices: Sequence[Mapping[str, Any]] = ()
    # What a soft limit makes free, by feature.
    allowances: Mapping[str, str] | None = None
    trial_days: int = 0
    anchor_at_trial_end: bool = True
    add_on: bool = False
    priority: int = 0

    @property
    def interval(self) -> Interval:
        return Interval(self.base["interval"], self.base["interval_count"])

    def features(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        """Returns what it gives: all that the life uses, with or without a price."""
        free = self.allowances or {}
        return [
            {"key": key, "limit": free[key], "soft_limit": True} if key in free else {"key": key}
            for key in keys
        ]


def random_amount(dice: random.Random) -> str:
    return dice.choice(["0.05", "1", "3", "0.333", "0.015", "0.125", "10", "7.77", "100"])


def random_tiers(dice: random.Random, rate: str) -> list[dict[str, str]]:
    bounds = sorted(dice.sample([1, 5, 10, 20, 100, 1000], dice.randint(0, 2)))
    tiers: list[dict[str, str]] = []
    for bound in [*bounds, None]:
        tier = {} if bound is None else {"up_to": str(bound)}
        shape = dice.choice(["rate", "rate", "flat", "both"])
        if shape != "flat":
            tier[rate] = random_amount(dice)
        if shape != "rate":
            tier["flat_amount"] = random_amount(dice)
        tiers.append(tier)
    return tiers


def random_price(dice: random.Random, feature: str, kinds: Collection[str] = ()) -> dict[str, Any]:
    model = dice.choice(MODELS)
    price: dict[str, Any] = {"feature": feature, "model": model}
    match model:
        case "flat":
            price["flat_amount"] = random_amount(dice)
        case "per_unit":
            price["unit_amount"] = random_amount(dice)
        case "package":
            price["package_size"] = dice.choice(["1", "7", "10", "2.5"])
            price["package_amount"] = random_amount(dice)
            if dice.random() < 0.4:
                price["free"] = dice.choice(["5", "10"])
        case "percentage":
            price["percentage"] = dice.choice(["2.9", "100", "33.3333", "0.5"])
            if dice.random() < 0.3:
                price["flat_amount"] = random_amount(dice)
        case "graduated" | "volume":
            price["tiers"] = random_tiers(dice, "unit_amount")
        case _:
            price["tiers"] = random_tiers(dice, "percentage")
    if dice.random() < 0.2:
        price["minimum"] = dice.choice(["50", "9.99", "500"])
    if dice.random() < 0.2:
        price["maximum"] = dice.choice(["500", "612.5", "10000"])
    if "event" in kinds and FEATURES[feature].aggregation == "sum" and dice.random() < 0.7:
        price = random_event_price(dice, feature)
    if "prorated" in kinds and dice.random() < 0.7:
        price["prorated"] = True
    return price


def random_event_price(dice: random.Random, feature: str) -> dict[str, Any]:
    """Returns a percentage that asks something for each event."""
    price: dict[str, Any] = {"feature": feature, "model": "percentage"}
    price["percentage"] = dice.choice(["2.9", "100", "33.3333", "0.5"])
    asked = dice.sample(EVENT_MEMBERS, dice.randint(1, 4))
    if "event_fee" in asked:
        price["event_fee"] = dice.choice(["0.30", "1", "0.015"])
    if "event_minimum" in asked:
        price["event_minimum"] = dice.choice(["0.5", "1.75", "0.333"])
    if "event_maximum" in asked:
        price["event_maximum"] = dice.choice(["2", "12", "100"])
    if "free_events" in asked:
        price["free_events"] = dice.choice([1, 2, 5])
    if dice.random() < 0.3:
        price["flat_amount"] = random_amount(dice)
    if dice.random() < 0.2:
        price["minimum"] = dice.choice(["50", "9.99"])
    return price


def random_plan(
    dice: random.Random,
    slug: str,
    interval: Interval,
    features: Sequence[str],
    kinds: Collection[str] = (),
) -> Plan:
    prices = [random_price(dice, key, kinds) for key in features if dice.random() < 0.8]
    if dice.random() < 0.1:
        prices = []
    amount = dice.choice(["0", "10", "10", "9.99", "7.77", "20", "100", "1200", "0.05"])
    return Plan(
        slug,
        {
            "amount": amount,
            "interval": interval.unit,
            "interval_count": interval.count,
            "billed": dice.choice(["advance", "advance", "arrears"]),
            "proration": dice.choice(["day", "day", "second"]),
        },
        prices,
        {
            price["feature"]: dice.choice(["0", "5", "10", "100", "2.5"])
            for price in prices
            if dice.random() < 0.3 and not set(price) & set(EVENT_MEMBERS)
        },
        trial_days=dice.choice([0, 0, 0, 1, 3, 10, 30]),
        anchor_at_trial_end=dice.random() < 0.6,
    )
