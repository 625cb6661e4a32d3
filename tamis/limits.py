"""Every cap on what a stranger can make Tamis do, in one place.

The wire is hostile: whatever reads a message takes its bounds from here. A cap that was reached
never raises; it is reported (`Message.capped`) and shown as ``SIZE_CAPPED`` in the score.
Time is bounded through these sizes, since a Python thread cannot be killed.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

MESSAGE_BYTES: Final = 4 * MIB
"""Bytes of one message that are looked at; what lies beyond still goes through, unread."""

IN_MEMORY_BYTES: Final = 1 * MIB
"""Bytes of a message under way that are kept in memory; a larger one is written to a file of the spool."""

HEADER_FIELDS: Final = 1000
"""Header fields looked at, of the message and of each part."""

HEADER_BLOCK_BYTES: Final = 256 * KIB
"""Bytes of one header block that are parsed; Postfix's own header_size_limit is 100 KiB."""

HEADER_VALUE_CHARS: Final = 16 * KIB
"""Characters of one decoded header value."""

MIME_DEPTH: Final = 20
"""Nesting of multipart and message/rfc822; deeper parts are taken as opaque leaves."""

MIME_PARTS: Final = 500
"""Leaf parts looked at."""

BASE64_PIECES: Final = 20_000
"""Pieces of one part that were encoded in base64 each on its own, with padding between them; more are read as one."""

TEXT_BYTES: Final = 1 * MIB
"""Encoded bytes of text parts that are decoded, all parts together."""

HTML_BYTES: Final = 256 * KIB
"""Bytes of one HTML part that are parsed."""

HTML_TAGS: Final = 10_000
"""Tags of all HTML parts together; past it the markup is stripped by a linear scan instead."""

HTML_PIECES: Final = 10_000
"""What may separate attributes, in all HTML parts together; past it as for tags. The parser's time grows with the
square of the attributes of one element, and telling where a tag ends would be as hard as parsing."""

STYLE_CHARS: Final = 2000
"""Characters of one ``style`` attribute, or of the declarations of one rule, that are read."""

STYLE_SHEETS: Final = 20
"""Style sheets of one HTML part that are read."""

STYLE_SHEET_CHARS: Final = 64 * KIB
"""Characters of all style sheets of one HTML part that are read."""

STYLE_CLASSES: Final = 20
"""Classes of one element that are looked up."""

ANCHORS: Final = 500
"""Links of one HTML part of which the text is compared with where they lead."""

SIGN_LINKS: Final = 200
"""Distinct links of one message that are looked at for signs of phishing."""

SIGN_RECIPIENTS: Final = 50
"""Recipients whose own domains links and authors are held against; each costs as much as all links."""

SIGN_PAGES: Final = 20
"""Attached pages of one message that are looked at for them."""

SIGN_CHARS: Final = 32 * KIB
"""Characters of text, and of each attached page, that are looked at for signs of phishing."""

URLS: Final = 500
"""Distinct URLs taken from one message."""

URL_CHARS: Final = 2048
"""Characters of one URL."""

LINKS: Final = 1000
"""URLs, addresses and names of one message that are looked at for the domains in them."""

LINK_CHARS: Final = MIB
"""Characters of URLs that are looked through, those that were decoded included."""

NESTED_URLS: Final = 5
"""Pieces of one URL that are decoded, at each depth."""

COPIES: Final = 20_000
"""Messages whose links and digests a process remembers for their copies; each host that one leads to counts as one."""

LINK_SUBJECTS: Final = 25
"""Domains and addresses of one message that URL lists are asked about."""

LINK_QUESTIONS: Final = 100
"""Questions about them, to all URL lists together: half of what a message may ask is left to the other rows."""

ADDRESSES: Final = 200
"""Addresses parsed out of one header field."""

ADDRESS_FIELD_CHARS: Final = 4 * KIB
"""Characters of one address field that are parsed: the parser's time grows with their square."""

ADDRESS_CHARS: Final = 320
"""Characters of an address that may be one of ours: 64 of the local part, 255 of the domain (RFC 5321)."""

AUTHOR_FIELDS: Final = 5
"""From: fields parsed; there should be one."""

REMOVAL_STEPS: Final = 100_000
"""Forged copies of our headers, times header fields: the MTA reads the header from its top for each copy it removes.
That costs Postfix 3 to 10 ms. No message of the corpora reaches 150 (docs/decisions/0013)."""

