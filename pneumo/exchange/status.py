"""C-STORE responses: a status code of PS3.4 B.2.3 and, for failures, a reason. Neither identifies the patient."""

from dataclasses import dataclass

from pydicom.dataset import Dataset


@dataclass(frozen=True)
class Status:
    code: int
    comment: str = ""  # at most 64 characters (0000,0902)

    @property
    def data_set(self) -> Dataset:
        response = Dataset()
        response.Status = self.code
        if self.comment:
            response.ErrorComment = self.comment
        return response


SUCCESS = Status(0x0000)
BUSY = Status(0xA700, "No room now, or the node is stopping. Send it again later.")
NOT_STORED = Status(0xA700, "The archive did not take the results. Send it again later.")
TOO_LARGE = Status(0xC000, "The object is larger than any X-ray that is accepted.")
UNREADABLE = Status(0xC000, "The image cannot be read, or no result can be filed for it.")
FAULT = Status(0x0110, "Reading the image failed unexpectedly. See the node's log.")
