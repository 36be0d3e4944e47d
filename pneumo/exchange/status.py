"""How a C-STORE is answered: a status of PS3.4 B.2.3, and for a failure its reason in words. Neither tells whose image it was."""

from dataclasses import dataclass

from pydicom.dataset import Dataset


@dataclass(frozen=True)
class Status:
    code: int
    comment: str = ""  # at most 64 characters (0000,0902)

    @property
    def data_set(self) -> Dataset:
        told = Dataset()
        told.Status = self.code
        if self.comment:
            told.ErrorComment = self.comment
        return told


SUCCESS = Status(0x0000)
BUSY = Status(0xA700, "No room for it now, or the node is ending. Send it again later.")
NOT_STORED = Status(0xA700, "The archive did not take the results. Send it again later.")
TOO_LARGE = Status(0xC000, "The object is larger than any X-ray that is read.")
UNREADABLE = Status(0xC000, "The image cannot be read, or no result can be filed for it.")
FAULT = Status(0x0110, "Reading the image failed unexpectedly. See the node's log.")
