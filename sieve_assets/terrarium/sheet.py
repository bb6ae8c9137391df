"""A contact sheet of the generator's pictures, for people to judge by eye."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from sieve_assets.models.generator import Generator

PICTURE_PX = 96
TEXT_PX = 13
MARGIN_PX = 6
COLUMNS = 8


def picture_sheet(
    generator: Generator, names: Sequence[str], *, prompts: Sequence[str], seed: int
) -> Image.Image:
    """Return one picture a prompt, in rows, each with its name below.

    Args:
        generator: What draws.
        names: What stands below the pictures.
        prompts: What is drawn, in the order of the names.
        seed: Of the first picture; the others' follow.
    """
    pictures = generator.draw(prompts, range(seed, seed + len(prompts)))
    width, height = PICTURE_PX + MARGIN_PX, PICTURE_PX + TEXT_PX + 2 * MARGIN_PX
    n_rows = -(-len(names) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width + MARGIN_PX, n_rows * height + MARGIN_PX), "white")
    canvas, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT_PX)
    for position, (name, picture) in enumerate(zip(names, pictures, strict=True)):
        row, column = divmod(position, COLUMNS)
        left, top = MARGIN_PX + column * width, MARGIN_PX + row * height
        sheet.paste(picture.resize((PICTURE_PX, PICTURE_PX), Image.Resampling.BICUBIC), (left, top))
        below = (left + PICTURE_PX / 2, top + PICTURE_PX + MARGIN_PX / 2)
        canvas.text(below, name, fill="black", font=font, anchor="ma")
    return sheet
