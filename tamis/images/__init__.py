"""The images of a message: what they look like, what they say, and whether they are known (SPEC, section 1, row 21).

Nothing of an image is decoded in the process that examines mail. Readers do that (`tamis.images.pool`): a few
processes, started afresh, bounded in memory and time, and replaced when they die or take too long.
"""
