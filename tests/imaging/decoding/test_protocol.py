import io
import json

import numpy as np
import pytest
from makers import dicom_bytes, lut_item, png_bytes, ramp

from pneumo.errors import ImageRejected
from pneumo.imaging.decoding.decode import decode_or_refuse
from pneumo.imaging.decoding.protocol import ProtocolError, receive, receive_bytes, send, send_bytes
from pneumo.imaging.radiograph import Spacing


def sent(data: bytes) -> bytes:
    stream = io.BytesIO()
    send(stream, decode_or_refuse(data))
    return stream.getvalue()


def with_header(data: bytes, change) -> bytes:
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    change(header)
    line = json.dumps(header).encode()
    return len(line).to_bytes(4, "little") + line + data[4 + length :]


def test_image_round_trip():
    data = dicom_bytes(ramp(1400, 90, 4095, np.uint16), BitsStored=12, HighBit=11)
    expected, received = decode_or_refuse(data), receive(io.BytesIO(sent(data)))
    np.testing.assert_array_equal(received.radiograph.pixels, expected.radiograph.pixels)
    np.testing.assert_array_equal(received.canonical, expected.canonical)
    np.testing.assert_array_equal(received.radiograph.values.stored, expected.radiograph.values.stored)
    assert received.radiograph.values.windows == expected.radiograph.values.windows
    assert received.radiograph.values.range == expected.radiograph.values.range
    assert received.radiograph.facts == expected.radiograph.facts
    assert not received.radiograph.pixels.flags.writeable


def test_table_and_spacing_round_trip():
    table = lut_item([i // 16 for i in range(4096)], 0, 8)
    data = dicom_bytes(ramp(64, 90, 4095, np.uint16), BitsStored=12, VOILUTSequence=[table], ImagerPixelSpacing=[0.14, 0.14])
    expected, received = decode_or_refuse(data), receive(io.BytesIO(sent(data)))
    np.testing.assert_array_equal(received.radiograph.values.table, expected.radiograph.values.table)
    assert received.radiograph.facts == expected.radiograph.facts
    assert received.radiograph.facts.spacing == Spacing(0.14, at_detector=True)


DEEP = dicom_bytes(
    ramp(64, 90, 4095, np.uint16),
    BitsStored=12,
    VOILUTSequence=[lut_item([i // 16 for i in range(4096)], 0, 8)],
    WindowCenter=9,
    WindowWidth=8,
    ImagerPixelSpacing=[0.14, 0.14],
)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["shapes"][3].__setitem__(0, 4000),  # a value without a table entry
        lambda header: header["shapes"][3].__setitem__(0, 2**16 + 1),
        lambda header: header["shapes"].append([9]),
        lambda header: header["shapes"].__setitem__(2, [64, 10**6]),
        lambda header: header["values"].update(slope=float("nan")),
        lambda header: header["values"]["windows"][0].update(width=float("inf")),
        lambda header: header["facts"]["spacing"].update(mm=float("inf")),
        lambda header: header["facts"]["spacing"].update(mm="far"),
    ],
)
def test_forged_values_are_refused(change):
    with pytest.raises(ProtocolError):
        receive(io.BytesIO(with_header(sent(DEEP), change)))


def test_refusal_round_trip():
    stream = io.BytesIO()
    send(stream, ImageRejected("Two frames; expected one."))
    received = receive(io.BytesIO(stream.getvalue()))
    assert (type(received), str(received)) == (ImageRejected, "Two frames; expected one.")


def test_bytes_round_trip_and_none_at_the_end():
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
def test_a_forged_answer_is_refused(change):
    with pytest.raises(ProtocolError):
        receive(io.BytesIO(with_header(sent(png_bytes(ramp())), change)))


@pytest.mark.parametrize("data", [b"", b"\x05", b"\xff\xff\xff\xff{", b"\x00\x00\x00\x00", b"\x04\x00\x00\x00[1]x"])
def test_noise_is_refused(data):
    with pytest.raises(ProtocolError):
        receive(io.BytesIO(data))


def test_a_truncated_answer_is_refused():
    with pytest.raises(ProtocolError, match="ended"):
        receive(io.BytesIO(sent(png_bytes(ramp()))[:-1]))
