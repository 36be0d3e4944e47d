"""Streamlit's texts and labels are Markdown: text from others must pass pneumo.outgoing first, or the browser fetches its pictures.

Every call in the pages is read: a text is ours (a constant, a number, a word of a fixed list) or goes through `markdown` or `code`.
test_foreign_names.py opens pages with hostile names.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py")), *sorted((ROOT / "pneumo" / "ui").rglob("*.py"))]
# Name -> places of its Markdown among the arguments without a name.
CALLS = {
    "markdown": [0],
    "write": [0],
    "caption": [0],
    "error": [0],
    "warning": [0],
    "info": [0],
    "success": [0],
    "exception": [0],
    "title": [0],
    "header": [0],
    "subheader": [0],
    "toast": [0],
    "badge": [0],
    "spinner": [0],
    "expander": [0],
    "popover": [0],
    "progress": [1],
    "status": [0],
    "tabs": [0],
    "metric": [0, 1, 2],
    "button": [0],
    "download_button": [0],
    "link_button": [0],
    "page_link": [],
    "form_submit_button": [0],
    "checkbox": [0],
    "toggle": [0],
    "radio": [0, 1],
    "pills": [0, 1],
    "segmented_control": [0, 1],
    "selectbox": [0],
    "multiselect": [0],
    "slider": [0],
    "select_slider": [0],
    "text_input": [0],
    "text_area": [0],
    "number_input": [0],
    "date_input": [0],
    "file_uploader": [0],
    "image": [],
    "dataframe": [],
    "table": [0],
}
NAMED = {"label", "body", "text", "help", "caption", "title", "captions"}
ESCAPED = {"markdown", "code"}
NUMBERS = {"len", "round", "int", "sum", "min", "max"}

# File -> expressions that are ours although they are not constants, each with the reason.
OURS = {
    "pages/about.py": {"card_markdown(model).replace('# ', '## ', 1).replace('\\n## ', '\\n### ')": "escaped within"},
    "pages/dataset.py": {"summary_line(catalog)": "numbers"},
    "pages/metrics.py": {"options": "of SECTIONS"},
    "pneumo/ui/metrics/summary.py": {"'\\n'.join((f'- {markdown(sentence)}' for sentence in news))": "escaped within"},
    "pneumo/ui/monitoring/watching.py": {
        "watched.cases": "a number",
        "watched.first_cases": "a number",
        "'\\n'.join((f'- {markdown(name)}' for name in watched.charts))": "escaped within",
    },
    "pneumo/ui/shell/models.py": {"label": "escaped within", "help": "words of ours"},
    "pneumo/ui/site/local.py": {
        "profile.fitted_on.images": "a number",
        "profile.judged_on.images": "a number",
        "interval(profile.loss_less)": "numbers",
    },
    "pages/train.py": {"summary_line(catalog)": "numbers"},
    "pages/diagnose.py": {"warning": "numbers"},
    "pages/worklist.py": {
        "time_left(queue.seconds_left)": "numbers",
        "warning": "numbers",
        "what_stays()": "words of ours",
        "words[kind]": "words of ours",
    },
    "pneumo/ui/shell/access.py": {"role.name.lower()": "of Role"},
    "pneumo/ui/shell/frame.py": {"page.title": "of a page"},
    "pneumo/ui/dataset/audit.py": {
        "audit_markdown(result)": "escaped within",
        "LEAST[Action.DATA].name.lower()": "of Role",
        "how": "fixed words or a number",
    },
    "pneumo/ui/dataset/library.py": {"help": "words of the pages"},
    "pneumo/ui/diagnose/viewer.py": {
        "finding.status.in_words.capitalize()": "of Status",
        "wording.answer_html(reading, place)": "numbers and fixed words",
    },
    "pneumo/ui/train/curves.py": {"chart.reading": "of learning_curves"},
    "pneumo/ui/diagnose/filmstrip.py": {"labels[index]": "the page's: NORMAL, PNEUMONIA, NOT ANSWERED, NOT READ"},
    "pneumo/ui/dataset/gallery.py": {"kind": "of _KINDS", "_title(entry)": "label or subtype: fixed words of `records`"},
    "pneumo/ui/dataset/get_data.py": {"LEAST[Action.DATA].name.lower()": "of Role", "label": "of _SOURCES", "help": "of _SOURCES"},
    "pneumo/ui/history/cases.py": {
        "'s' * (len(cases) != 1)": "a letter",
        "files": "a number",
        "not_taken()": "words of ours",
        "name": "of `choices`",
        "zones_help()": "fixed words",
    },
    "pneumo/ui/metrics/curves.py": {"_of_100(ppv)": "numbers", "_of_100(npv)": "numbers", "share(choice.prevalence)": "a number"},
    "pneumo/ui/metrics/results.py": {"share(choice.prevalence)": "a number"},
    "pneumo/ui/metrics/files.py": {"label": "of the two beside it"},
    "pneumo/ui/metrics/mistakes.py": {"title": "of _TITLES", "label": "a number"},
    "pneumo/ui/metrics/models.py": {"several": "of the two beside it"},
    "pneumo/ui/metrics/robustness.py": {"title": "of `robustness_tables`", "reading": "of `robustness_tables`"},
    "pneumo/ui/dataset/quiz.py": {
        "label": "NORMAL or PNEUMONIA",
        "game['guess']": "NORMAL or PNEUMONIA",
        "line": "numbers",
        "in_words(answer[1])": "a number",
    },
    "pneumo/ui/history/record.py": {"name": "agreement or note"},
    "pneumo/ui/diagnose/report.py": {"remarks_summary(remarks, label)": "of fixed words", "label": "NORMAL or PNEUMONIA"},
    "pneumo/ui/train/first_run.py": {
        "cut": "words of the page, or none",
        "'\\n'.join([f\"| Architecture | {' | '.join(common)} |\", '|---' * (len(common) + 1) + '|', *rows])": "names of ours",
    },
    "pneumo/ui/train/form.py": {
        "label": "of `_settings`",
        "help": "of `_settings`",
        "state[FORM + 'preset']": "of PRESETS",
        "', '.join(changed)": "fields of TrainConfig",
        "estimate_sentence(estimated(config, catalog))": "numbers",
    },
    "pneumo/ui/train/job.py": {"place(view)": "numbers"},
    "pneumo/ui/worklist/table.py": {
        "summary(table, len(without), *counts)": "numbers",
        "title": "CSV or JSON",
        "zones_help()": "fixed words",
    },
}


def is_ours(node: ast.expr, known: dict[str, str]) -> bool:
    """Whether an expression can only be our own text, a number or escaped text."""
    if ast.unparse(node) in known:
        return True
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper()
        case ast.Subscript(value=value):
            return is_ours(value, known)
        case ast.Starred(value=value) | ast.ListComp(elt=value):
            return is_ours(value, known)
        case ast.JoinedStr(values=values):
            return all(is_ours(value, known) for value in values)
        case ast.FormattedValue(format_spec=ast.JoinedStr(values=[ast.Constant(value=spec)])) if spec[-1] in ",%defg":
            return True  # texts cannot have these formats
        case ast.FormattedValue(value=value):
            return is_ours(value, known)
        case ast.Call(func=ast.Name(id=name)):
            return name in ESCAPED | NUMBERS
        case ast.IfExp(body=body, orelse=other):
            return is_ours(body, known) and is_ours(other, known)
        case ast.BoolOp(values=values) | ast.Tuple(elts=values) | ast.List(elts=values):
            return all(is_ours(value, known) for value in values)
        case ast.BinOp(op=ast.Sub() | ast.Div()):
            return True
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return any(isinstance(side, ast.Constant) and isinstance(side.value, int) for side in (left, right)) or (
                is_ours(left, known) and is_ours(right, known)
            )
    return False


def texts(tree: ast.AST):
    """(line, expression) of every Markdown argument of a call of Streamlit."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "quota":
            continue  # not Streamlit
        if name not in CALLS and not (isinstance(call.func, ast.Attribute) and name.endswith("Column")):
            continue
        if any(word.arg == "format_func" and ast.unparse(word.value) == "markdown" for word in call.keywords):
            continue  # the options; the label is a constant in each of these
        given = [call.args[place] for place in CALLS.get(name, ()) if place < len(call.args)]
        for text in [*given, *(word.value for word in call.keywords if word.arg in NAMED)]:
            yield call.lineno, text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_reaches_markdown_unescaped(path):
    place = path.relative_to(ROOT).as_posix()
    known = OURS.get(place, {})
    unescaped = [
        f"{place}:{line}: {ast.unparse(text)}"
        for line, text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if not is_ours(text, known)
    ]
    assert unescaped == [], "pass it through pneumo.outgoing.markdown or code, or say in OURS why it is ours"


