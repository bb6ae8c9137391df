"""Makes the sprite sheet from the font: `python -m sieve_assets.terrarium.sprites [font]`.

The font is Noto Color Emoji. Needed only to change the world's objects: the sheet ships.
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from sieve_assets.terrarium.renderer import SHEET_COLUMNS, SPRITE_PX
from sieve_assets.terrarium.world import DATA, world_objects

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
"""Where Debian's fonts-noto-color-emoji puts it."""
FONT_PX = 109
"""The only size of the font's bitmaps."""


def draw_emoji(codepoint: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Return the emoji cut to its own extent and centred in a square sprite (RGBA)."""
    canvas = Image.new("RGBA", (160, 160))
    character = chr(int(codepoint.removeprefix("U+"), 16))
    ImageDraw.Draw(canvas).text((10, 10), character, font=font, embedded_color=True)
    extent = canvas.getbbox()
    if extent is None:
        raise ValueError(
            f"draw_emoji: expected a glyph for {codepoint}, got none. Choose an emoji of this font."
        )
    glyph = canvas.crop(extent)
    glyph.thumbnail((SPRITE_PX - 2, SPRITE_PX - 2), Image.Resampling.LANCZOS)
    sprite = Image.new("RGBA", (SPRITE_PX, SPRITE_PX))
    sprite.paste(glyph, ((SPRITE_PX - glyph.width) // 2, (SPRITE_PX - glyph.height) // 2))
    return sprite


def draw_sheet(font_path: Path) -> Image.Image:
    """Return all objects' sprites, `SHEET_COLUMNS` a row, in the world's order."""
    font = ImageFont.truetype(str(font_path), FONT_PX)
    things = world_objects()
    n_rows = -(-len(things) // SHEET_COLUMNS)
    sheet = Image.new("RGBA", (SHEET_COLUMNS * SPRITE_PX, n_rows * SPRITE_PX))
    for thing in things:
        row, column = divmod(thing.position, SHEET_COLUMNS)
        sheet.paste(draw_emoji(thing.codepoint, font), (column * SPRITE_PX, row * SPRITE_PX))
    return sheet


if __name__ == "__main__":
    draw_sheet(Path(sys.argv[1]) if len(sys.argv) > 1 else FONT).save(
        DATA / "sprites.png", optimize=True
    )
