"""Names that mean the same method (pure): a listing that has one of a line is found by the others too.

Short Latin names count only as whole words. Lines are general usage of the field, not of a document.
"""

from __future__ import annotations

from resource_hub.domain.catalogue.text import fold, runs

GROUPS: tuple[tuple[str, ...], ...] = (
    ("扫描电子显微镜", "扫描电镜", "scanning electron microscope", "SEM"),
    ("透射电子显微镜", "透射电镜", "transmission electron microscope", "TEM"),
    ("原子力显微镜", "atomic force microscope", "AFM"),
    ("激光共聚焦显微镜", "共聚焦显微镜", "激光共聚焦", "confocal microscope"),
    ("聚焦离子束", "focused ion beam", "FIB"),
    ("X射线衍射", "XRD", "X-ray diffraction", "X-ray diffractometer"),
    ("X射线光电子能谱", "XPS", "X-ray photoelectron"),
    ("X射线荧光", "XRF", "X-ray fluorescence"),
    ("核磁共振", "核磁", "nuclear magnetic resonance", "NMR"),
    ("质谱", "mass spectrometer", "mass spectrometry"),
    ("液相色谱", "liquid chromatography", "HPLC"),
    ("气相色谱", "gas chromatography", "GC"),
    ("液质联用", "液相色谱-质谱", "LC-MS", "LCMS"),
    ("气质联用", "气相色谱-质谱", "GC-MS", "GCMS"),
    ("电感耦合等离子体质谱", "ICP-MS", "ICPMS"),
    ("电感耦合等离子体", "inductively coupled plasma", "ICP"),
    ("红外光谱", "infrared spectrometer", "FTIR"),
    ("拉曼光谱", "Raman"),
    ("紫外可见分光光度计", "紫外分光光度计", "UV-Vis"),
    ("差示扫描量热", "differential scanning calorimetry", "DSC"),
    ("热重分析", "thermogravimetric", "TGA"),
    ("流式细胞仪", "flow cytometer", "FACS"),
    ("测序仪", "sequencer"),
    ("能谱仪", "energy dispersive", "EDS", "EDX"),
    ("拉力试验机", "万能试验机", "拉伸试验机", "tensile tester", "universal testing machine"),
    ("三坐标测量机", "三坐标测量仪", "coordinate measuring machine", "CMM"),
)


def _words(text: str) -> tuple[str, ...]:
    return tuple(runs(text))


_FOLDED = tuple(tuple((fold(name), _words(name)) for name in group) for group in GROUPS)


def others(text: str) -> list[str]:
    """The further names of what a text names."""
    folded, words = fold(text), _words(text)
    found: list[str] = []
    for group, names in zip(GROUPS, _FOLDED, strict=True):
        if any(_stands_in(name, parts, folded, words) for name, parts in names):
            found += [name for name, (plain, _) in zip(group, names, strict=True) if plain not in folded]
    return list(dict.fromkeys(found))


def _stands_in(name: str, parts: tuple[str, ...], folded: str, words: tuple[str, ...]) -> bool:
    if not name.isascii():
        return name in folded
    return any(words[i : i + len(parts)] == parts for i in range(len(words) - len(parts) + 1))
