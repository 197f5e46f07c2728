"""A checker in the manner of Jepsen: clients record a history, pure rules judge it.

`history` holds what happened, `rules` judges it, `client` is a reference client that records,
`workload` runs many of them, `nemesis` does harm meanwhile, and `verdict` puts it all together.

| rule | promise |
| --- | --- |
| R1 agreement | one place holds one message, whoever looks |
| R2 no loss | an acknowledged message reaches every member, or the member is told |
| R3 no phantom | what is seen was sent before, by that user, and was not refused |
| R4 no duplicate | a message has one place, retried or not |
| R5 contiguous | what a client sees is a walk without holes, and every jump is announced |
| R6 sender order | what one client sends over one connection stands in that order |
| R7 real-time order | what was acknowledged before another was sent stands before it |
| R8 stable | history in the end has every acknowledged message, once, in order |
| R9 presence | some time after the last change everyone is shown the true members |
| R10 liveness | once all faults are over, everything goes on |
| R11 folded | edits, deletions and reactions make of a message what history says |
| R12 read markers | no marker goes back, and in the end all devices of a user agree |
"""
