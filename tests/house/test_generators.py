"""What is generated of unusual functions: the right Python, or an error that says why not."""

import ast

import pytest

from scripts.generated.calls import check_argument, python_default
from scripts.generated.catalog import CommentError, Field
from scripts.generated.words import escaped


@pytest.mark.parametrize(
    ("kind", "default", "python"),
    [
        ("text", "NULL::text", "None"),
        ("text", "'it''s \"so\" a::b'::text", '"it\'s \\"so\\" a::b"'),
        ("text", "''::text", '""'),
        ("boolean", "true", "True"),
        ("integer", "100", "100"),
        ("integer", "'-1'::integer", "-1"),
        ("numeric", "1.5", 'Decimal("1.5")'),
        ("jsonb", "'[]'::jsonb", "()"),
        ("jsonb", "'{}'::jsonb", "MappingProxyType({})"),
        ("interval", "'01:00:30'::interval", "timedelta(hours=1, seconds=30)"),
    ],
)
def test_a_default_means_the_same_in_python(kind, default, python):
    assert python_default(Field("a", kind, "A.", default)) == python


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("jsonb", "'{\"a\": 1}'::jsonb"),
        ("interval", "'1 day'::interval"),
        ("timestamptz", "now()"),
        ("integer", "(1 + 2)"),
        ("text", "E'a\\\\b'::text"),
        ("integer", "'x'::integer"),
    ],
)
def test_a_default_without_a_form_in_python_is_refused(kind, default):
    with pytest.raises(CommentError, match="has no form in Python"):
        python_default(Field("a", kind, "A.", default))


@pytest.mark.parametrize(("name", "kind"), [("class", "text"), ("self", "text"), ("a", "uuid")])
def test_an_argument_that_no_method_can_have_is_refused(name, kind):
    with pytest.raises(CommentError, match=name):
        check_argument("ledger_odd", Field(name, kind, "A."))


def test_a_docstring_says_what_the_comment_says():
    text = 'One \\d, two """three""", a \\'
    assert ast.literal_eval(f'"""{escaped(text)} """').strip() == text
