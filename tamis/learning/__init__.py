"""What a site learns of messages: a journal in SQL of who said what, weighed and added to the classifier's counts.

`journal` keeps what was said, `weighing` says what each word of it counts for, `building` makes counts of both,
`published` is the file by which they reach the workers, `reports` the folder that mailbox servers report through.
"""
