import asyncio
class KeyRing:
    def __init__(self, s): self.secret=s
    @classmethod
    def from_settings(cls, settings): return cls(settings.jwt_secret)
    async def refresh_for_unknown_key(self): pass
    async def run(self): await asyncio.Event().wait()
