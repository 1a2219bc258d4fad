"""Finds a font with Chinese characters for PDFs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.settings import Deployment
from connectors.errors import ConfigurationError

__all__ = ["Font", "find_font"]

_FONTS = Path("/usr/share/fonts")
_USUAL = (
    "opentype/noto/NotoSansCJK-Regular.ttc",
    "*/NotoSansCJK-Regular.ttc",
    "*/NotoSansCJK*-Regular.ot[fc]",
    "*/NotoSansSC-Regular.[ot]tf",
    "*/*/wqy-microhei.ttc",
    "*/*/wqy-zenhei.ttc",
    "*/*/DroidSansFallbackFull.ttf",
)
_PROBE = "对账单"


@dataclass(frozen=True)
class Font:
    """A font file, and which face of a collection."""

    file: Path
    face: int = 0


def find_font(deployment: Deployment) -> Font:
    """The one that is configured, else one that the system has."""
    named = deployment.settings.statement.font
    if named is not None:
        return _checked(deployment.directory / named)
    for file in _found():
        return _checked(file)
    raise ConfigurationError(
        "a PDF needs a font with Chinese characters, and none was found",
        remedy="install fonts-noto-cjk (Debian, Ubuntu), or name a font file in bridgehead.yaml:"
        " statement: {font: FILE}",
    )


def _found() -> Iterator[Path]:
    for pattern in _USUAL:
        yield from sorted(_FONTS.glob(pattern))


def _checked(file: Path) -> Font:
    """Of a collection the face for simplified Chinese."""
    from fontTools.ttLib import TTCollection, TTFont, TTLibError

    try:
        if file.suffix.lower() in (".ttc", ".otc"):
            with TTCollection(str(file), lazy=True) as collection:
                faces = list(collection.fonts)
                names = [str(font["name"].getDebugName(1)) for font in faces]
                face = next((n for n, name in enumerate(names) if name.endswith(" SC")), 0)
                known = faces[face].getBestCmap()
        else:
            face = 0
            with TTFont(str(file), lazy=True) as font:
                known = font.getBestCmap()
    except (OSError, TTLibError, KeyError) as error:
        raise ConfigurationError(
            f"the font {file} cannot be read",
            remedy="statement.font names a .ttf, .otf or .ttc file",
        ) from error
    if not all(ord(character) in known for character in _PROBE):
        raise ConfigurationError(
            f"the font {file} has no Chinese characters",
            remedy="install fonts-noto-cjk, or name another in statement.font",
        )
    return Font(file, face)
