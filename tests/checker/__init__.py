"""A checker in the manner of Jepsen: clients record a history, pure rules judge it.

`history` holds what happened, `rules` judges it, `client` is a reference client that records,
`workload` runs many of them, `nemesis` does harm meanwhile, and `verdict` puts it all together.
"""