def test_every_exception_is_still_needed():
    for place, known in OURS.items():
        given = [text for _, text in texts(ast.parse((ROOT / place).read_text(encoding="utf-8")))]
        shown = {ast.unparse(part) for text in given for part in ast.walk(text) if isinstance(part, ast.expr)}
        assert set(known) <= shown, place


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("st.error(problem)", 1),
        ("st.error(str(error))", 1),
        ("st.error(markdown(str(error)))", 0),
        ("line.caption(f'{name}')", 1),
        ("st.caption(f'{share:.2f} of {count:,}, {markdown(name)}')", 0),
        ("st.button('Go', help=f'{name!r}')", 1),
        ("st.segmented_control('A', names)", 1),
        ("st.segmented_control('A', names, format_func=markdown)", 0),
        ("st.tabs(names)", 1),
        ("bar.progress(0.5, name)", 1),
        ("st.image(x, caption=name)", 1),
        ("st.markdown('a' + name)", 1),
    ],
)
def test_unescaped_texts_are_found(source, count):
    assert sum(not is_ours(text, {}) for _, text in texts(ast.parse(source))) == count


def test_no_call_of_streamlit_goes_through_getattr():
    for path in SOURCES:
        assert "getattr(st," not in path.read_text(encoding="utf-8"), path
