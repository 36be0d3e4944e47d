"""The Train page in the test driver."""

from opened_app import open_app


def open_page():
    app = open_app().switch_page("pages/train.py").run()
    assert not app.exception
    return app


def text(app) -> str:
    return "\n".join(
        str(element.value)
        for kind in (app.title, app.subheader, app.markdown, app.warning, app.info, app.error, app.success, app.caption, app.code)
        for element in kind
    )


def click(app, key):
    app.button(key=key).click().run()
    assert not app.exception
