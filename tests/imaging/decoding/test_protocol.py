import io
import json

import numpy as np
import pytest
from makers import dicom_bytes, lut_item, png_bytes, ramp

from pneumo.errors import ImageRejected
from pneumo.imaging.decoding.decoded_file import decode_whole
from pneumo.imaging.decoding.protocol import WireError, receive, receive_bytes, send, send_bytes
from pneumo.imaging.radiograph import Spacing


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


def test_a_table_and_a_spacing_arrive_as_they_were_sent():
    table = lut_item([i // 16 for i in range(4096)], 0, 8)
    data = dicom_bytes(ramp(64, 90, 4095, np.uint16), BitsStored=12, VOILUTSequence=[table], ImagerPixelSpacing=[0.14, 0.14])
    here, there = decode_whole(data), receive(io.BytesIO(sent(data)))
    np.testing.assert_array_equal(there.radiograph.values.table, here.radiograph.values.table)
    assert there.radiograph.facts == here.radiograph.facts
    assert there.radiograph.facts.spacing == Spacing(0.14, at_detector=True)


DEEP = dicom_bytes(
    ramp(64, 90, 4095, np.uint16), BitsStored=12, VOILUTSequence=[lut_item([i // 16 for i in range(4096)], 0, 8)],
    WindowCenter=9, WindowWidth=8, ImagerPixelSpacing=[0.14, 0.14],
)  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["shapes"][3].__setitem__(0, 4000),  # values beyond the table's end
        lambda header: header["shapes"][3].__setitem__(0, 2**16 + 1),
        lambda header: header["shapes"].append([9]),
        lambda header: header["shapes"].__setitem__(2, [64, 10**6]),
        lambda header: header["values"].update(slope=float("nan")),
        lambda header: header["values"]["windows"][0].update(width=float("inf")),
        lambda header: header["facts"]["spacing"].update(mm=float("inf")),
        lambda header: header["facts"]["spacing"].update(mm="far"),
    ],
)
def test_forged_values_are_not_believed(change):
    with pytest.raises(WireError):
        receive(io.BytesIO(with_header(sent(DEEP), change)))


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
