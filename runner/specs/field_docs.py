"""What a field of a file means, for JSON Schema: the text that stands below it in its model.

pydantic reads these texts too when it is told to, but whenever a model is imported, which takes longer than checking a
file with it; here they are read when somebody asks for a schema.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise


def field_docs(model: type) -> dict[str, str]:
    """Field → the text below it, those of its base classes too. Empty where the source is not at hand."""
    docs: dict[str, str] = {}
    for each in reversed(model.__mro__):
        docs.update(_own(each))
    return docs


def _own(model: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    except (OSError, TypeError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