TAGGED_SUBJECTS: Final = 10
"""Subject: fields tagged; there should be one."""

RECEIVED_FIELDS: Final = 50
"""Received: fields read when the true peer is looked for behind a trusted relay."""

LOG_VALUE_CHARS: Final = 300
"""Characters of one wire value in the log."""

WRITTEN_VALUE_CHARS: Final = 900
"""Characters of one wire value in a header of ours: with the name before it no line is beyond 998 (RFC 5322)."""

REASON_CHARS: Final = 200
"""Characters of a reason in X-Tamis-Verdict."""

COUNTED_MEMBERS: Final = 500
"""Distinct members kept under one name of a counter, and so the most a filter may ask for."""

BANS: Final = 5000
"""Automatic bans; those that end first, or have ended, make room for others. Each process has a copy of them."""

PENDING_PEERS: Final = 10_000
"""Peers of which ham is counted in memory between two writes to Redis, some seconds apart."""

REPORTED_DOMAINS: Final = 10
"""Fields of one name that are read of a feedback report: so many domains one report may accuse."""

REPORT_GROUPS: Final = 100
"""Recipients that are read of a report on a delivery (RFC 3464)."""

QUOTED_IDS: Final = 50
"""Message-IDs that are read of a message that may quote one of ours."""

MESSAGE_ID_CHARS: Final = 500
"""Characters of a Message-ID; a longer one is known to nobody."""

SENT_RECIPIENTS: Final = 100
"""Recipients of one outgoing message from which something is learned; a message to more is a mailing, and teaches
nothing."""

SENT_IDS: Final = 100_000
"""Message-IDs of outgoing mail that row 11 recognises, the latest; some 10 MB of Redis."""

SENT_KEPT: Final = 500_000
"""Recipients of outgoing mail that wait for reports of failure in the database; the oldest make room."""

REPORTS_KEPT: Final = 10_000
"""Reports of failure kept while their message is not found."""

JOURNAL_EVENTS: Final = 2000
"""Outgoing messages and reports of failure that a process keeps between two writes, half a second apart."""

JOURNAL_FILES: Final = 5000
"""Files of the journal that wait for the keeper; while there are more, nothing is added."""

GREYLISTED_RECIPIENTS: Final = 500
"""Recipients of one message whose first try is remembered; at RCPT it is one at a time."""

GREYLIST_TRIPLETS: Final = 100
"""Triplets by which a peer network is remembered, and so the most that a policy may ask for."""

ALIAS_LEGS: Final = 1000
"""Addresses that one recipient may stand for; Postfix's own virtual_alias_expansion_limit."""

ALIAS_DEPTH: Final = 1000
"""Aliases that may lead one to the next; Postfix's own virtual_alias_recursion_limit."""

ALIAS_ADDRESS_CHARS: Final = 1000
"""Characters of an address that is looked up; Postfix's own virtual_alias_address_length_limit."""

ALIASES_SECONDS: Final = 2.0
"""How long Postfix's tables may take to say where the mail of all recipients of a message goes."""

DESTINATION_SECONDS: Final = 60.0
"""How long it is remembered where a recipient's mail goes."""

DESTINATION_LEGS: Final = 20_000
"""Addresses that are remembered so, in all, by each worker: some 5 MB."""

POLICIES_REMEMBERED: Final = 5_000
"""Policies of domains, and distinct policies, that each worker remembers ready made: some 10 MB at most."""

POLICY_CHARS: Final = 65_536
"""Characters of what one owner of a policy has chosen."""

DOVEADM_SECONDS: Final = 120.0
"""How long doveadm may take for one mailbox."""

DIRECTORY_ROWS: Final = 2_000_000
"""Rows that a query for domains or users may give."""

DIRECTORY_QUERY_SECONDS: Final = 60.0
"""How long PostgreSQL may take for one such query."""

DIRECTORY_SECONDS: Final = 4.0
"""How long it is remembered what a table of Postfix says of one domain or address."""

DIRECTORY_REMEMBERED: Final = 20_000
"""Answers of tables that each worker remembers, also beyond that time, for while a table fails."""

DIRECTORY_ASK_SECONDS: Final = 1.0
"""How long the tables may take to answer, all together."""

DIRECTORY_REST_SECONDS: Final = 10.0
"""After a failure the tables are left alone for so long."""

