"""Inquiries of the demonstration: one waits for the laboratory's price, one for the engineer's answer."""

from __future__ import annotations

from datetime import datetime, timedelta

from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.inquiry_words import QuoteLine, Wish
from resource_hub.domain.booking.terms import BookingKind
from resource_hub.entrypoints.demo.world import World
from resource_hub.infra import outbox
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.money import Money

HOST, RESOURCE = "snu-su", "celllines"
ASKED = (
    ("yunhe", "HeLa 与 A549 各一株，用于脂质体摄取实验；需附 STR 图谱与传代记录。"),
    ("suxin", "请提供 MCF-7 细胞两支（复苏后），用于芯片上细胞捕获测试。"),
)
ANSWERED = "suxin"
LINES = (("MCF-7 细胞株 2 支，含复苏与支原体检测", "1600.00"), ("干冰运输", "280.00"))


def tell(world: World, now: datetime) -> int:
    """Ask yesterday, answer one this morning; returns how many inquiries there are."""
    resource = next(r for r in world.of_host(HOST) if r.code == RESOURCE)
    with unit_of_work() as unit:
        for firm, description in ASKED:
            with unit.at(now - timedelta(hours=20)):
                wish = Wish(BookingKind.ACCESS, description=description)
                made = booking.ask_for_quote(resource.key, wish, by=world.bookers[firm])
            if firm != ANSWERED:
                continue
            with unit.at(now - timedelta(hours=1)):
                lines = [QuoteLine(text, Money.of(amount, resource.currency)) for text, amount in LINES]
                last_day = (now + timedelta(days=14)).date()
                booking.give_quote(
                    made.key, lines, last_day, by=world.managers[HOST], note="到货后 7 日内反馈活率。"
                )
        outbox.deliver_due(limit=100)
    return len(ASKED)
