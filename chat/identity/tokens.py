import jwt, time
from dataclasses import dataclass
from chat.identity.access import Capabilities
class InvalidTokenError(Exception): pass
class UnknownKeyError(Exception): pass
@dataclass(slots=True)
class Identity:
    user_id:str; user:dict|None; expires_at_s:int; capabilities:Capabilities
_caps={}
class Verifier:
    def __init__(self, settings, ring): self.ring=ring
    def verify(self, token, now_s=0):
        try: c=jwt.decode(token, self.ring.secret, algorithms=["HS256"], options={"require":["exp","sub"]})
        except jwt.PyJWTError as e: raise InvalidTokenError(str(e))
        r=c.get("rooms",{}); k=str(r)
        return Identity(c["sub"], c.get("user"), c["exp"], _caps.setdefault(k,Capabilities(r)))
def mint(key, algorithm, user_id, *, ttl_s, rooms, user=None, kid=None, issuer=None, audience=None):
    return jwt.encode({"sub":user_id,"exp":int(time.time()+ttl_s),"rooms":rooms, **({"user":user} if user else {})}, key, algorithm)
