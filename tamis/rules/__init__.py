"""Rules over what a message says: keywords, logic over them, exceptions (SPEC, rows 18 to 20, and 21 by OCR).

A rule file (TOML) is read by `reading`, its text folded by `folding`, its regular expressions compiled by `patterns`,
and a message looked at by `matching`. What filters see of it is `Context.rules`, a `matching.MessageRules`.
"""