END_OF_MESSAGE_SECONDS: Final = 8.0
"""How long the MTA waits for the answer to the end of a message, whatever happens."""

FILTERS_SECONDS: Final = 5.5
"""Wall-clock budget of all filters for one message: what has been found by then still reaches the MTA in time."""

SCANNERS_SECONDS: Final = 5.0
"""How long the filters of one message wait for scanners (clamd, spamd), all together."""

VIRUS_ANSWER_BYTES: Final = 4 * KIB
"""Octets of an answer of clamd."""

VIRUS_NAME_CHARS: Final = 200
"""Characters of what a virus scanner says it has found."""

SPAMD_ANSWER_BYTES: Final = MIB
"""Octets of an answer of spamd beyond those of the message, whose header it repeats."""

SPAMD_TESTS: Final = 200
"""Tests of SpamAssassin that are named for one message."""

HOLD_SECONDS: Final = 120.0
"""How long the MTA waits for a message to be held, told each second that work goes on; then it gets 451."""

REVERSE_NAMES: Final = 5
"""Names of one address that are looked at; there should be one."""

MX_HOSTS: Final = 10
"""Mail hosts of one domain that are looked at."""

DNS_SECONDS: Final = 3.0
"""How long the filters of one message wait for the DNS, all together."""

DNS_QUESTIONS: Final = 200
"""Distinct questions to the DNS for one message; what is asked beyond is not sent."""

DNS_GUESSES: Final = 50
"""Of them, those that are sent only since an answer leads to them: strangers choose what theirs lead to."""

DNS_IN_FLIGHT: Final = 2000
"""Questions of one worker that are on their way at the same time."""

DNS_UDP_BYTES: Final = 1232
"""The largest answer asked for over UDP: what passes through every network in one piece. More comes over TCP."""

DNS_RECORDS: Final = 1000
"""Records read of one section of an answer; one of 64 KiB may hold some 4,000."""

DNS_CACHE_ENTRIES: Final = 20_000
"""Answers of the DNS that one worker keeps in memory."""

DNS_CACHE_BYTES: Final = 16 * MIB
"""What they may take, about."""

DNS_TTL_SECONDS: Final = 86_400
"""The longest time an answer is kept, whatever it says itself."""

DNS_NEGATIVE_TTL_SECONDS: Final = 3600
"""The same for "there is none" (RFC 2308, section 5)."""

DNS_ERROR_SECONDS: Final = 2.0
"""How long a failure is remembered, so that the filters of one moment do not all wait for it."""

DKIM_SIGNATURES: Final = 10
"""DKIM signatures of one message that are looked at, from the top. Each costs some 0.1 ms."""

DKIM_FIELD_BYTES: Final = 16 * KIB
"""Octets of one signature field."""

DKIM_KEY_BYTES: Final = 4 * KIB
"""Octets of a key record; one with an RSA key of 4096 bits has some 750."""

DKIM_KEYS: Final = 512
"""Keys that one worker keeps ready, by their records."""

RSA_LEAST_BITS: Final = 1024
"""Shorter keys count for nothing (RFC 8301, section 3.2)."""

RSA_MOST_BITS: Final = 4096

RSA_EXPONENT_BITS: Final = 64
"""Bits of an RSA exponent, which the time of a check grows with; nearly all have 17."""

ARC_SETS: Final = 50
"""Sets of an ARC chain (RFC 8617, section 4.2.1)."""

DMARC_RECORD_BYTES: Final = 4 * KIB
"""Octets of a DMARC record."""

PEER_NAMES: Final = 5
"""Names of one peer that are followed back to their addresses."""

SPF_RECORD_CHARS: Final = 4 * KIB
"""Characters of one SPF record; RFC 7208, section 3.4, asks for 450 at most. A longer one is a permanent error."""

SPF_TERM_CHARS: Final = 512
"""Characters of one term of an SPF record, and of a word of an explanation: the time to read one grows with their
square."""

SPF_EXPLANATION_CHARS: Final = 200
"""Characters of what a domain says about its SPF fail."""

WRITTEN_LINE_CHARS: Final = 76
"""Characters of a line of a header of ours, where it can be folded."""

RULES: Final = 5000
"""Rules in force at the same time, the shipped ones among them."""

RULE_FILE_BYTES: Final = 4 * MIB
"""Octets of one rule file."""

