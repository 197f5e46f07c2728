from enum import StrEnum
from fnmatch import fnmatchcase
class Action(StrEnum):
    JOIN="join"; PUBLISH="publish"; MODERATE="moderate"
class Capabilities:
    def __init__(self, rooms): self.rooms=rooms
    def allows(self, room_id, action): return any(fnmatchcase(room_id,p) and action in a for p,a in self.rooms.items())
