class ConnectionLimits:
    def __init__(self, s): pass
    def charge(self, now_s, messages=0, bytes_=0, joins=0): return 0.0
