"""Where a named place is (pure): a small table of cities, so that "near Hefei" works before anybody listed there.

Coordinates are of the city's middle, to a hundredth of a degree. Hundredths of degrees as whole numbers.
"""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

from resource_hub.domain.catalogue.text import fold

# Chinese name, English name, latitude, longitude (hundredths of a degree).
_CITIES = (
    ("北京", "Beijing", 3990, 11641), ("上海", "Shanghai", 3123, 12147), ("天津", "Tianjin", 3913, 11720),
    ("重庆", "Chongqing", 2956, 10655), ("广州", "Guangzhou", 2313, 11326), ("深圳", "Shenzhen", 2254, 11406),
    ("杭州", "Hangzhou", 3027, 12015), ("南京", "Nanjing", 3206, 11880), ("合肥", "Hefei", 3182, 11723),
    ("武汉", "Wuhan", 3059, 11430), ("成都", "Chengdu", 3057, 10407), ("西安", "Xi'an", 3434, 10894),
    ("苏州", "Suzhou", 3130, 12058), ("无锡", "Wuxi", 3149, 12031), ("常州", "Changzhou", 3181, 11997),
    ("宁波", "Ningbo", 2987, 12154), ("济南", "Jinan", 3665, 11712), ("青岛", "Qingdao", 3607, 12038),
    ("郑州", "Zhengzhou", 3475, 11363), ("长沙", "Changsha", 2823, 11294), ("南昌", "Nanchang", 2868, 11586),
    ("福州", "Fuzhou", 2607, 11930), ("厦门", "Xiamen", 2448, 11809), ("沈阳", "Shenyang", 4180, 12343),
    ("大连", "Dalian", 3891, 12161), ("长春", "Changchun", 4388, 12532), ("哈尔滨", "Harbin", 4580, 12653),
    ("石家庄", "Shijiazhuang", 3804, 11451), ("太原", "Taiyuan", 3787, 11255), ("昆明", "Kunming", 2504, 10271),
    ("贵阳", "Guiyang", 2665, 10663), ("南宁", "Nanning", 2282, 10837), ("海口", "Haikou", 2004, 11032),
    ("兰州", "Lanzhou", 3606, 10383), ("西宁", "Xining", 3662, 10178), ("银川", "Yinchuan", 3849, 10623),
    ("呼和浩特", "Hohhot", 4084, 11175), ("乌鲁木齐", "Urumqi", 4383, 8762), ("拉萨", "Lhasa", 2965, 9114),
    ("芜湖", "Wuhu", 3133, 11838), ("蚌埠", "Bengbu", 3292, 11739), ("东莞", "Dongguan", 2302, 11375),
    ("佛山", "Foshan", 2302, 11312), ("珠海", "Zhuhai", 2227, 11358), ("温州", "Wenzhou", 2799, 12070),
    ("香港", "Hong Kong", 2232, 11417), ("澳门", "Macau", 2220, 11355), ("台北", "Taipei", 2503, 12157),
)  # fmt: skip
_BY_NAME = {
    fold(name).replace("'", ""): (latitude * 10_000, longitude * 10_000)
    for zh, en, latitude, longitude in _CITIES
    for name in (zh, en, zh + "市")
}
_NAMES = {fold(name).replace("'", ""): (zh, en) for zh, en, _, _ in _CITIES for name in (zh, en, zh + "市")}


def locate(name: str) -> tuple[int, int] | None:
    """Latitude and longitude in millionths of a degree of a city known by name, else None."""
    return _BY_NAME.get(fold(name.strip()).replace("'", ""))


def spellings(name: str) -> list[str]:
    """The ways in which listings may write this city, the given one first."""
    found = _NAMES.get(fold(name.strip()).replace("'", ""))
    return list(dict.fromkeys([name.strip(), *(found or ()), *((found[0] + "市",) if found else ())]))


def place_name(city: str, language: str) -> str:
    """A city in the reader's language where we know it, as it stands otherwise."""
    found = _NAMES.get(fold(city.strip()).replace("'", ""))
    if found is None:
        return city
    return found[0] if language.startswith("zh") else found[1]


def kilometres(a: tuple[int, int], b: tuple[int, int]) -> int:
    """Great-circle distance between two points in millionths of a degree, in whole kilometres."""
    (lat1, lon1), (lat2, lon2) = ((radians(y / 1e6), radians(x / 1e6)) for y, x in (a, b))
    h = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return round(2 * 6371 * asin(min(1.0, sqrt(h))))


def scale_at(latitude_micro: int) -> int:
    """How much a degree of longitude counts against one of latitude there, in thousandths."""
    return round(1000 * cos(radians(latitude_micro / 1e6)))
