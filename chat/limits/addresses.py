class AddressLimits:
    def __init__(self, s): pass
    def admit(self, a, now_s): return 0.0
