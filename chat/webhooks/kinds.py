"""The kinds of events that endpoints may ask for."""

import orjson

from chat.protocol.records import CHANGES

#: Stored events: messages, and what the records of history name beside them.
STORED = (
    "chat_message",
    *(orjson.loads(front + b"}")["type"] for front in CHANGES.values()),
)
#: What is noted in the log of a lane.
LOGGED = ("user_joined", "user_left", "connected", "disconnected")
#: A message was reported; it is told from the reports that are kept.
REPORTED = "report_created"
KINDS = (*STORED, *LOGGED, REPORTED)
#: Told to every endpoint, whatever it asks for: what it will not be told.
GAP = "gap"