RULE_PATTERN_CHARS: Final = 2000
"""Characters of one pattern of a rule."""

RULE_EXPRESSION_CHARS: Final = 4000
"""Characters of one expression over rules."""

RULE_STEPS: Final = 2500
"""Instructions that a pattern may be compiled to: the time for one character grows with them at worst."""

RULE_TEXT_CHARS: Final = 128 * KIB
"""Characters of one place of a message that rules look at; of more, the middle is left out."""

RULE_WORDS: Final = 200_000
"""Words that patterns for one place need, and are looked for at once; further patterns run over every text."""

RULE_COMBINATIONS: Final = 1000
"""Combinations of rules that messages met, of which a worker remembers what expressions make of them."""

ATTACHED_FILES: Final = 500
"""Files of one message that are looked at, members of archives included."""

ARCHIVE_DEPTH: Final = 4
"""Archives within archives that are opened."""

ARCHIVE_ENTRIES: Final = 5000
"""Entries of one archive that are listed."""

ARCHIVE_BYTES: Final = 16 * MIB
"""Octets unpacked for one message, all archives together."""

ARCHIVE_RATIO: Final = 150
"""How many octets may come out of one: more, from a member of a megabyte on, is a bomb. Honest text reaches 30."""

ARCHIVE_CPU_SECONDS: Final = 0.3
"""Processor time spent on opening the archives of one message: bzip2 makes some 15 MB a second."""

XZ_MEMORY: Final = 80 * MIB
"""What one stream of xz may ask for; ``xz -9`` asks for 65 MiB. Of it no more is touched than comes out."""

ARCHIVE_NAME_CHARS: Final = 255
"""Characters of a member's name."""

FILE_BYTES_KEPT: Final = 8 * MIB
"""Octets of members of archives that are kept while a message is examined."""

HELPER_BYTES: Final = 128 * MIB
"""Address space that the helper may add to its own, for macros and for archives that it opens."""

HELPER_CPU_SECONDS: Final = 0.5
"""Processor time of the helper for one file; then it is killed, and started again."""

HELPER_SECONDS: Final = 2.0
"""How long one file may wait for the helper and its answer; all files of a message wait no longer than twice that."""

HELPER_TASKS: Final = 200
"""Files after which the helper is started anew."""

COUNTED_FILES: Final = 10
"""Executable-like files of one message whose recipients are counted: one round trip to Redis each."""

NOTED_FILES: Final = 50
"""Files of one message that go into the lasting statistics."""

PENDING_FILES: Final = 2000
"""Files that one worker keeps for the statistics between two writes to Redis."""

WAITING_FILES: Final = 100_000
"""Entries that wait in Redis for the keeper to write them down: some 20 MB. The oldest make room."""

FILES_AT_ONCE: Final = 500
"""Of them, what is written down in one transaction."""

KNOWN_FILES: Final = 500_000
"""Files in the statistics, some 300 MB; those that do not run, and were not seen for the longest time, go first."""

SKETCHED_BYTES: Final = 1 * MIB
"""Octets of one file that its sketch is made of; it takes some 70 ms."""

SKETCHED_FILES: Final = 10
"""Files of one message that are sketched."""

SKETCHED_BYTES_IN_ALL: Final = 4 * MIB
"""Octets of all files of one message that sketches are made of."""

VERTICES: Final = 100_000
"""Vertices of the hypercube; those not met for the longest time make room for others."""

IMAGES: Final = 20
"""Images of one message that are looked at, the largest first."""

IMAGE_LEAST_SIDE: Final = 16
"""Pixels of the shorter side of an image; smaller ones are spacers, bullets and counters of readers."""

IMAGE_PIXELS: Final = 25_000_000
"""Pixels that are decoded of one image, all its frames together: 100 MB. More are refused by what its header says."""

JPEG_PIXELS: Final = 100_000_000
"""The same of a JPEG, which can be decoded at half its size or less."""

IMAGE_FRAMES: Final = 20
"""Frames of an animation that are composed."""

IMAGE_CODES: Final = 10
"""QR codes that are read of one image."""

CODE_CHARS: Final = 2048
"""Characters of one QR code; none can hold more than 4,296 letters."""

OCR_IMAGES: Final = 5
"""Images of one message whose text is read, the largest first."""

OCR_PIXELS: Final = 2_000_000
"""Pixels handed to tesseract, whose time grows with them: a larger image is made smaller first."""

