"""Row 24: does a virus scanner of the second stage know this malware?

Why it works, and how scanners are asked: `tamis.scanners.row`. SPEC, section 1, row 24.
"""

from tamis.scanners.row import AntivirusRow


class SecondStage(AntivirusRow):
    name = "antivirus-2"
    of_stage = 2
    tests = {
        "AV2_MALWARE": "a scanner of the second stage knows this malware",
        "AV2_GUESS": "it suspects something, under a name of `score_only`",
    }
