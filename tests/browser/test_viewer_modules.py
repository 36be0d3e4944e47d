"""The viewer's own modules in a real browser: pure functions, compared with Python's."""

import numpy as np
import pytest
from browser.running import needs_chromium
from browser.viewer_page import DEEP
from opened_parcel import opened

from pneumo.imaging.windowing import windowed
from pneumo.ui.diagnose.parcel import pack

pytestmark = needs_chromium


def module(page, name: str, expression: str, given=None):
    """The value of `expression` in one of the viewer's own modules, `m`; `given` holds the arguments."""
    address = f"/_stcore/bidi-components/pneumo.viewer/{name}"
    return page.evaluate(f"async (given) => {{ const m = await import('{address}'); return {expression}; }}", given)


def test_functions_of_the_modules(watched):
    """Pure functions, without a picture on the page."""
    watched.drop(DEEP)
    page = watched.page

    values = [float(value) for value in (-50, 0, 99, 99.5, 100, 150.5, 4000)]
    for name in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        for centre, width in ((100.0, 101.0), (100.0, 1.0), (100.0, 0.5), (2048.0, 4096.0)):
            there = module(
                page,
                "windowing.js",
                "given[0].map(v => m.windowed(v, given[1], given[2], given[3]))",
                [values, centre, width, name],
            )
            np.testing.assert_allclose(there, windowed(np.array(values), centre, width, name), atol=1e-6)

    rng = np.random.default_rng(0)
    arrays = {"a": rng.integers(0, 2**16, (7, 5), np.uint16), "b": rng.integers(0, 256, (3, 4, 4), np.uint8)}
    parcel = pack({"key": "ä"}, arrays)
    there = module(
        page,
        "parcel.js",
        "(({header, arrays}) => [header.key, [...arrays.a.data], [...arrays.b.data], arrays.b.shape])"
        "(await m.open(Uint8Array.from(given)))",
        list(parcel),
    )
    assert there == ["ä", arrays["a"].ravel().tolist(), arrays["b"].ravel().tolist(), [3, 4, 4]]
    assert opened(parcel)[0] == {"key": "ä"}

    levels = module(
        page,
        "pyramid.js",
        "m.pyramid({width: 600, height: 4, data: Uint16Array.from(given)}).map(l => [l.width, l.height, l.data[0], l.data[1]])",
        np.tile(np.arange(600) * 100, 4).tolist(),
    )
    assert levels == [[600, 4, 0, 100], [300, 2, 50, 250], [150, 1, 150, 550]]
    assert module(page, "pyramid.js", "[4, 1, .75, .7, .5, .25, .001].map(scale => m.levelFor(scale, 4))") == [0, 0, 0, 1, 1, 2, 3]

    stage, picture = {"width": 400, "height": 300}, {"width": 1000, "height": 500}
    there = module(page, "view.js", "m.placed(m.WHOLE, given[0], given[1])", [stage, picture])
    assert there == {"scale": 0.4, "left": 0, "top": 50}
    zoomed = module(page, "view.js", "m.zoomed(m.WHOLE, 2, {x: 100, y: 150}, given[0], given[1])", [stage, picture])
    assert zoomed == {"zoom": 2, "x": 0.375, "y": 0.5}  # (100 px is at a quarter of the picture, and stays there)
    far = module(page, "view.js", "m.panned({zoom: 2, x: .375, y: .5}, 9999, 0, given[0], given[1])", [stage, picture])
    assert far["x"] == 0.25  # no gap at the left

    assert module(page, "ruler.js", "[m.ruler(.14, 200), m.ruler(.2, 100), m.ruler(1, 9)].map(r => r.mm)") == [20, 20, 5]
    assert module(page, "ruler.js", "m.distance({x: 0, y: 0}, {x: .3, y: .4}, {width: 100, height: 100}, .2)") == pytest.approx(10)

    drawn = """(() => {
        const canvas = new OffscreenCanvas(256, 11);
        const colours = new Uint8Array(1024).map((_, at) => [200, 100, 0, at >> 2][at % 4]);
        m.drawLegend(canvas, colours, 0.5, []);
        return [255, 0].flatMap((x) => [...canvas.getContext("2d").getImageData(x, 10, 1, 1).data]);
    })()"""
    legend = module(page, "legend.js", drawn)
    assert legend == [228, 178, 128, 255, 255, 255, 255, 255]  # white under half of (200, 100, 0), and white without heat

    keys = module(page, "commands.js", "m.COMMANDS.flatMap(c => c.keys)")
    assert len(keys) == len(set(keys))
    names = module(page, "tools.js", "[Object.keys(m.TOOLS), Object.values(m.GESTURES)]")
    assert set(names[1]) - {"chosen", "pinch", "wheel", "fit"} <= set(names[0])
