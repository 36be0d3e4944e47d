"""Files for pages with a record, and shortcuts to what the pages show and ask."""

import numpy as np

from pneumo.imaging.overlay import png

WHITE = ("Anna Muster.png", png(np.full((80, 120), 255, np.uint8)), "image/png")
BLACK = ("black.png", png(np.zeros((80, 120), np.uint8)), "image/png")
LETTER = ("letter.jpg", b"Dear colleague", "image/jpeg")


def drop(app, *files):
    app.file_uploader[0].set_value(list(files)).run()
    assert not app.exception
    return app


def history(app):
    app.switch_page("pages/history.py").run()
    assert not app.exception
    assert [title.value for title in app.title] == ["History"]
    return app


def button(app, label):
    return next(button for button in app.button if button.label == label)


def text(app):
    parts = [*app.markdown, *app.caption, *app.warning, *app.info, *app.error]
    return "\n".join([*(part.value for part in parts), *(element.proto.body for element in app.get("html"))])


def agreement(app):
    return next(radio for radio in app.radio if radio.label.startswith("Do you agree"))


def note(app):
    return next(area for area in app.text_area if area.label.startswith("Note for the record"))
