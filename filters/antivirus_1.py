"""Row 1: does a virus scanner of the first stage know this malware?

Why it works, and how scanners are asked: `tamis.scanners.row`. SPEC, section 1, row 1.
"""

from tamis.scanners.row import AntivirusRow


class FirstStage(AntivirusRow):
    name = "antivirus-1"
    of_stage = 1
    tests = {
        "AV1_MALWARE": "a scanner of the first stage knows this malware",
        "AV1_GUESS": "it suspects something, under a name of `score_only`",
    }
