import io
import json

import numpy as np
import pytest
from makers import dicom_bytes, png_bytes, ramp

from pneumo.errors import ImageRejected
from pneumo.imaging.decoding.decoded_file import decode_whole
from pneumo.imaging.decoding.protocol import WireError, receive, receive_bytes, send, send_bytes


def sent(data: bytes) -> bytes:
    stream = io.BytesIO()
    send(stream, decode_whole(data))
    return stream.getvalue()


def with_header(data: bytes, change) -> bytes:
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    change(header)
    line = json.dumps(header).encode()
    return len(line).to_bytes(4, "little") + line + data[4 + length :]


def test_a_picture_arrives_as_it_was_sent():
    data = dicom_bytes(ramp(1400, 90, 4095, np.uint16), BitsStored=12, HighBit=11)
    here, there = decode_whole(data), receive(io.BytesIO(sent(data)))
    np.testing.assert_array_equal(there.radiograph.pixels, here.radiograph.pixels)
    np.testing.assert_array_equal(there.canonical, here.canonical)
    np.testing.assert_array_equal(there.radiograph.values.stored, here.radiograph.values.stored)
    assert there.radiograph.values.windows == here.radiograph.values.windows
    assert there.radiograph.values.range == here.radiograph.values.range
    assert there.radiograph.facts == here.radiograph.facts
    assert not there.radiograph.pixels.flags.writeable


def test_a_refusal_arrives_as_it_was_sent():
    stream = io.BytesIO()
    send(stream, ImageRejected("Two frames; expected one."))
    found = receive(io.BytesIO(stream.getvalue()))
    assert (type(found), str(found)) == (ImageRejected, "Two frames; expected one.")


def test_bytes_go_there_and_the_end_is_none():
    stream = io.BytesIO()
    send_bytes(stream, b"picture")
    send_bytes(stream, b"the next")
    stream.seek(0)
    assert receive_bytes(stream) == b"picture"
    assert receive_bytes(stream) == b"the next"
    assert receive_bytes(stream) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.update(shapes=[[10**6, 10**6], [224, 224]]),
        lambda header: header.update(shapes=[[40, 41], [224, 224]]),
        lambda header: header.update(shapes=[header["shapes"][0], [225, 224]]),
        lambda header: header.update(shapes=[header["shapes"][0]]),
        lambda header: header.update(shapes=[["a"], [224, 224]]),
        lambda header: header["facts"].update(name="Doe"),
        lambda header: header.pop("facts"),
        lambda header: header.update(refusal="SystemExit", message=""),
        lambda header: header.update(values={"slope": 1}),
    ],
    ids=["huge", "not its facts", "another canonical", "none", "no number", "a fact too many", "no facts", "no refusal", "values"],
)
def test_a_forged_answer_is_not_believed(change):
    with pytest.raises(WireError):
        receive(io.BytesIO(with_header(sent(png_bytes(ramp())), change)))


@pytest.mark.parametrize("data", [b"", b"\x05", b"\xff\xff\xff\xff{", b"\x00\x00\x00\x00", b"\x04\x00\x00\x00[1]x"])
def test_noise_is_not_believed(data):
    with pytest.raises(WireError):
        receive(io.BytesIO(data))


def test_an_answer_cut_short_is_not_believed():
    with pytest.raises(WireError, match="ended"):
        receive(io.BytesIO(sent(png_bytes(ramp()))[:-1]))