OCR_FRAMES: Final = 3
"""Frames of an animation whose text is read, those that are shown longest."""

OCR_CHARS: Final = 20 * KIB
"""Characters of text taken from one image."""

IMAGE_SECONDS: Final = 2.5
"""How long one image may take; the process that is busy with it for longer is killed."""

IMAGE_LEARN_SECONDS: Final = 20.0
"""The same where a person waits for it, or nobody does: when it is learned."""

IMAGES_SECONDS: Final = 4.0
"""How long the filters of one message wait for its images, all together. Scanners have 5 seconds."""

IMAGE_MEMORY_BYTES: Final = 1024 * MIB
"""Address space of a process that reads images, and of tesseract."""

HISTORY_CHARS: Final = 300
"""Characters of one text of the wire that the history of decisions keeps."""

HISTORY_RECIPIENTS: Final = 1000
"""Recipients of one message that the history knows; Postfix takes no more (smtpd_recipient_limit)."""

HISTORY_HITS: Final = 50
"""Hits of one row that the history keeps."""

HISTORY_RECORD_BYTES: Final = 256 * KIB
"""Octets of one decision in the history; a longer one loses single hits and tests."""

HISTORY_CUT_TESTS: Final = 100
"""Tests of each verdict that are kept of a decision that is too long."""

HISTORY_CUT_SHARES: Final = 20
"""Verdicts that are kept of a decision that is too long."""

HISTORY_FILES: Final = 32
"""Files of decisions that wait for the keeper before workers make larger ones instead of more."""

HISTORY_FILE_BYTES: Final = 4 * MIB
"""Octets of such a larger file."""

LEARNED_MESSAGES: Final = 40_000
"""Rows of the journal of what was learned; the oldest of more are forgotten. Counts are made of all of them anew, which
takes some seven seconds."""

REBUILD_MEMORY_BYTES: Final = 512 * MIB
"""Memory of the process that makes the second layer anew, without the features, which it maps from a file."""

LESSONS_A_DAY: Final = 1000
"""Messages that one mailbox, one person who releases mail, or all traps together may teach in a day."""

REPORTS_AT_ONCE: Final = 200
"""Reports of mailboxes that are taken up in one turn."""
TRAIT_FIELDS: Final = 200
"""Header fields that the named tests of the whole message look at (`tamis.traits`)."""

TRAIT_VALUE_CHARS: Final = 1000
"""Characters of one value that they look at."""

TRAIT_PARTS: Final = 50
"""Parts that they look at."""

TRAIT_URLS: Final = 100
"""URLs that they look at."""

TRAIT_TEXT_CHARS: Final = 8000
"""Characters of text that they look at, as many as the classifier does."""

TRAIT_WORD_CHARS: Final = 6000
"""Characters of text in which they look for words."""

TRAIT_HTML_CHARS: Final = 32 * KIB
"""Characters of markup that they look at."""

TRAIT_PATTERN_BYTES: Final = 3 * MIB
"""Memory for each of some twenty automata of RE2 that look for forms and words."""

STATUS_TESTS: Final = 40
"""Tests of the whole message that X-Spam-Status prints one by one, the strongest; the others are added up."""

# --- pages

FORM_BYTES: Final = 65_536
"""Octets of a form that a browser sends to a page for senders and recipients."""
FORM_FIELDS: Final = 1000
"""Fields of such a form."""
TOKEN_CHARS: Final = 2000
"""Characters of a link's, a cookie's or a form's token that are looked at."""
PREVIEW_TEXT_CHARS: Final = 100_000
"""Characters of a held message's text that its page shows."""
PREVIEW_PAGE_CHARS: Final = 500_000
"""Characters of a held message's HTML that are cleaned to be shown."""
PREVIEW_ATTACHMENTS: Final = 50
"""Attachments of a held message that its page names."""
CONSOLE_PROPOSAL_MESSAGES: Final = 300
"""Flagged messages, the newest, that the console makes proposals of; `tamis rules propose` takes more."""
UPLOAD_BYTES: Final = 16 * MIB
"""Octets of a file of messages that an administrator uploads to teach the classifier."""
UPLOAD_FIELDS: Final = 20
"""Fields of the form that brings it."""
UPLOAD_MESSAGES: Final = 500
"""Messages in such a file; `tamis learn` takes more."""
