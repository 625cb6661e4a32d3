"""Letters that look like Latin ones, so that a word reads the same however it is spelled (Unicode UTS 39 names more).

NFKC has already made plain letters of fullwidth, mathematical, circled and superscript ones. Upper and lower case are
apart where they look like different letters: a Greek ν is a v, its upper case an N.
"""

from typing import Final

_PAIRS: Final = {
    "cyrillic": (
        "аәвсԁеєғһіїјкԟӏмнорԛѕтуүхԝѵґ АӘВСԀЕЄҒҺІЇЈКԞӀМНОРԚЅТУҮХԜѴҐ",
        "aabcdeefhiijkklmhopqstyyxwvr AABCDEEFHIIJKKIMHOPQSTYYXWVR",
    ),
    "greek": ("αβεηικνορτυχγωϲϳ ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ", "abenikvoptuxywcj ABEZHIKMNOPTYXCJ"),
    "armenian": ("օսհզցոյ ՕՍԼՏ", "ouhqgnj OULS"),
    "cherokee": ("ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᏃᎩ", "ABCDEGHiJKLMPRSTVWZY"),
    "lisu": ("ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓢꓔꓴꓦꓪꓫꓬꓜꓣ", "ABCDEFGHIJKLMNOPSTUVWXYZR"),
    "small capitals": ("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz"),
    "latin": ("ıɑɡɩɪȷƅɓɗɛɦʝƙɭɱɳɵƥɾʂƭʋɯʐƨ", "iagiijbbdehjklmnoprstvwzs"),
}

PUNCTUATION: Final = {
    **dict.fromkeys(map(ord, "‘’‚‛ʼʹ′‵`´＇"), "'"),
    **dict.fromkeys(map(ord, "“”„‟«»″"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—―−⁃﹘"), "-"),
    **dict.fromkeys(map(ord, "•‧∙⋅・"), "·"),
}
"""Quotation marks and dashes, as a keyboard writes them."""

UNDECOMPOSED: Final = {
    ord(letter): plain
    for letter, plain in (
        *zip("øØłŁđĐðÐħĦ", "oOlLdDdDhH", strict=True),
        *zip("ßẞæÆœŒþÞ", ("ss", "SS", "ae", "AE", "oe", "OE", "th", "TH"), strict=True),
    )
}
"""Accented letters and ligatures that Unicode does not take apart."""


def _table() -> dict[int, str]:
    found: dict[int, str] = {}
    for strange, plain in _PAIRS.values():
        found |= {ord(one): other for one, other in zip(strange, plain, strict=True) if one != " "}
    # Negative circled, negative squared, and the letters that make flags.
    for first in (0x1F150, 0x1F170, 0x1F1E6):
        found |= {first + number: chr(65 + number) for number in range(26)}
    return found


LETTERS: Final = _table()
"""Code point to Latin letter."""
